import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { systemClock } from "../system/clock.ts";
import { loadComponents } from "./load-components.ts";
import { excerptAt, type LoadFailure } from "./load-failure.ts";

const contracts = pathToFileURL(join(import.meta.dirname, "../../test/gen/unum/test/v1/services_pb.ts")).href;
const roots: string[] = [];
after(() => Promise.all(roots.map((root) => rm(root, { recursive: true }))));

const HEAD = `import { component } from "unum";\nimport { Kinds, Modes } from ${JSON.stringify(contracts)};\n`;
const GOOD = `${HEAD}export default component(Kinds, { echo: (input) => input }, { version: "1.2.3" });\n`;

async function folderOf(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "unum-load-"));
  roots.push(root);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

/** The one failure of a folder with that one file beside a good component, which is served all the same. */
async function failureOf(source: string, name = "bad.ts", more: Record<string, string> = {}) {
  const root = await folderOf({ "good/good.ts": GOOD, [`bad/${name}`]: source, ...more });
  const { components, failures } = await loadComponents(root, { clock: systemClock() });
  assert.deepEqual(
    components.map(({ component }) => component.contract.typeName),
    ["unum.test.v1.Kinds"],
  );
  assert.equal(failures.length, 1);
  // The line above.
  const failure = failures[0] as LoadFailure;
  assert.equal(failure.component, join(root, "bad", name));
  assert.ok(failure.advice.length > 10);
  const { place } = failure;
  return { ...failure, at: place && `${relative(root, place.file)}:${place.line}:${place.column}` };
}

describe("loading components", () => {
  it("finds NAME/NAME.ts, NAME/index.ts and NAME.ts, and nothing that was put aside", async () => {
    const root = await folderOf({
      "a/a.ts": `${HEAD}export default component(Kinds, { echo: (input) => input });`,
      "a/index.ts": "throw new Error('not this one')",
      "b/index.mts": `${HEAD}const same = (i) => i; async function* items(i) { yield i; }
        export default component(Modes, { plain: same, sync: same, async: same, broadcast: same, plainStream: items, stream: items });`,
      "_later.ts": "throw new Error()",
      ".hidden/.hidden.ts": "throw new Error()",
      "gen/gen.ts": "throw new Error()",
      "node_modules/node_modules.ts": "throw new Error()",
      "a.test.ts": "throw new Error()",
      "a.d.ts": "export {}",
      "docs/README.md": "text",
    });
    const { components, failures } = await loadComponents(root, { clock: systemClock() });
    assert.deepEqual(failures, []);
    assert.deepEqual(
      components.map(({ file }) => relative(root, file)),
      ["a/a.ts", "b/index.mts"],
    );
  });

  it("serves what lies in the module path, by a file of one line in the folder", async () => {
    const main = "node_modules/acme-echo";
    const root = await folderOf({
      "components/echo.ts": 'export { default } from "acme-echo";\n',
      [`${main}/package.json`]:
        '{ "name": "acme-echo", "version": "3.1.4", "type": "module", "exports": "./echo.mjs" }',
      [`${main}/echo.mjs`]: `${HEAD}export default component(Kinds, { echo: (input) => input }, { version: "3.1.4" });\n`,
    });
    const { components, failures } = await loadComponents(join(root, "components"), { clock: systemClock() });
    assert.deepEqual(failures, []);
    assert.deepEqual(
      components.map(({ component }) => [component.contract.typeName, component.version]),
      [["unum.test.v1.Kinds", "3.1.4"]],
    );
  });

  it("says line and column of a syntax error, in TypeScript and in JavaScript", async () => {
    const typescript = await failureOf("const a = 1;\nconst b = ;\n");
    assert.equal(typescript.at, "bad/bad.ts:2:11");
    assert.match(typescript.message, /Expression expected/);
    assert.equal(excerptAt(typescript.place ?? assert.fail()), "1 | const a = 1;\n2 | const b = ;\n  |           ^");
    const javascript = await failureOf("const a = 1;\nconst b = ;\n", "bad.mjs");
    assert.equal(javascript.at, "bad/bad.mjs:2:11");
    assert.match(javascript.message, /Unexpected token/);
  });

  it("says where TypeScript is not erasable and what to write for it", async () => {
    const failure = await failureOf("type T = 1;\nenum Colour { Red }\nexport default Colour;\n");
    assert.equal(failure.at, "bad/bad.ts:2:1");
    assert.match(failure.message, /enum is not supported/);
    assert.match(failure.advice, /as const/);
  });

  it("says where an error was thrown while loading", async () => {
    const failure = await failureOf("const settings: { a?: { b: 1 } } = {};\nexport default settings.a.b;\n");
    assert.equal(failure.at, "bad/bad.ts:2:27");
    assert.match(failure.message, /^TypeError: Cannot read properties of undefined \(reading 'b'\)/);
    assert.equal((await failureOf("throw 'words';\n")).message, "words");
  });

  it("says where the failure lies when another file of the component has it", async () => {
    const imported = { "bad/part.ts": "\nconst broken = (;\n" };
    assert.equal((await failureOf(`import "./part.ts";\n`, "bad.ts", imported)).at, "bad/part.ts:2:17");
  });

  it("says which import finds nothing", async () => {
    const file = await failureOf(`const a = 1;\nimport { b } from "./missing.ts";\nexport default [a, b];\n`);
    assert.equal(file.at, "bad/bad.ts:2:20");
    assert.match(file.message, /Cannot find module/);
    const pack = await failureOf(`import x from "no-such-package";\nexport default x;\n`);
    assert.equal(pack.at, "bad/bad.ts:1:16");
    const name = await failureOf(`import { nothing } from "unum";\nexport default nothing;\n`);
    assert.equal(name.at, "bad/bad.ts:1:10");
    assert.match(name.advice, /export nothing/);
  });

  it("says that the default export is missing or not a component", async () => {
    assert.match((await failureOf("export const a = 1;\n")).message, /no default export/);
    const other = await failureOf("const a = 1;\nexport default { a };\n");
    assert.match(other.message, /an object, not made by component/);
    assert.equal(other.at, "bad/bad.ts:2:1");
    assert.match(other.advice, /export default component/);
  });

  it("says which method has no function and where the component is declared", async () => {
    const failure = await failureOf(`${HEAD}\nexport default component(Modes, { plain: (input) => input });\n`);
    assert.match(failure.message, /no function 'sync' for method Sync/);
    assert.equal(failure.at, "bad/bad.ts:4:16");
  });

  it("takes a manifest typed by its shape, and a class, in place of component()", async () => {
    const root = await folderOf({
      "object/object.ts": `${HEAD}export const manifest = { contract: Kinds, version: "2.1.0", budgetMs: 60_000 };
        export default { echo: (input) => input };`,
      "class/class.ts": `${HEAD}export class manifest { static contract = Modes; static concurrency = 3; }
        export default class {
          #calls = 0;
          plain(input) { this.#calls++; return input; }
          sync(input) { return input; }
          async(input) { return input; }
          broadcast(input) { return input; }
          async *plainStream(input) { yield input; }
          async *stream(input) { yield input; }
        }`,
    });
    const { components, failures } = await loadComponents(root, { clock: systemClock() });
    assert.deepEqual(failures, []);
    const [modes, kinds] = components.map(({ component }) => component);
    assert.deepEqual([kinds?.version, kinds?.budgetMs, modes?.concurrency], ["2.1.0", 60_000, 3]);
    // Runs with its own fields.
    const plain = [...(modes?.handlers ?? [])].find(([{ localName }]) => localName === "plain")?.[1];
    assert.equal(plain?.({ text: "x" }, undefined as never) !== undefined, true);
  });

  it("says which field of a manifest is wrong", async () => {
    const manifest = async (text: string) =>
      (await failureOf(`${HEAD}export const manifest = ${text};\nexport default { echo: (input) => input };\n`))
        .message;
    assert.match(await manifest("{ contract: Modes, version: 'v1' }"), /version 'v1' is not semver/);
    assert.match(await manifest("{ contract: 3 }"), /'contract' is 3, expected a service/);
    assert.match(await manifest("{ contract: Modes, budget: 3 }"), /no field 'budget'; .*did you mean 'budgetMs'/);
    assert.match(await manifest("{ contract: Modes }"), /no function 'plain' for method Plain/);
  });

  it("says which other component has the contract", async () => {
    const root = await folderOf({ "one/one.ts": GOOD, "two/two.ts": GOOD });
    const { components, failures } = await loadComponents(root, { clock: systemClock() });
    assert.deepEqual(
      components.map(({ file }) => relative(root, file)),
      ["one/one.ts"],
    );
    assert.match(failures[0]?.message ?? "", /unum\.test\.v1\.Kinds is already implemented by .*one\/one\.ts/);
    assert.equal(failures[0]?.place?.line, 3);
  });

  it("gives up a file that is still loading at the limit", async () => {
    const root = await folderOf({ "good.ts": GOOD, "hang.ts": "const a = 1;\nawait new Promise(() => {});\n" });
    const clock = systemClock();
    const startedAt = clock.now();
    const { components, failures } = await loadComponents(root, { clock, limitMs: 300 });
    assert.ok(clock.now() - startedAt < 3_000);
    assert.equal(components.length, 1);
    assert.match(failures[0]?.message ?? "", /still loading after 300 ms/);
    assert.equal(failures[0]?.place?.line, 2);
  });

  it("refuses a folder that is missing, empty, a file or without components", async () => {
    const root = await folderOf({ "file.txt": "text", "empty/.keep": "" });
    const refused = (path: string, message: RegExp) =>
      assert.rejects(loadComponents(join(root, path), { clock: systemClock() }), { name: "Fault", message });
    await refused("nowhere", /there is no folder .*nowhere/);
    await refused("file.txt", /is a file/);
    await refused("empty", /no component among them; write one to .*NAME\.ts/);
    await refused("", /no component among them/);
  });
});
