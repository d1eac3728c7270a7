// Amounts of memory as people write them: 512MB, 2GB, 512MiB.

import { UsageError } from "./usage.ts";

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** In bytes. A number without a unit is refused: nobody could tell megabytes from gigabytes. */
export function parseSize(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text);
  const bytes = Math.round(Number(found?.[1]) * (UNITS[found?.[2]?.toUpperCase() ?? ""] ?? Number.NaN));
  if (Number.isNaN(bytes))
    throw new UsageError(`'${text}' is not an amount of memory; write it as 512MB, 2GB or 512MiB`);
  return bytes;
}

/** Short, for people: 340 kB, 12 MB, 1.6 GB; a limit that was given in MiB or GiB as that. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of BINARY) if (bytes >= size && bytes % size === 0) return `${bytes / size} ${unit}`;
  for (const [unit, size] of DECIMAL) if (bytes >= size) return `${shortened(bytes / size)} ${unit}`;
  return `${bytes} B`;
}

const BINARY = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
] as const;

const DECIMAL = [
  ["TB", 1e12],
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
] as const;

function shortened(amount: number): string {
  return amount < 10 ? String(Number(amount.toFixed(1))) : String(Math.round(amount));
}
