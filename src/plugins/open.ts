// The plugins of one process: opened in order, and put together by kind.
//
// Invariants
//   O1. What a plugin does wrong is said with its file and its field or hook, and stays in it: no hook's failure goes further.
//   O2. A process that needs a plugin of a kind does not go on without it (see `needed`); others are left out, and that is said.

import type { Clock } from "../base/clock.ts";
import { asError, Fault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { didYouMean } from "../base/nearest.ts";
import { type CallSpan, type CallWatch, watchOf } from "../messages/watch.ts";
import { counter, type Family, joined } from "./figures/family.ts";
import { Guard, type Watchdog } from "./guard.ts";
import { type Decisions, decisionsOf } from "./lifecycle.ts";
import type { Loader } from "./loader.ts";
import type { Logging, Monitoring } from "./monitoring.ts";
import { type Gives, inOrder, type Plugin, type PluginHost, type PluginKind, shownValue } from "./plugin.ts";
import type { Seal } from "./seal.ts";

export interface LoadedPlugin {
  /** Absolute. */
  readonly file: string;
  readonly plugin: Plugin;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface Opening {
  readonly clock: Clock;
  /** Those this process has a use for; others are not opened. */
  readonly kinds: readonly PluginKind[];
  readonly host: (of: LoadedPlugin) => PluginHost;
  /** Told what goes wrong later, in words for people. */
  readonly say: (text: string) => void;
  /** Whether it cannot go on without this one; else a failure is said, and the plugin left out. */
  readonly needed: (kind: PluginKind) => boolean;
  readonly watchdog?: Watchdog | undefined;
}

export interface OpenedPlugins {
  readonly names: readonly string[];
  readonly seal: Seal | undefined;
  /** And who stands for it. */
  readonly loader: { readonly given: Loader; readonly guard: Guard } | undefined;
  readonly decisions: Decisions | undefined;
  readonly watch: CallWatch | undefined;
  /** Gives lines to logging plugins; undefined where there is none. */
  readonly log: ((log: Log) => Log) | undefined;
  /** Of monitoring plugins, and how often hooks have failed. */
  figures(): readonly Family[];
  close(): Promise<void>;
}

const OPEN_LIMIT_MS = 10_000;

interface Open<T = Gives[PluginKind]> {
  readonly plugin: Plugin;
  readonly given: T;
  readonly guard: Guard;
}

/** Rejects with the Fault `invalid` for the first that is needed and cannot be used; those before it are closed. */
export async function openPlugins(loaded: readonly LoadedPlugin[], opening: Opening): Promise<OpenedPlugins> {
  const open: Open[] = [];
  for (const one of inOrder(loaded.filter(({ plugin }) => opening.kinds.includes(plugin.kind)))) {
    const { file, plugin } = one;
    try {
      const given = await openedWithin(one, opening);
      const guard = new Guard({ name: plugin.name, file }, opening.say, opening.watchdog);
      open.push({ plugin, given: usable(plugin, given, file), guard });
    } catch (thrown) {
      if (!opening.needed(plugin.kind)) {
        opening.say(`${asError(thrown).message}; it is left out`);
        continue;
      }
      await closeAll(open);
      throw thrown;
    }
  }
  return together(open);
}

/** Two that cannot both be used. Throws the Fault `invalid` that names both files. */
export function mustFit(loaded: readonly LoadedPlugin[]): void {
  for (const [i, { file, plugin }] of loaded.entries()) {
    const earlier = loaded.slice(0, i);
    const twin = earlier.find((other) => other.plugin.name === plugin.name);
    if (twin !== undefined) {
      throw new Fault(
        "invalid",
        `plugin ${file}: 'name' is '${plugin.name}', and so is that of ${twin.file}; rename one`,
      );
    }
    if (plugin.kind !== "security" && plugin.kind !== "loader") continue;
    const other = earlier.find((candidate) => candidate.plugin.kind === plugin.kind);
    if (other !== undefined) {
      const why = `'kind' is '${plugin.kind}', and so is that of ${other.file}; give one ${plugin.kind} plugin`;
      throw new Fault("invalid", `plugin ${file}: ${why}`);
    }
  }
}

function openedWithin({ file, plugin, settings }: LoadedPlugin, { clock, host }: Opening): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const failed = (why: string, cause?: unknown) =>
      reject(new Fault("invalid", `plugin ${file}: 'open' ${why}`, { cause }));
    const timer = clock.after(OPEN_LIMIT_MS, () => failed(`has not ended after ${OPEN_LIMIT_MS} ms`));
    Promise.resolve()
      .then(() => plugin.open(host({ file, plugin, settings })))
      .then(resolve, (thrown) => failed(`failed: ${asError(thrown).message}`, thrown))
      .finally(() => timer.cancel());
  });
}

/** By kind: what must be a function, and what may. */
const HOOKS: Readonly<Record<PluginKind, { readonly must: readonly string[]; readonly may: readonly string[] }>> = {
  security: { must: ["seal", "open"], may: ["close"] },
  loader: { must: ["load"], may: ["close"] },
  lifecycle: { must: [], may: ["zombie", "idle", "serving", "spares", "close"] },
  logging: { must: ["write"], may: ["close"] },
  monitoring: { must: [], may: ["figures", "close"] },
};

/** Looks at what `open` gave. Throws the Fault `invalid` that names file and field. */
function usable({ kind }: Plugin, given: unknown, file: string): Gives[PluginKind] {
  const { must, may } = HOOKS[kind];
  const wrong = (what: string) => new Fault("invalid", `plugin ${file}: ${what}`);
  if (typeof given !== "object" || given === null) {
    throw wrong(`'open' gave ${shownValue(given)}, expected an object with ${[...must, ...may].join(", ")}`);
  }
  const fields = given as Readonly<Record<string, unknown>>;
  for (const hook of [...must, ...may]) {
    if (typeof fields[hook] === "function" || (fields[hook] === undefined && !must.includes(hook))) continue;
    throw wrong(`'${hook}' of what 'open' gave is ${shownValue(fields[hook])}, expected a function`);
  }
  const known = [...must, ...may];
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== "function" || known.includes(name) || name.startsWith("_")) continue;
    const near = didYouMean(name, known);
    throw wrong(`'${name}' is no hook of a ${kind} plugin; there are ${known.join(", ")}${near}`);
  }
  const { name } = fields;
  if (kind === "security" && (typeof name !== "string" || !/^[A-Za-z0-9.-]{1,64}$/.test(name))) {
    throw wrong(`'name' of what 'open' gave is ${shownValue(name)}, expected letters, digits, dots and dashes`);
  }
  // Looked at field by field above.
  return given as Gives[PluginKind];
}

function together(open: readonly Open[]): OpenedPlugins {
  const monitoring = ofKind(open, "monitoring");
  const logging = ofKind(open, "logging");
  const lifecycle = ofKind(open, "lifecycle");
  const watches = monitoring.flatMap(({ given: { watch }, guard }) =>
    watch === undefined ? [] : [guarded(watch, guard)],
  );
  return {
    names: open.map(({ plugin: { name, version, kind } }) => `${name} ${version} (${kind})`),
    seal: ofKind(open, "security")[0]?.given,
    loader: ofKind(open, "loader")[0],
    decisions: decisionsOf(lifecycle),
    watch: watchOf(watches),
    log: logging.length === 0 ? undefined : (log) => teeOf(log, logging),
    figures: () => [...joined(monitoring.flatMap(({ given, guard }) => familiesOf(given, guard))), ...failuresOf(open)],
    close: () => closeAll(open),
  };
}

function ofKind<K extends PluginKind>(open: readonly Open[], kind: K): readonly Open<Gives[K]>[] {
  // What was opened was looked at by its kind.
  return open.filter(({ plugin }) => plugin.kind === kind) as unknown as readonly Open<Gives[K]>[];
}

function familiesOf(given: Monitoring, guard: Guard): readonly Family[] {
  return given.figures === undefined ? [] : (guard.ask("figures", () => given.figures?.()) ?? []);
}

function failuresOf(open: readonly Open[]): readonly Family[] {
  const help = "How often a plugin's hook has failed.";
  const all = open.flatMap(({ guard }) =>
    [...guard.failures].map(([hook, times]) =>
      counter("unum_plugin_failures_total", help, times, { plugin: guard.name, hook }),
    ),
  );
  return joined(all);
}

function guarded(watch: CallWatch, guard: Guard): CallWatch {
  return {
    begin(request, side) {
      const span = guard.ask("watch.begin", () => watch.begin(request, side));
      return span === undefined ? undefined : new GuardedSpan(span, guard);
    },
  };
}

class GuardedSpan implements CallSpan {
  readonly traceparent: string;
  readonly #span: CallSpan;
  readonly #guard: Guard;

  constructor(span: CallSpan, guard: Guard) {
    this.traceparent = span.traceparent;
    this.#span = span;
    this.#guard = guard;
  }

  started(): void {
    this.#guard.ask("started", () => this.#span.started?.());
  }

  /** The component's own exception is not the plugin's; and the function runs once, whatever the plugin does. */
  run<T>(work: () => T): T {
    let outcome: { readonly value: T } | { readonly thrown: unknown } | undefined;
    const once = (): T => {
      try {
        const value = work();
        outcome = { value };
        return value;
      } catch (thrown) {
        outcome = { thrown };
        throw thrown;
      }
    };
    try {
      return this.#span.run === undefined ? work() : this.#span.run(once);
    } catch (thrown) {
      if (outcome === undefined) {
        this.#guard.failed("run", thrown);
        return work();
      }
      if ("thrown" in outcome) throw outcome.thrown;
      this.#guard.failed("run", thrown);
      return outcome.value;
    }
  }

  ended(failure: Parameters<CallSpan["ended"]>[0]): void {
    this.#guard.ask("ended", () => this.#span.ended(failure));
  }
}

function teeOf(log: Log, sinks: readonly Open<Logging>[]): Log {
  let inside = false;
  return {
    write(level, message, fields) {
      log.write(level, message, fields);
      // What a sink logs itself, or is said of its failure, does not come back to it.
      if (inside) return;
      inside = true;
      for (const { given, guard } of sinks) guard.ask("write", () => given.write(level, message, fields));
      inside = false;
    },
  };
}

async function closeAll(open: readonly Open[]): Promise<void> {
  for (const { given, guard } of [...open].reverse()) {
    try {
      await given.close?.();
    } catch (thrown) {
      guard.failed("close", thrown);
    }
  }
}
