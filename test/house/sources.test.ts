// Rules for every source file of src/. Each is shown able to fail.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeLines, filesLike, ownSources, textOf } from "./files.ts";

interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
  readonly exempt: RegExp;
  readonly wayOut: string;
  /** Lines the rule must find, and lines it must leave alone. */
  readonly bad: readonly string[];
  readonly good: readonly string[];
}

const RULES: readonly Rule[] = [
  {
    name: "takes time from a Clock",
    pattern:
      /\b(?:Date\.now|performance\.now|process\.hrtime(?:\.bigint)?|setTimeout|setInterval|setImmediate)\s*\(|\bnew Date\(\)|["']node:timers/,
    // The promises suites also run over real sockets, and then wait in real time.
    exempt: /^src\/(?:system|cli)\/|^src\/testing\/(?:virtual-clock|promises\/settled)\.ts$/,
    wayOut: "use the Clock of Env",
    bad: [
      "const at = Date.now();",
      "setTimeout(fire, 5);",
      'import { setTimeout } from "node:timers/promises";',
      "new Date()",
      "process.hrtime.bigint()",
    ],
    good: ["clock.after(5, fire);", "new Date(wallNow())", "// setTimeout( is not used here"],
  },
  {
    name: "takes chance from a Random",
    pattern: /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b|\bgetRandomValues\b|\brandomInt\b/,
    // What encrypts must not be guessed, so it does not come from a seed.
    exempt: /^src\/(?:system|cli)\/|^src\/(?:discovery\/seal|machine\/identity\/gossip-keys)\.ts$/,
    wayOut: "use the Random of Env",
    bad: ["const x = Math.random();", "randomUUID()"],
    good: ["env.random.float();"],
  },
  {
    name: "believes its types: no any",
    pattern: /(?::|\bas|<|,|\||=>)\s*any\b(?=\s*[;,)=>|&[\]}]|$)|\bany\[\]/,
    exempt: /^$/,
    wayOut: "name the type, or take unknown and check it",
    bad: ["let a: any;", "f(x as any)", "const m = new Map<string, any>();", "let a: any[];"],
    good: ["const anything = 1;", '"sockets: any free port"', "let many: string;", "// as any"],
  },
  {
    name: "says nothing of unfinished work",
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b|not implemented/,
    exempt: /^$/,
    wayOut: "do it now, or leave it out and say so in docs/SEEDS.md",
    bad: ['throw new Error("not implemented");', "const a = 1; /* TODO */"],
    good: ["const todo = list.pop();"],
  },
];

function found(rule: Rule, source: string): number[] {
  return codeLines(source)
    .filter(({ text }) => rule.pattern.test(text))
    .map(({ number }) => number);
}

describe("every source", () => {
  for (const rule of RULES) {
    it(rule.name, () => {
      const places = ownSources()
        .filter((path) => !rule.exempt.test(path))
        .flatMap((path) => found(rule, textOf(path)).map((line) => `${path}:${line}: ${rule.wayOut}`));
      assert.deepEqual(places, []);
    });

    it(`${rule.name} (the rule can fail)`, () => {
      for (const line of rule.bad) assert.deepEqual(found(rule, `\n${line}`), [2], line);
      for (const line of rule.good) assert.deepEqual(found(rule, line), [], line);
    });
  }

  it("opens with a comment that says what it is for", () => {
    const places = ownSources().filter((path) => !opens(textOf(path)));
    assert.deepEqual(places, []);
    assert.ok(!opens('import x from "y";'));
    assert.ok(opens("// What it is for.\n"));
  });

  it("has a name that says what is in it", () => {
    const places = filesLike("{src,test,bench,scripts,examples}/**/*.{ts,mjs}").filter((path) => !isNamed(path));
    assert.deepEqual(places, []);
    for (const path of ["src/base/util.ts", "src/client/call-helpers.ts", "src/common/x.ts", "src/a/Frame.ts"]) {
      assert.ok(!isNamed(path), path);
    }
    for (const path of ["src/zmtp/frame-reader.ts", "src/messages/gen/x/v1/y_pb.ts"]) assert.ok(isNamed(path), path);
  });
});

function opens(source: string): boolean {
  return /^(?:#!.*\n)?(?:\/\/ |\/\*\* )\S/.test(source);
}

function isNamed(path: string): boolean {
  if (path.includes("/gen/")) return true;
  return path
    .split("/")
    .slice(1)
    .every((part) => {
      const words = part.replace(/(?:\.fuzz)?(?:\.test)?\.(?:ts|mjs)$/, "").split("-");
      return words.every(
        (word) => /^[a-z0-9]+$/.test(word) && !/^(?:util|helper|manager|common|impl|data|misc)s?$/.test(word),
      );
    });
}
