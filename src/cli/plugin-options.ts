// Which plugins a command was given: modules, lists of them with settings, another loader, and the metrics that come with Unum.

import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { asError } from "../base/fault.ts";
import type { PluginFile } from "../node/load-plugins.ts";
import { repeatable } from "./options.ts";
import { UsageError } from "./usage.ts";

export interface PluginFlags {
  readonly plugin?: readonly string[];
  readonly loader?: string;
  readonly metrics?: string;
}

const METRICS = fileURLToPath(new URL("../plugins/metrics.ts", import.meta.url));

export function addPluginOptions(command: Command): Command {
  return command
    .addOption(
      repeatable(
        "--plugin <file>",
        'a plugin\'s module, or a .json list of them with settings: [{ "file": …, "settings": {…} }]',
      ),
    )
    .addOption(
      new Option("--loader <file>", "a plugin that finds and loads the components, in place of the built-in one"),
    )
    .addOption(
      new Option("--metrics <host:port>", "answer Prometheus at http://HOST:PORT/metrics; a loopback address"),
    );
}

/** Throws a UsageError that names file and field. The modules themselves are looked at by who loads them. */
export function pluginFilesOf({ plugin = [], loader, metrics }: PluginFlags): readonly PluginFile[] {
  const named = plugin.flatMap((file) => (file.endsWith(".json") ? listedIn(resolve(file)) : [moduleAt(file)]));
  if (loader !== undefined) named.push({ ...moduleAt(loader), kind: "loader" });
  if (metrics !== undefined) named.push({ file: METRICS, settings: { at: loopbackOf(metrics) }, kind: "monitoring" });
  return named;
}

function moduleAt(file: string, from = ""): PluginFile {
  const path = resolve(from, file);
  if (!existsSync(path)) throw new UsageError(`there is no plugin ${path}; give the path of its module`);
  return { file: path, settings: {} };
}

function listedIn(path: string): PluginFile[] {
  const wrong = (what: string) => new UsageError(`${path}: ${what}`);
  let list: unknown;
  try {
    list = JSON.parse(readFileSync(path, "utf8"));
  } catch (thrown) {
    throw wrong(asError(thrown).message);
  }
  if (!Array.isArray(list)) throw wrong('expected a list, as [{ "file": "./plugin.ts", "settings": {} }]');
  return list.map((each: unknown, i) => {
    if (typeof each !== "object" || each === null) throw wrong(`[${i}] is no object with 'file' and 'settings'`);
    const { file, settings = {}, ...others } = each as Readonly<Record<string, unknown>>;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw wrong(`[${i}] has a field '${unknown}'; there are 'file' and 'settings'`);
    if (typeof file !== "string") throw wrong(`[${i}].file is missing, expected the path of a module`);
    if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
      throw wrong(`[${i}].settings is no object`);
    }
    // Looked at by the plugin itself.
    return { ...moduleAt(file, dirname(path)), settings: settings as Readonly<Record<string, unknown>> };
  });
}

function loopbackOf(text: string): string {
  const [, host = "", port = "0"] = /^(\[::1\]|localhost|127(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text) ?? [];
  if (host !== "" && Number(port) >= 1 && Number(port) <= 65_535) return text;
  if (/:0+$/.test(text))
    throw new UsageError(`'${text}': metrics need a port that stays the same; write one instead of 0`);
  throw new UsageError(
    `'${text}' is not HOST:PORT of this computer alone, as 127.0.0.1:9464: who reads figures elsewhere is let in by a proxy of yours`,
  );
}
