// Folders of src/ import downwards only.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { filesLike, root, textOf } from "./house/files.ts";
import { breaches, COMPUTED, importsOf, LAYERS } from "./layers.ts";

describe("layers", () => {
  it("hold in every file of src", () => {
    const files = filesLike("src/**/*.ts");
    assert.ok(files.length > 20, `only ${files.length} files were found`);
    const found = files.flatMap((file) => breaches(file, textOf(file)));
    assert.deepEqual(found, []);
  });

  it("have no way round", () => {
    for (const [folder, { may }] of Object.entries(LAYERS)) {
      assert.ok(!reach(may).has(folder), `${folder} reaches itself`);
      assert.deepEqual(
        may.filter((name) => LAYERS[name] === undefined),
        [],
      );
    }
  });

  it("name every folder there is", () => {
    const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    assert.deepEqual(
      folders.map(({ name }) => name).filter((name) => LAYERS[name] === undefined),
      [],
    );
  });

  it("stand in docs/ARCHITECTURE.md as they stand here", () => {
    const text = textOf("docs/ARCHITECTURE.md");
    for (const [folder, { duty }] of Object.entries(LAYERS)) {
      const row = text.split("\n").find((line) => line.startsWith(`| ${folder} |`));
      assert.ok(row?.includes(duty), `docs/ARCHITECTURE.md has no row '| ${folder} | ${duty} | …'`);
    }
  });

  it("leave examples nothing but the package's exports", () => {
    const found = filesLike("examples/**/*.ts").flatMap((file) =>
      importsOf(textOf(file))
        .filter((specifier) => /(^|\/)src\//.test(specifier))
        .map((specifier) => `${file} imports ${specifier}: write "unum" or "unum/testing", as its readers must`),
    );
    assert.deepEqual(found, []);
  });
});

describe("a breach is found", () => {
  const cases: readonly [what: string, file: string, source: string, says: RegExp][] = [
    ["upwards", "src/base/x.ts", 'import { a } from "../client/a.ts";', /base may import nothing/],
    ["as a type", "src/zmtp/x.ts", 'import type {\n  A,\n  B,\n} from "../messages/a.ts";', /zmtp may import base/],
    ["as a re-export", "src/messages/x.ts", 'export * from "../client/a.ts";', /messages may import base/],
    ["for its effect", "src/base/x.ts", 'import "../cli/main.ts";', /base may import nothing/],
    ["when it runs", "src/base/x.ts", 'const m = await import("../cli/main.ts");', /base may import nothing/],
    ["within a type", "src/base/x.ts", 'let a: import("../cli/a.ts").A;', /base may import nothing/],
    ["by a computed name", "src/client/x.ts", "await import(name);", /only a loader/],
    ["through the package's own name", "src/client/x.ts", 'import { a } from "unum";', /does not import itself/],
    ["out of src", "src/client/x.ts", 'import { a } from "../../test/a.ts";', /nothing outside src/],
    ["past Env", "src/client/x.ts", 'import { connect } from "node:net";', /comes through Env/],
    [
      "from the real world into the simulated",
      "src/node/x.ts",
      'import { a } from "../system/env.ts";',
      /node may import/,
    ],
    [
      "from a guest into the inside",
      "src/flows/x.ts",
      'import { a } from "../container/a.ts";',
      /flows may import base/,
    ],
    ["in a folder nobody named", "src/helpers/x.ts", "", /not in test\/layers\.ts/],
    ["from a test upwards", "src/base/x.test.ts", 'import { a } from "../client/a.ts";', /base may import nothing/],
  ];
  for (const [what, file, source, says] of cases) {
    it(what, () => {
      const [found = "nothing was found", ...more] = breaches(file, source);
      assert.match(found, says);
      assert.deepEqual(more, []);
    });
  }

  it("and only a breach", () => {
    const source = [
      '// import { a } from "../cli/a.ts";',
      '/** As in import("../cli/a.ts"). */',
      'import assert from "node:assert/strict";',
      'import { Fault } from "../base/fault.ts";',
      'import { own } from "./own.ts";',
      "export const from = 1;",
    ].join("\n");
    assert.deepEqual(breaches("src/client/x.ts", source), []);
    assert.deepEqual(breaches("src/client/x.test.ts", 'import { world } from "../testing/world.ts";'), []);
    assert.deepEqual(breaches("src/index.ts", 'export { a } from "./node/a.ts";'), []);
  });

  it("whatever way a module is named", () => {
    const computed = "import(`./$" + "{x}`);";
    const source = `import a, { b } from "1";\nexport type { c } from "2";\nimport "3";\nimport("4");\n${computed}`;
    assert.deepEqual(importsOf(source), ["1", "2", "3", "4", COMPUTED]);
  });
});

function reach(from: readonly string[], seen = new Set<string>()): Set<string> {
  for (const name of from) {
    if (seen.has(name)) continue;
    seen.add(name);
    reach(LAYERS[name]?.may ?? [], seen);
  }
  return seen;
}
