// Programs for tests: the example's, in other versions, packed with the command.

import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root, scratch, unum } from "../cli/unum.ts";

export interface ProgramChange {
  readonly version: string;
  /** Of shrink.ts. */
  readonly code?: (code: string) => string;
  /** Of the generated contract: a field's name or number, as another version would have it. */
  readonly contract?: (code: string) => string;
  /** By their place in the folder, from where each is copied. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of program.json. */
  readonly description?: object;
}

/** What most tests need of it: the part in TypeScript, in the container itself. */
const PLAIN = { parts: [{ kind: "component", folder: "components" }], trust: "operator" } as const;

/** Answers with the path of the archive. */
export async function packed(home: string, change: ProgramChange): Promise<string> {
  const folder = join(await scratch(), "program");
  await cp(join(root, "examples/04-program"), folder, { recursive: true });
  const edit = async (path: string, by: (text: string) => string) =>
    writeFile(join(folder, path), by(await readFile(join(folder, path), "utf8")));
  await edit("program.json", (text) =>
    JSON.stringify({ ...JSON.parse(text), ...PLAIN, version: change.version, ...change.description }),
  );
  await edit("components/shrink/shrink.ts", (text) =>
    (change.code ?? ((code) => code))(text.replace("1.2.0", change.version)),
  );
  for (const [path, from] of Object.entries(change.files ?? {})) await cp(from, join(folder, path));
  if (change.contract !== undefined) await edit("components/shrink/gen/shrink_pb.ts", change.contract);
  const { code, stdout, stderr } = await unum(["pack", folder, "--out", await scratch(), "--json"], { home });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).path;
}
