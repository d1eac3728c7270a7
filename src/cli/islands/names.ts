// Names of nodes and islands: who the computer is, and a salt nobody else draws.
//
//   node    3f2a9c1d_worker-7           the machine's own identity, and its name
//   island  3f2a9c1d_worker-7_a3fcb2ba  the node's, and 32 random bits

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Random } from "../../base/random.ts";

/** The same for as long as the computer is the same. */
export function nodeName(): string {
  return `${machineIdentity()}_${plainName(hostname())}`;
}

export function islandName(node: string, random: Random): string {
  return `${node}_${hex(random.u32())}`;
}

function machineIdentity(): string {
  for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    try {
      const id = /^[0-9a-f]{8}/.exec(readFileSync(path, "utf8"))?.[0];
      if (id !== undefined) return id;
    } catch {
      // The next, or none.
    }
  }
  return "00000000";
}

/** As keys of stores may be. */
function plainName(name: string): string {
  return (
    name
      .replace(/[^A-Za-z0-9.-]/g, "-")
      .replace(/^[.]+/, "")
      .slice(0, 60) || "host"
  );
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

const SYLLABLES = ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ra", "se", "ti", "vu", "wa", "xo", "zi"];

/** Of a run: easy to say and to type. */
export function runName(random: Random): string {
  return Array.from({ length: 4 }, () => SYLLABLES[random.below(SYLLABLES.length)]).join("");
}
