// Compiles what confined cells run: they read what was compiled and may not write it. Nothing of a program runs here.
//
// Arguments: folders of components.

import { pathToFileURL } from "node:url";
import { findComponentFiles } from "../../node/component-files.ts";
// What cells begin with is run, so that the functions that it runs are compiled too.
import "../../container/cell/component-guest.ts";
import "../../container/cell/function-guest.ts";
import "../../node/load-components.ts";
import { lendOwnPackages } from "../../node/own-packages.ts";
import "../../system/clock.ts";
import "../../system/socket-stream.ts";
import "../../system/thread-limit.ts";
import { CELL_PROGRAM, NATIVE_CELL_PROGRAM, WASM_CELL_PROGRAM } from "./governor-start.ts";

lendOwnPackages();
for (const program of [CELL_PROGRAM, NATIVE_CELL_PROGRAM, WASM_CELL_PROGRAM]) await compileOnly(program);
for (const folder of process.argv.slice(2))
  for (const { path } of await findComponentFiles(folder).catch(() => [])) await compileOnly(path);
process.exit(0);

/** A module that also asks for what there is not: all that it imports is read and compiled, then it is refused as a whole. */
async function compileOnly(file: string): Promise<void> {
  const nothing = '"data:text/javascript,"';
  const source = `import ${JSON.stringify(pathToFileURL(file).href)}; import { nothing } from ${nothing};`;
  await import(`data:text/javascript,${encodeURIComponent(source)}`).catch(() => {});
}
