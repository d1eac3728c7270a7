import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inOrder, type Plugin, type PluginKind, plugin, pluginIn } from "./plugin.ts";

const FILE = "/plugins/a.ts";
const good = { name: "a", version: "1.0.0", kind: "lifecycle", open: () => ({}) };

const WRONG: readonly [what: string, exported: unknown, message: RegExp][] = [
  ["no default export", undefined, /\/plugins\/a\.ts: has no default export; write 'export default plugin/],
  ["a text", "plugin", /its default export is 'plugin'/],
  ["no name", { ...good, name: undefined }, /'name' is missing, expected letters/],
  ["a name with spaces", { ...good, name: "a b" }, /'name' is 'a b'/],
  ["a version that is none", { ...good, version: "1" }, /'version' is '1', expected semver/],
  [
    "a kind that is misspelt",
    { ...good, kind: "livecycle" },
    /'kind' is 'livecycle', expected one of .*did you mean 'lifecycle'\?/,
  ],
  [
    "a kind that is a number",
    { ...good, kind: 3 },
    /'kind' is 3, expected one of security, loader, lifecycle, logging, monitoring$/,
  ],
  ["an order that is a text", { ...good, order: "first" }, /'order' is 'first', expected a number/],
  ["no open", { ...good, open: {} }, /'open' is an object, expected a function/],
];

describe("a plugin's manifest", () => {
  for (const [what, exported, message] of WRONG) {
    it(`names the file and the field: ${what}`, () => {
      assert.throws(
        () => pluginIn(exported, FILE),
        (error: Error) => {
          assert.match(error.message, message);
          assert.match(error.message, /^plugin \/plugins\/a\.ts: /);
          return true;
        },
      );
    });
  }

  it("may be a class with static members", () => {
    let opened = 0;
    const Typed = Object.assign(class {}, {
      ...{ version: "1.2.3", kind: "monitoring" },
      open: () => {
        opened++;
        return {};
      },
    });
    Object.defineProperty(Typed, "name", { value: "typed" });
    const read = pluginIn(Typed, FILE);
    assert.deepEqual([read.name, read.version, read.kind], ["typed", "1.2.3", "monitoring"]);
    // Looks at nothing of its host.
    void read.open({} as Parameters<Plugin["open"]>[0]);
    assert.equal(opened, 1);
  });

  it("puts security first, the loader next, then the rest by order and name", () => {
    const of = (name: string, kind: PluginKind, order?: number) => ({
      plugin: plugin({
        name,
        version: "1.0.0",
        kind,
        open: () => ({}) as never,
        ...(order === undefined ? {} : { order }),
      }),
    });
    const given = [
      of("d", "logging"),
      of("c", "monitoring", -1),
      of("b", "loader", 9),
      of("e", "lifecycle"),
      of("a", "security", 99),
    ];
    assert.deepEqual(
      inOrder(given).map(({ plugin: { name } }) => name),
      ["a", "b", "c", "d", "e"],
    );
  });
});
