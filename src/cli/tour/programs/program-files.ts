// What the chapter packs: the example in two versions, and a picture for it to work on.

import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { confinementLayers } from "../../../system/confinement.ts";

export const EXAMPLE = fileURLToPath(new URL("../../../../examples/04-program", import.meta.url));
export const VERSIONS = ["1.2.0", "1.3.0"] as const;
const SIDE = 64;

/** Whether programs can run confined on this system; else the example is packed as a trusted one. */
export const isConfined = (): boolean =>
  confinementLayers().every(({ name, present }) => present || name !== "name spaces");

/** A copy of the example in that version. Answers with its folder. */
export async function exampleIn(folder: string, version: string): Promise<string> {
  const copy = join(folder, `thumbnails-${version}`);
  await cp(EXAMPLE, copy, { recursive: true });
  const edit = async (path: string, by: (text: string) => string) =>
    writeFile(join(copy, path), by(await readFile(join(copy, path), "utf8")));
  const trust = isConfined() ? {} : { trust: "operator" };
  await edit("program.json", (text) => JSON.stringify({ ...JSON.parse(text), $schema: undefined, version, ...trust }));
  await edit("components/shrink/shrink.ts", (text) => text.replaceAll(VERSIONS[0], version));
  return copy;
}

/** A binary PPM of a few colours. */
export async function picture(path: string): Promise<void> {
  const pixels = Buffer.alloc(SIDE * SIDE * 3);
  for (let at = 0; at < pixels.length; at++) pixels[at] = (at * 7) % 256;
  await writeFile(path, Buffer.concat([Buffer.from(`P6\n${SIDE} ${SIDE}\n255\n`), pixels]));
}
