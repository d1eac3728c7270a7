import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MOST_DEEP, upToCircle } from "./links.ts";

describe("the machines above one", () => {
  const deep = Array.from({ length: MOST_DEEP + 4 }, (_, level) => `m${level}`);
  const table: { says: string; above: string[]; expected: string[] }[] = [
    { says: "are as they were told where they lead upwards", above: ["mb", "mc"], expected: ["mb", "mc"] },
    {
      says: "end with the machine itself, so that it sees the circle",
      above: ["mb", "ma", "mb", "ma"],
      expected: ["mb", "ma"],
    },
    {
      says: "end where others stand in a circle above it",
      above: ["mb", "mc", "mb", "mc"],
      expected: ["mb", "mc", "mb"],
    },
    { says: "are no more than a call could pass", above: deep, expected: deep.slice(0, MOST_DEEP) },
    { says: "are none where there is no parent", above: [], expected: [] },
  ];
  for (const { says, above, expected } of table) it(says, () => assert.deepEqual(upToCircle("ma", above), expected));
});
