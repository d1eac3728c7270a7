// What authors write, and the schemas that their editors go by.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { jsonSchemas, readProgramDescription } from "./manifest.ts";

const read = (value: unknown) =>
  readProgramDescription(new TextEncoder().encode(JSON.stringify(value)), "program.json");
const least = { name: "a", version: "1.0.0", parts: [{ kind: "component", folder: "components" }] };

describe("a program's description", () => {
  it("needs a name, a version and a part, and has the most careful of everything else", () => {
    const { trust, capabilities, containers, disconnected } = read(least);
    assert.deepEqual([trust, capabilities, containers], ["confined", [], 1]);
    assert.deepEqual(disconnected, { policy: "keep", afterMs: 60_000 });
  });

  it("is refused with the place of what is wrong", () => {
    const wrong: readonly [object, RegExp][] = [
      [{ ...least, name: "A b" }, /program\.json: name:/],
      [{ ...least, version: "1.0" }, /program\.json: version:/],
      [{ ...least, parts: [] }, /program\.json: parts:/],
      [{ ...least, parts: [{ kind: "component", folder: "../x" }] }, /program\.json: parts\.0\.folder:/],
      [{ ...least, capabilities: ["fs:read=/a", "fly"] }, /program\.json: capabilities\.1:/],
      [{ ...least, capabilities: ["net=example.com"] }, /program\.json: capabilities\.0:/],
      [{ ...least, capabilities: ["net:listen=80"] }, /program\.json: capabilities\.0:/],
      [{ ...least, disconnected: { policy: "replace", onReturn: "stop" } }, /disconnected: 'onReturn' is yield/],
      [{ ...least, disconnected: { policy: "keep", onReturn: "take-back" } }, /disconnected: 'onReturn' is yield/],
      [{ ...least, colour: "red" }, /program\.json: .*colour/],
    ];
    for (const [value, message] of wrong) assert.throws(() => read(value), { code: "invalid", message });
  });

  it("has the schemas that docs/ publishes", () => {
    const { program, manifest } = jsonSchemas();
    for (const [name, schema] of Object.entries({ program, manifest })) {
      const published = JSON.parse(readFileSync(new URL(`../../../docs/${name}.schema.json`, import.meta.url), "utf8"));
      assert.deepEqual(
        published,
        JSON.parse(JSON.stringify(schema)),
        `docs/${name}.schema.json is not as the code has it`,
      );
    }
  });
});
