// unum pack: a program's folder as a signed archive.

import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { signFile } from "../../machine/archive/minisign.ts";
import { packArchive } from "../../machine/archive/pack.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import { shown } from "../failure-text.ts";
import { gather } from "../machine/gather.ts";
import { ownKey } from "../machine/key-folder.ts";
import { counted } from "../node-text.ts";
import { formatSize } from "../size.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

interface PackFlags {
  readonly out: string;
  readonly json?: boolean;
}

export function addPack({ program, terminal, end }: Stage): void {
  program
    .command("pack")
    .summary("make a signed archive of a program")
    .description(
      "Packs the folder of a program into NAME-VERSION.zip, and signs it with your key ('unum keys') into NAME-VERSION.zip.minisig. The folder has a program.json with name, version and parts. The same files give the same archive.",
    )
    .argument("<folder>", "of the program")
    .option("--out <folder>", "where the archive is written", "dist")
    .option("--json", "what was written as one JSON object")
    .addHelpText(
      "after",
      examples(["unum pack examples/04-program", "unum pack examples/04-program --out /tmp --json"]),
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0    packed
  2    usage: no such folder, or what is in it cannot be packed`,
    )
    .action(async (folder: string, flags: PackFlags) => end(await pack(resolve(folder), flags, terminal)));
}

async function pack(folder: string, { out, json }: PackFlags, terminal: Terminal): Promise<number> {
  const packing = await gather(folder, systemEnv().clock);
  const { key, isNew, path: keyPath } = await ownKey();
  const { bytes, archive } = await packArchive(packing, key);
  const { name, version, serves, parts } = archive.manifest;
  const path = join(resolve(out), `${name}-${version}.zip`);
  await mkdir(resolve(out), { recursive: true });
  await writeFile(path, bytes);
  await writeFile(`${path}.minisig`, signFile(bytes, key, `${name} ${version}`));
  if (json) {
    const { digest } = archive;
    terminal.print(JSON.stringify({ path, name, version, digest, bytes: bytes.length, key: key.id, serves }));
    return EXIT.ok;
  }
  if (isNew) terminal.say(`made your key ${key.id} in ${shown(keyPath)}`);
  terminal.say(
    `${name} ${version}: ${counted(parts.length, "part")}, ${formatSize(bytes.length)}, signed by ${key.id}`,
  );
  for (const contract of serves) terminal.say(`  serves ${contract}`);
  terminal.print(path);
  return EXIT.ok;
}
