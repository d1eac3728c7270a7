// unum islands config, checkpoint and stop: settings and commands of a run, as new versions of its configuration.

import { changed, DEFAULT_SETTINGS, RULES, settingLines } from "../../islands/archipelago/settings.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import type { Live } from "./figures.ts";
import { holderOf } from "./run-lock.ts";
import { type Config, changeJson, openRunStore, type RunStore, readJson, readLive, recordOf } from "./run-store.ts";

const EMPTY: Config = { settings: [], commands: [] };
/** Old commands are done; who reads late needs to know the newest number only. */
const COMMANDS_KEPT = 20;

/** `words`: nothing, to show; or set NAME=VALUE …. */
export async function config(
  name: string,
  words: readonly string[],
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  const [action = "show", ...rest] = words;
  if (!["show", "set"].includes(action))
    throw new UsageError(`'${action}' is nothing to do with settings; write set NAME=VALUE`);
  if (action === "set" && rest.length === 0) {
    throw new UsageError(
      `nothing is to be set; write NAME=VALUE, as migration.every=500. There are ${Object.keys(RULES).join(", ")}`,
    );
  }
  return withRun(name, async (store) => {
    let version = 0;
    if (action === "set") {
      version = await changeJson<Config>(store.objects, "config", (before = EMPTY) => {
        const now = changed(changed(DEFAULT_SETTINGS, before.settings), rest);
        return { ...before, settings: settingLines(now) };
      });
    }
    const { settings } = (await readJson<Config>(store.objects, "config")) ?? EMPTY;
    if (json) terminal.print(JSON.stringify({ run: name, ...(version > 0 ? { version } : undefined), settings }));
    else if (action === "set") terminal.print(`${rest.join(" ")}: version ${version} of the settings of ${name}`);
    else for (const line of settings) terminal.print(line);
    return EXIT.ok;
  });
}

type CommandName = Config["commands"][number]["what"];

/** Settles when it was done: the run writes its figures anew, with another checkpoint, or ends. */
export async function command(name: string, what: CommandName, json: boolean, terminal: Terminal): Promise<number> {
  return withRun(name, async (store) => {
    const env = systemEnv();
    if (holderOf(store.folder, env) === undefined) {
      terminal.say(`${name} does not run; 'unum islands resume ${name}' goes on with it`);
      if (json) terminal.print(JSON.stringify({ run: name, running: false }));
      return what === "stop" ? EXIT.ok : EXIT.unreachable;
    }
    const before = readLive<Live>(store)?.checkpoint?.version ?? 0;
    await changeJson<Config>(store.objects, "config", (old = EMPTY) => {
      const id = (old.commands.at(-1)?.id ?? 0) + 1;
      return { ...old, commands: [...old.commands, { id, what }].slice(-COMMANDS_KEPT) };
    });
    const done = await until(() =>
      what === "stop"
        ? holderOf(store.folder, env) === undefined
        : what === "log" || (readLive<Live>(store)?.checkpoint?.version ?? 0) > before,
    );
    const live = readLive<Live>(store);
    if (!done) {
      terminal.say(
        `${name} has not done it within ${WAIT_MS / 1_000} s; it may be in a long evaluation, and does it then`,
      );
      return EXIT.timedOut;
    }
    if (json) terminal.print(JSON.stringify({ run: name, command: what, checkpoint: live?.checkpoint }));
    else terminal.print(doneText(name, what, live));
    return EXIT.ok;
  });
}

function doneText(name: string, what: CommandName, live: Live | undefined): string {
  const at =
    live?.checkpoint === undefined
      ? ""
      : `: checkpoint ${live.checkpoint.version} after epoch ${live.checkpoint.epoch}`;
  if (what === "stop") return `${name} is stopped${at}; 'unum islands resume ${name}' goes on`;
  return what === "log" ? `${name} logs now` : `${name}${at}`;
}

const WAIT_MS = 30_000;
const AGAIN_MS = 50;

async function until(holds: () => boolean): Promise<boolean> {
  const end = performance.now() + WAIT_MS;
  while (performance.now() < end) {
    if (holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  return false;
}

async function withRun(name: string, act: (store: RunStore) => Promise<number>): Promise<number> {
  const store = openRunStore(name, systemEnv().log);
  try {
    await recordOf(store, name);
    return await act(store);
  } finally {
    store.close();
  }
}
