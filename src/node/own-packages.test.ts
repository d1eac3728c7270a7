import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { registerHooks } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import * as whole from "unum";
import * as forComponents from "./for-components.ts";

import { lendOwnPackages } from "./own-packages.ts";

const folder = await mkdtemp(join(tmpdir(), "unum-lent-"));
after(() => rm(folder, { recursive: true }));

lendOwnPackages();
const given = new Map<string, string>();
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    if (specifier === "unum") given.set(basename(context.parentURL ?? ""), basename(found.url));
    return found;
  },
});

async function imported(name: string, source: string): Promise<Record<string, unknown>> {
  await writeFile(join(folder, name), source);
  return import(pathToFileURL(join(folder, name)).href);
}

describe("what a component is lent", () => {
  it("is the same in part as it is whole", () => {
    for (const [name, value] of Object.entries(forComponents)) assert.equal(value, Reflect.get(whole, name), name);
  });

  const PART = [
    ['import { component } from "unum";', "component"],
    ['import {\n  type Call,\n  component as made,\n  Fault,\n} from "unum";\nconst component = made;', "component"],
    ['import type { Client } from "unum";\nimport { ApplicationError } from "unum";', "ApplicationError"],
  ] as const;
  for (const [at, [source, name]] of PART.entries())
    it(`is the part for components where ${name} is taken, ${at + 1}`, async () => {
      const file = `part-${at}.ts`;
      const { taken } = await imported(file, `${source}\nexport const taken = ${name};\n`);
      assert.equal(given.get(file), "for-components.ts");
      assert.equal(taken, Reflect.get(whole, name));
    });

  const WHOLE = [
    ['import { component, newClient } from "unum";', "newClient"],
    ['import * as unum from "unum";\nconst { stack } = unum;', "stack"],
    ['import { component } from "unum";\nconst { stack } = await import("unum");', "stack"],
    ['import { component } from "unum";\nimport { newClient } from "unum"; // "unum"', "newClient"],
  ] as const;
  for (const [at, [source, name]] of WHOLE.entries())
    it(`is the whole where ${name} is taken, ${at + 1}`, async () => {
      const file = `whole-${at}.ts`;
      const { taken } = await imported(file, `${source}\nexport const taken = ${name};\n`);
      assert.equal(given.get(file), "index.ts");
      assert.equal(taken, Reflect.get(whole, name));
    });
});
