// The part of the program that is written in TypeScript: reads pictures, and has the other two parts work on them.

import { readFile } from "node:fs/promises";
import { type Call, component } from "unum";
import { Accent, Resample, Shrink } from "./gen/shrink_pb.ts";
import { type Picture, readPicture, writePng } from "./pictures/picture.ts";

const VERSION = "1.2.0";
const DEFAULT_LONGEST = 200;
/** A message between the parts takes no more than 1 MiB; the rest is for its head. */
const STRIP_BYTES = 1_000_000;

export default component(
  Shrink,
  {
    plan: ({ width, height, longest }) => ({ ...planned(width, height, longest), version: VERSION }),

    thumbnail,

    async prepare({ path, longest }, call) {
      const { width, height } = await thumbnail({ path, longest }, call);
      call.environment.set("prepared", [...preparedIn(call), longest]);
      return { width, height, version: VERSION };
    },

    prepared: (_, call) => ({ longest: [...preparedIn(call)] }),
  },
  { version: VERSION, budgetMs: 30_000 },
);

async function thumbnail({ path, longest }: { path: string; longest: number }, call: Call) {
  const from = readPicture(await readFile(path));
  const to = planned(from.width, from.height, longest === 0 ? DEFAULT_LONGEST : longest);
  const pixels = await shrunk(from, to, call);
  const { red, green, blue } = await call.call(Accent.method.of, { pixels });
  return {
    ...to,
    png: writePng({ ...to, pixels }),
    accent: `#${[red, green, blue].map((value) => value.toString(16).padStart(2, "0")).join("")}`,
    fromWidth: from.width,
    fromHeight: from.height,
  };
}

/** The longer sides asked for, in the order in which they were done. */
function preparedIn({ environment }: Call): readonly number[] {
  // Only what is set above is there.
  return (environment.get("prepared") as readonly number[] | undefined) ?? [];
}

function planned(width: number, height: number, longest: number) {
  const factor = Math.min(1, longest / Math.max(1, width, height));
  return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) };
}

/** By strips of rows that fit into a message. */
async function shrunk(from: Picture, to: { width: number; height: number }, call: Call): Promise<Uint8Array> {
  const rowBytes = from.width * 3;
  const topOf = (row: number) => Math.floor((row * from.height) / to.height);
  const strips: Uint8Array[] = [];
  for (let row = 0; row < to.height; ) {
    let next = row + 1;
    while (next < to.height && (topOf(next + 1) - topOf(row)) * rowBytes <= STRIP_BYTES) next++;
    const strip = from.pixels.subarray(topOf(row) * rowBytes, topOf(next) * rowBytes);
    const { pixels } = await call.call(Resample.method.shrink, {
      ...{ width: from.width, height: topOf(next) - topOf(row), toWidth: to.width, toHeight: next - row },
      pixels: strip,
    });
    strips.push(pixels);
    row = next;
  }
  return Buffer.concat(strips);
}
