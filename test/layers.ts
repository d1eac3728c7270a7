// Which folder of src/ may import which: the table, and the judge of one file against it.
//
// The same table stands in docs/ARCHITECTURE.md; they change together, and only for a better tree.

import { posix } from "node:path";

interface Layer {
  readonly duty: string;
  /** Folders of src/ it may import besides itself. */
  readonly may: readonly string[];
}

const TRANSPORTS = ["base", "zmtp", "messages"];
const DISCOVERY = ["base", "messages", "stores", "transports"];
const CAPACITY = ["base", "messages", "stores", "transports", "discovery"];
const CLIENT = [...CAPACITY, "capacity"];
const PLUGINS = ["base", "messages", "stores", "transports", "discovery"];
const CONTAINER = [...CLIENT, "client", "plugins"];
const GATEWAY = [...CONTAINER, "container"];
// A governor calls its containers as any client does, and its door answers as any component does.
const GOVERNOR = GATEWAY;
const MACHINE = [...GATEWAY, "gateway", "governor", "outbox"];
const NODE = [...MACHINE, "machine"];
const EVERYTHING = [...NODE, "zmtp", "node", "system", "testing"];

/** Lowest first. A folder that is not in it fails the test. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  base: {
    duty: "fault, env (clock, random, network), log, which name a wrong one stands for; closed at a handful of files",
    may: [],
  },
  system: { duty: "the real clock, sockets and randomness behind Env", may: ["base"] },
  zmtp: { duty: "the ZeroMQ wire protocol, nothing of Unum in it", may: ["base"] },
  messages: { duty: "envelope, contracts, codec, JSON, generated code", may: ["base"] },
  stores: { duty: "versioned objects", may: ["base"] },
  transports: { duty: "moving an envelope: stack, direct, memory, zmtp", may: TRANSPORTS },
  discovery: { duty: "membership and directory", may: DISCOVERY },
  capacity: { duty: "limits, load, placement, demand", may: CAPACITY },
  client: { duty: "calling from outside", may: CLIENT },
  plugins: { duty: "where others' code hooks in", may: PLUGINS },
  container: { duty: "inbox, cells, control", may: CONTAINER },
  gateway: { duty: "reaching other networks", may: GATEWAY },
  governor: { duty: "the processes of one node", may: GOVERNOR },
  outbox: { duty: "messages for those away", may: ["base", "messages", "stores", "transports"] },
  machine: { duty: "controllers, programs, privileges, stacking", may: MACHINE },
  node: { duty: "the only entries: the same for processes and for the simulator", may: NODE },
  testing: { duty: "simulated world, chaos, promises suites; exported", may: [...NODE, "zmtp", "node"] },
  flows: { duty: "work through a graph; knows only what unum exports", may: ["base"] },
  islands: { duty: "evolution on islands; knows only what unum exports", may: ["base"] },
  "log-index": { duty: "finding records in time; knows only what unum exports", may: ["base"] },
  console: { duty: "the machine in a browser; knows only what unum exports", may: [] },
  cli: { duty: "the command", may: [...EVERYTHING, "flows", "islands", "log-index", "console"] },
};

/** What the unit tests of any folder may use besides what the folder may: the means to run it, and the suites. */
const FOR_TESTS = ["testing", "system", "node"];

/** Written against the package's exports like anybody's program. */
const GUESTS = ["flows", "islands", "log-index", "console"];

/** Where the world outside may be touched without Env: its real implementation, and the command. */
const OUTSIDE = /^node:(net|tls|dgram|http|https|http2|child_process|cluster|dns)\b/;
const MAY_TOUCH_OUTSIDE = ["system", "cli", "console"];

/** What a loader loads is known when it runs, so it alone may import what it computed, and try a file in a process of its own. */
const LOADERS = ["node", "plugins", "cli"];

/** What a file of src/ imports that it may not, each with the way out; empty where all is well. */
export function breaches(file: string, source: string): string[] {
  const folder = folderOf(file);
  if (folder === "") return [];
  const layer = LAYERS[folder];
  if (layer === undefined)
    return [
      `${file}: the folder '${folder}' is not in test/layers.ts; add it there and in docs/ARCHITECTURE.md, or use one that is`,
    ];
  const isTest = file.endsWith(".test.ts");
  return importsOf(source).flatMap((specifier) => {
    const why = whyNot({ file, folder, layer, isTest, specifier });
    return why === undefined ? [] : [`${file} imports ${specifier}: ${why}`];
  });
}

function whyNot(of: {
  file: string;
  folder: string;
  layer: Layer;
  isTest: boolean;
  specifier: string;
}): string | undefined {
  const { file, folder, layer, isTest, specifier } = of;
  if (specifier === COMPUTED) {
    return isTest || LOADERS.includes(folder)
      ? undefined
      : "only a loader imports what it computed; name the file, or move this to node or plugins";
  }
  if (/^unum(\/|$)/.test(specifier)) {
    return isTest || GUESTS.includes(folder)
      ? undefined
      : "the package does not import itself; import the file by its path";
  }
  if (specifier === "node:child_process" && LOADERS.includes(folder)) return undefined;
  if (OUTSIDE.test(specifier)) {
    return isTest || MAY_TOUCH_OUTSIDE.includes(folder)
      ? undefined
      : "the world outside comes through Env; add what is missing to src/base and src/system";
  }
  if (!specifier.startsWith(".")) return undefined;
  const target = posix.normalize(posix.join(posix.dirname(file), specifier));
  if (!target.startsWith("src/"))
    return isTest ? undefined : "src imports nothing outside src; move what is shared into a folder of src";
  const to = folderOf(target);
  if (to === folder || layer.may.includes(to)) return undefined;
  if (isTest && (FOR_TESTS.includes(to) || to === "zmtp")) return undefined;
  const list = layer.may.join(", ") || "nothing";
  return `${folder} may import ${list}; hand it in from above as a value or an interface that ${folder} owns, or move the code down`;
}

/** "" for what lies in src itself: the package's exports. */
function folderOf(file: string): string {
  const [, folder = "", ...rest] = file.split("/");
  return rest.length === 0 ? "" : folder;
}

/** Stands for the argument of `import(…)` where it is not a literal. */
export const COMPUTED = "(computed)";

/** Every module a source names, types included. Comments count for nothing. */
export function importsOf(source: string): string[] {
  const code = source.replace(/^\s*\/\/.*$/gm, "").replace(/^\s*\/\*[\s\S]*?\*\//gm, "");
  const found = [
    // import x from "y", import type { x } from "y", export * from "y", over any number of lines
    ...matches(code, /^\s*(?:import|export)\b[^;"'=()]*?\bfrom\s*["']([^"']+)["']/gm),
    // import "y"
    ...matches(code, /^\s*import\s*["']([^"']+)["']/gm),
    // import("y"), also as a type, and require("y")
    ...matches(code, /\b(?:import|require)\s*\(\s*["'`]([^"'`$]+)["'`]/g),
  ];
  if (/\bimport\s*\(\s*[^"'`\s]/.test(code) || /\bimport\s*\(\s*`[^`]*\$\{/.test(code)) found.push(COMPUTED);
  return found;
}

function matches(code: string, pattern: RegExp): string[] {
  return [...code.matchAll(pattern)].map(([, specifier = ""]) => specifier);
}
