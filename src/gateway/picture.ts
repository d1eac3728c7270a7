// All that one side of a gateway has, as the other side sees it: one place that takes calls for every contract that may pass.

import type { ContainerEntry, NodeEntry } from "../capacity/directory.ts";
import { isNamed } from "./named.ts";

export interface Picture {
  /** Each contract and version once, with the calls that all who serve it work on at a time. */
  readonly components: readonly { readonly contract: string; readonly version: string; readonly concurrency: number }[];
  /** Over the containers that serve any of them. */
  readonly waiting: number;
  readonly running: number;
  readonly free: number;
  /** What could be started. */
  readonly offers: readonly { readonly contract: string; readonly version: string }[];
  readonly spares: number;
  readonly startable: number;
  /** Of the quickest node, in ms; 0 where nobody knows. */
  readonly spareMs: number;
  readonly newMs: number;
}

/** `passes`: lists of contracts, of which every one must name what passes. */
export function pictureOf(nodes: readonly NodeEntry[], passes: readonly (readonly string[])[]): Picture {
  const may = ({ contract }: { readonly contract: string }) => passes.every((list) => isNamed(contract, list));
  const alive = nodes.filter(({ state }) => state !== "suspected");
  const serving = alive
    .flatMap(({ containers }) => containers)
    .filter(({ state, components }) => state === "ready" && components.some(may));
  const able = alive.filter(({ offers }) => offers.some(may));
  return {
    components: componentsOf(serving, may),
    waiting: sum(serving, ({ waiting }) => waiting),
    running: sum(serving, ({ running }) => running),
    free: sum(serving, ({ free }) => free),
    offers: [...unique(able.flatMap(({ offers }) => offers.filter(may))).values()],
    spares: sum(able, ({ spares }) => spares),
    startable: sum(able, ({ startable }) => startable),
    spareMs: least(able.map(({ spareMs }) => spareMs)),
    newMs: least(able.map(({ newMs }) => newMs)),
  };
}

function componentsOf(
  serving: readonly ContainerEntry[],
  may: (component: { readonly contract: string }) => boolean,
): Picture["components"] {
  const all = serving.flatMap(({ components }) => components.filter(may));
  return [...unique(all)].map(([key, { contract, version }]) => {
    const alike = all.filter((each) => keyOf(each) === key);
    return { contract, version, concurrency: sum(alike, ({ concurrency }) => concurrency) };
  });
}

function unique<T extends { readonly contract: string; readonly version: string }>(
  all: readonly T[],
): Map<string, { readonly contract: string; readonly version: string }> {
  return new Map(all.map(({ contract, version }) => [keyOf({ contract, version }), { contract, version }]));
}

function keyOf({ contract, version }: { readonly contract: string; readonly version: string }): string {
  return `${contract} ${version}`;
}

function sum<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}

function least(all: readonly (number | undefined)[]): number {
  const known = all.filter((ms) => ms !== undefined && ms > 0);
  return known.length === 0 ? 0 : Math.min(...known.map((ms) => ms ?? 0));
}
