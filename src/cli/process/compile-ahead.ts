// Has what confined cells run compiled by a process that is not confined and runs nothing of it, once for a program and a version of
// Node: to strip types takes a cell more processor time than all else that it does before it answers.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { QUICKLY } from "./governor-start.ts";

const PROGRAM = fileURLToPath(new URL("./compiling.ts", import.meta.url));

/** `compiled`: Node's compile cache. `folders`: of components, whose content does not change. Settles when it is done, at once where it was. */
export async function compileAhead(compiled: string, folders: readonly string[]): Promise<void> {
  const of = createHash("sha256").update(folders.join("\n")).digest("hex").slice(0, 16);
  try {
    mkdirSync(join(compiled, `cells-${of}-${process.version}`));
  } catch {
    return; // done, or not to be done
  }
  const child = spawn(process.execPath, [...QUICKLY, "--no-warnings", PROGRAM, ...folders], {
    stdio: "ignore",
    cwd: tmpdir(),
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
  await new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
}
