// Loads plugins from their files, and opens those that a process has a use for.

import { pathToFileURL } from "node:url";
import type { Env } from "../base/env.ts";
import { asError, Fault } from "../base/fault.ts";
import type { Family } from "../plugins/figures/family.ts";
import { logOf, type Watchdog } from "../plugins/guard.ts";
import { type LoadedPlugin, mustFit, type OpenedPlugins, openPlugins } from "../plugins/open.ts";
import { type Gives, type Plugin, type PluginHost, type PluginKind, pluginIn } from "../plugins/plugin.ts";
import { folderLoader } from "./folder-loader.ts";
import { loadFailure } from "./load-failure.ts";
import { lendOwnPackages } from "./own-packages.ts";

/** As an operator names it. */
export interface PluginFile {
  /** Absolute. */
  readonly file: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where it is known, or demanded. */
  readonly kind?: PluginKind;
}

export interface PluginProcess {
  readonly env: Pick<Env, "clock" | "random" | "log">;
  readonly where: PluginHost["where"];
  readonly node: string;
  readonly container: string;
  readonly serveText: PluginHost["serveText"];
  readonly figures?: () => Promise<readonly Family[]>;
  readonly say: (text: string) => void;
  readonly needed: (kind: PluginKind) => boolean;
  readonly watchdog?: Watchdog;
}

const LOAD_LIMIT_MS = 10_000;

/** What each process has a use for. */
const KINDS: Readonly<Record<PluginHost["where"], readonly PluginKind[]>> = {
  governor: ["lifecycle", "logging", "monitoring"],
  container: ["security", "loader", "logging", "monitoring"],
  client: ["security", "monitoring"],
};

export interface Plugins extends OpenedPlugins {
  /** As they were named, with their kinds where they could be loaded. */
  readonly files: readonly PluginFile[];
}

const BUILT_IN: LoadedPlugin = { file: "(built in)", plugin: folderLoader, settings: {} };

/** Rejects with the Fault `invalid` for the first that is needed and cannot be used, naming file and field. */
export async function pluginsOf(files: readonly PluginFile[], process: PluginProcess): Promise<Plugins> {
  const { env, where, node, container, serveText, say, needed, watchdog } = process;
  const loaded: LoadedPlugin[] = [];
  for (const { file, settings, kind } of files) {
    try {
      const plugin = await loadPlugin(file, env);
      if (kind !== undefined && plugin.kind !== kind) {
        throw new Fault("invalid", `plugin ${file}: 'kind' is '${plugin.kind}', expected '${kind}'`);
      }
      loaded.push({ file, settings, plugin });
    } catch (thrown) {
      // Where its kind is not known, it may be one without which nothing may go on.
      if (kind === undefined ? KINDS[where].some(needed) : needed(kind)) throw thrown;
      say(`${asError(thrown).message}; it is left out`);
    }
  }
  mustFit(loaded);
  if (!loaded.some(({ plugin }) => plugin.kind === "loader")) loaded.push(BUILT_IN);
  const opened = await openPlugins(loaded, {
    clock: env.clock,
    kinds: KINDS[where],
    say,
    needed,
    watchdog,
    host: ({ plugin, settings }) => ({
      ...{ where, node, container, settings, serveText },
      ...{ clock: env.clock, random: env.random, log: logOf(env.log, plugin.name) },
      figures: process.figures ?? (async () => []),
    }),
  });
  const kinds = new Map(loaded.map(({ file, plugin: { kind } }) => [file, kind]));
  const known = files.map((each) => ({ ...each, ...kindOf(kinds.get(each.file)) }));
  return { ...opened, files: known };
}

function kindOf(kind: PluginKind | undefined) {
  return kind === undefined ? {} : { kind };
}

/** Imports it and looks at its manifest. */
export async function loadPlugin(file: string, { clock }: Pick<Env, "clock">) {
  lendOwnPackages();
  const late = Promise.withResolvers<never>();
  const timer = clock.after(LOAD_LIMIT_MS, () => {
    late.reject(
      new Fault("invalid", `plugin ${file}: still loading after ${LOAD_LIMIT_MS} ms; wait in 'open' instead`),
    );
  });
  try {
    const exported = await Promise.race([import(pathToFileURL(file).href), late.promise]);
    return pluginIn(exported.default, file);
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.message.startsWith("plugin ")) throw thrown;
    const { place, message, advice } = loadFailure(file, thrown);
    const at = place === undefined ? "" : `${place.file === file ? "" : place.file}:${place.line}:${place.column}`;
    throw new Fault("invalid", `plugin ${file}${at}: ${message} → ${advice}`, { cause: thrown });
  } finally {
    timer.cancel();
  }
}

/** For programs that are no node: opens one as a client would. Rejects with the Fault `invalid` that names what is wrong. */
export async function openPlugin<K extends PluginKind>(
  plugin: Plugin<K>,
  { env, settings = {} }: { env: Pick<Env, "clock" | "random" | "log">; settings?: PluginFile["settings"] },
): Promise<Gives[K]> {
  const { name, kind } = pluginIn(plugin, plugin.name);
  let given: Gives[K] | undefined;
  const opened: Plugin = {
    ...plugin,
    open: async (host) => {
      given = await plugin.open(host);
      return given;
    },
  };
  await openPlugins([{ file: name, plugin: opened, settings }], {
    clock: env.clock,
    kinds: [kind],
    say: (text) => env.log.write("error", text),
    needed: () => true,
    host: () => ({
      ...{ where: "client", node: "", container: "", settings },
      ...{ clock: env.clock, random: env.random, log: logOf(env.log, name) },
      figures: async () => [],
      serveText: () => Promise.reject(new Fault("invalid", "a client serves no texts")),
    }),
  });
  // Opened and looked at above.
  return given as Gives[K];
}
