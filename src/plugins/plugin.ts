// A plugin: a module whose default export is a manifest and a function that opens it.
//
//   module ──▶ manifest checked ──▶ opened, in the order security, loader, everything else ──▶ what its kind gives
//
// Typed by its shape: an object, or a class with static members, that has these fields is one, whether `plugin` made it or not.

import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { didYouMean } from "../base/nearest.ts";
import type { Random } from "../base/random.ts";
import type { Family } from "./figures/family.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Loader } from "./loader.ts";
import type { Logging, Monitoring } from "./monitoring.ts";
import type { Seal } from "./seal.ts";

/** What a plugin of each kind gives when it is opened. */
export interface Gives {
  /** In containers and clients: seals bodies from end to end. */
  readonly security: Seal;
  /** In containers: finds and loads the components of a folder. */
  readonly loader: Loader;
  /** In the governor: decides over containers where the defaults should not. */
  readonly lifecycle: Lifecycle;
  /** In both: is given what they log. */
  readonly logging: Logging;
  /** In both: is told of calls, and gives and is given figures. */
  readonly monitoring: Monitoring;
}

export type PluginKind = keyof Gives;

export interface Manifest<K extends PluginKind = PluginKind> {
  /** Letters, digits, dots, dashes; one plugin of a name in a process. */
  readonly name: string;
  /** Semver. */
  readonly version: string;
  readonly kind: K;
  /** Among those that come after security and loader: lower ones are opened, and asked, first. Default 0. */
  readonly order?: number;
}

export interface Plugin<K extends PluginKind = PluginKind> extends Manifest<K> {
  /** Called once in each process that has a use for its kind. What it throws, and what takes longer than 10 s, keeps it from being used. */
  open(host: PluginHost): Gives[K] | Promise<Gives[K]>;
}

/** What a plugin may take from the process that it is in. */
export interface PluginHost {
  readonly where: "governor" | "container" | "client";
  /** The node's id; empty in a client. */
  readonly node: string;
  /** The container's id; empty elsewhere. */
  readonly container: string;
  /** As the operator gave them, unchecked. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly clock: Clock;
  readonly random: Random;
  /** Each line says which plugin wrote it. */
  readonly log: Log;
  /** In a governor: the node's figures, and those that monitoring plugins in its containers have; elsewhere none. */
  figures(): Promise<readonly Family[]>;
  /** Answers HTTP requests at HOST:PORT with text; settles with the address it listens at, port included. */
  serveText(at: string, answer: (path: string) => Promise<TextAnswer>): Promise<TextService>;
}

export interface TextAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

export interface TextService {
  /** HOST:PORT */
  readonly at: string;
  close(): Promise<void>;
}

/** Declares a plugin; its kind decides what `open` must give. */
export function plugin<K extends PluginKind>(declared: Plugin<K>): Plugin<K> {
  return declared;
}

/** The order of kinds; those that are not named here come last, and among themselves by `order`, then by name. */
const FIRST: readonly PluginKind[] = ["security", "loader"];
const KINDS: readonly PluginKind[] = [...FIRST, "lifecycle", "logging", "monitoring"];

/** In which order plugins are opened. */
export function inOrder<P extends { readonly plugin: Plugin }>(plugins: readonly P[]): readonly P[] {
  const rank = ({ plugin: { kind } }: P) => (FIRST.includes(kind) ? FIRST.indexOf(kind) : FIRST.length);
  return [...plugins].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.plugin.order ?? 0) - (b.plugin.order ?? 0) ||
      (a.plugin.name < b.plugin.name ? -1 : Number(a.plugin.name > b.plugin.name)),
  );
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/;
const SEMVER = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

/** Throws the Fault `invalid` that names the file and the field. */
export function pluginIn(exported: unknown, file: string): Plugin {
  const wrong = (field: string, found: unknown, expected: string) =>
    new Fault("invalid", `plugin ${file}: '${field}' is ${shownValue(found)}, expected ${expected}`);
  if ((typeof exported !== "object" && typeof exported !== "function") || exported === null) {
    const found = exported === undefined ? "has no default export" : `its default export is ${shownValue(exported)}`;
    throw new Fault(
      "invalid",
      `plugin ${file}: ${found}; write 'export default plugin({ name, version, kind, open })'`,
    );
  }
  // Whatever it is, its fields are looked at one by one.
  const given = exported as Readonly<Record<string, unknown>>;
  const { name, version, kind, order, open } = given;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw wrong("name", name, "letters, digits, dots and dashes, at most 64");
  }
  if (typeof version !== "string" || !SEMVER.test(version)) throw wrong("version", version, "semver, as 1.2.3");
  if (typeof kind !== "string" || !isKind(kind)) {
    const near = typeof kind === "string" ? didYouMean(kind, KINDS) : "";
    throw wrong("kind", kind, `one of ${KINDS.join(", ")}${near}`);
  }
  if (order !== undefined && !Number.isFinite(order)) throw wrong("order", order, "a number");
  if (typeof open !== "function") throw wrong("open", open, "a function");
  const ordered = typeof order === "number" ? { order } : {};
  // Checked above; what it gives is checked when it is opened.
  return { name, version, kind, ...ordered, open: (host) => open.call(exported, host) } as Plugin;
}

function isKind(text: string): text is PluginKind {
  return (KINDS as readonly string[]).includes(text);
}

export function shownValue(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  return typeof value === "string" ? `'${value.slice(0, 80)}'` : String(value);
}
