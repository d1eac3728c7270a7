// npm run bench: bench/NAME.ts with the arguments after it, or every one in turn.

import { existsSync, globSync } from "node:fs";
import { basename, join } from "node:path";
import { handOver } from "../ready/hand-over.mjs";
import { ensurePackages } from "../ready/packages.mjs";
import { root } from "./root.ts";

export async function run(args: readonly string[]): Promise<number> {
  const names = benches();
  const [name, ...rest] = args;
  if (name === "--help" || name === "--list") {
    process.stdout.write(help(names));
    return 0;
  }
  const every = name === undefined || name.startsWith("-");
  if (!every && !names.includes(name)) {
    process.stderr.write(`There is no bench '${name}'.\n\n${help(names)}`);
    return 2;
  }
  // The systems measured beside Unum are no dependency of it, so they come when they are first needed.
  if (existsSync(join(root, "bench", "peers", "package-lock.json"))) {
    const lockFolder = join(root, ".unum", "ready-peers.lock");
    await ensurePackages({ folder: join(root, "bench", "peers"), what: "the systems to measure against", lockFolder });
  }
  let worst = 0;
  for (const each of every ? names : [name]) {
    const code = await handOver(process.execPath, [join(root, "bench", `${each}.ts`), ...(every ? args : rest)], {
      cwd: root,
    });
    worst = Math.max(worst, code);
  }
  return worst;
}

function benches(): string[] {
  return globSync("*.ts", { cwd: join(root, "bench") })
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => basename(file, ".ts"))
    .sort();
}

function help(names: readonly string[]): string {
  return `Usage: npm run bench -- [NAME] [--json] [ARGUMENTS]\n\nWithout a name all run: ${names.join(", ") || "(none yet)"}\n`;
}
