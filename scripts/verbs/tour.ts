// npm start: the tour of what works; until the command exists, a look at what is there, each thing asked for real.

import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { handOver } from "../ready/hand-over.mjs";
import { root } from "./root.ts";

export async function run(args: readonly string[]): Promise<number> {
  if (existsSync(join(root, "src", "cli", "main.ts"))) {
    return handOver(process.execPath, [join(root, "bin", "unum.mjs"), "tour", ...args]);
  }
  const rows = new Map<string, { files: number; lines: number }>();
  for (const file of globSync("src/**/*.ts", { cwd: root })) {
    if (file.endsWith(".test.ts") || file.includes("/gen/")) continue;
    const folder = file.split("/")[1] ?? "";
    const row = rows.get(folder) ?? { files: 0, lines: 0 };
    row.files++;
    row.lines += readFileSync(join(root, file), "utf8").split("\n").length - 1;
    rows.set(folder, row);
  }
  process.stdout.write("Unum, so far:\n");
  for (const [folder, { files, lines }] of rows) {
    process.stdout.write(
      `  ${folder.padEnd(12)}${String(files).padStart(4)} files${String(lines).padStart(7)} lines\n`,
    );
  }
  return 0;
}
