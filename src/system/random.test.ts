import assert from "node:assert/strict";
import { it } from "node:test";
import { newId } from "../base/random.ts";
import { systemRandom } from "./random.ts";

it("draws other names from each generator of the system", () => {
  const ids = new Set(Array.from({ length: 1_000 }, () => newId(systemRandom(), "c-")));
  assert.equal(ids.size, 1_000);
});
