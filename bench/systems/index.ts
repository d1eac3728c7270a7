// The systems by name. Each is imported where it is used, so that no process carries another's memory.

import type { LocalSystem, System } from "./system.ts";

type AnySystem = System & Partial<LocalSystem>;

const SYSTEMS: Readonly<Record<string, () => Promise<AnySystem>>> = {
  unum: () => import("./unum.ts"),
  placed: () => import("./placed.ts"),
  moleculer: () => import("./moleculer.ts"),
  zeromq: () => import("./zeromq.ts"),
  bare: () => import("./bare.ts"),
};

/** As the tables call them. */
export const LABELS: Readonly<Record<string, string>> = {
  unum: "Unum",
  placed: "Unum by a node's door",
  moleculer: "Moleculer TCP",
  zeromq: "zeromq addon",
  bare: "bare Unix socket",
};

export function systemNamed(name: string): Promise<AnySystem> {
  const load = SYSTEMS[name];
  if (load === undefined) throw new Error(`no system '${name}'; there are ${Object.keys(SYSTEMS).join(", ")}`);
  return load();
}
