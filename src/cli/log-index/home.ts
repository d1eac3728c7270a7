// Where the index lies: $UNUM_HOME/log-index, by default .unum/log-index, or --index.

import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { Env } from "../../base/env.ts";
import { didYouMean } from "../../base/nearest.ts";
import { newId } from "../../base/random.ts";
import type { Index } from "../../log-index/find/index.ts";
import { identityOf, readConfig } from "../../log-index/tree/config.ts";
import { IndexDispatcher } from "../../log-index/tree/index-dispatcher.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { ripgrep } from "./ripgrep.ts";

export interface HomeFlags {
  readonly index?: string;
}

export interface PlaceFlags extends HomeFlags {
  readonly in?: string;
}

export function addHomeOption(command: Command): Command {
  return command.addOption(new Option("--index <folder>", "where the index lies (default: $UNUM_HOME/log-index)"));
}

export function addPlaceOptions(command: Command): Command {
  return addHomeOption(command.option("--in <name>", "only this part of the index, as nginx or nginx/shop"));
}

export function homeOf({ index }: HomeFlags): string {
  return resolve(index ?? join(process.env["UNUM_HOME"] || ".unum", "log-index"));
}

/** The whole index, or what --in names. */
export function openIndex(flags: PlaceFlags, env: Env, terminal: Terminal): Index {
  const root = rootOf(flags, env, terminal);
  if (flags.in === undefined) return root;
  const found = root.at(flags.in);
  if (found !== undefined) return found;
  const { folders, servers } = root.contents();
  const names = [...folders, ...servers];
  throw new UsageError(
    `the index has no '${flags.in}'${didYouMean(flags.in, names) || `; it has ${names.join(", ")}`}`,
  );
}

export function rootOf(flags: HomeFlags, env: Env, terminal: Terminal): IndexDispatcher {
  const folder = homeOf(flags);
  if (!existsSync(folder) || isEmpty(folder))
    throw new UsageError(`there is no index in ${folder}; 'unum logs add FOLDER' makes one`);
  const told = (text: string) => terminal.say(terminal.tint("yellow", text));
  return new IndexDispatcher({
    ...{ folder, name: "", clock: env.clock, fetch, id: identityOf(folder, hostname()) },
    newQuestion: () => newId(env.random, "q"),
    told,
    search: ripgrep(told),
  });
}

function isEmpty(folder: string): boolean {
  const { folders, urls } = readConfig(folder);
  return folders.length === 0 && urls.length === 0;
}
