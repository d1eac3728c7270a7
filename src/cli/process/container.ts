// The process of one container under a governor. Started by the governor with what it is told as one JSON argument.

import { existsSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { asError } from "../../base/fault.ts";
import type { TlsSettings } from "../../base/network.ts";
import { type Note, writeNote } from "../../governor/note.ts";
import { loadBy } from "../../node/folder-loader.ts";
import { pluginsOf } from "../../node/load-plugins.ts";
import { runGovernedContainer } from "../../node/run-governed-container.ts";
import { standIn } from "../../node/stand-in.ts";
import { transportFigures } from "../../node/transport-figures.ts";
import { sealing } from "../../plugins/seal.ts";
import { systemDisk } from "../../system/disk.ts";
import { systemEnv } from "../../system/env.ts";
import { serveText } from "../../system/text-service.ts";
import { zmtpTransport } from "../../transports/zmtp/index.ts";
import type { ContainerProcessStart } from "./governor-start.ts";
import type { ProgramCells } from "./program-cells.ts";

// Written by the governor that starts this process, of the same version.
const start = JSON.parse(process.argv[2] ?? "") as ContainerProcessStart;
const plain = systemEnv({ log: start.log });
if (!existsSync(start.intent)) {
  plain.log.write("warn", "not wanted any more: the governor that started it is gone, and the next one took it back");
  process.exit(0);
}
// On a full disk nothing more is logged until there is room again; that is no reason to end.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
const disk = systemDisk();
// Without its seal it would take and send what should be sealed, and without its loader other components: it serves nothing then.
const plugins = await pluginsOf(start.plugins, {
  ...{ env: plain, where: "container", node: start.node, container: start.id, serveText },
  needed: (kind) => kind === "security" || kind === "loader",
  say: (text) => plain.log.write("error", text),
}).catch((error) => asError(error));
const opened = plugins instanceof Error ? undefined : plugins;
const env = { ...plain, log: opened?.log?.(plain.log) ?? plain.log };
/** Told by the governor over the container's socket: no key is in an argument or a file of its own. */
let tls: TlsSettings | undefined;
const transport = zmtpTransport({ env, identity: start.id, tls: () => tls });

/** A container that is started for work is given it sooner. */
const RESERVED_MS = 300;
/** So that calls which waited for this container come first. */
const KEEP_COMPILED_MS = 1_000;
// Written at a process's end by itself, but one that is killed has none: its successor finds its modules compiled all the same.
const keepCompiled = () => void env.clock.after(KEEP_COMPILED_MS, () => flushCompileCache());
keepCompiled();

type Began = Note["began"][number];
const began = new Set<Began>();
let endedAtWallMs = 0;
const write = (running: readonly string[]) => {
  try {
    writeNote(disk, start.note, { began: [...began], endedAtWallMs, running });
  } catch (error) {
    env.log.write("error", `the note for the governor cannot be written: ${asError(error).message}`);
  }
};

const loadInline = async (folder: string) => {
  if (plugins instanceof Error) return { components: [], failures: [plugins.message] };
  if (plugins.loader === undefined) return { components: [], failures: ["there is no loader"] };
  return loadBy(plugins.loader, folder);
};
let cells: Promise<ProgramCells> | undefined;
/** Loaded for programs alone: half as many modules again. */
const cellsOf = () => {
  cells ??= import("./program-cells.ts").then(({ ProgramCells: Cells }) => new Cells(env));
  return cells;
};
let isWarm = true;
// Whoever is given nothing at once is kept in reserve: what it may need then is loaded while nobody waits for it, in pieces, between
// which the loop turns and the governor hears of it.
env.clock.after(RESERVED_MS, async () => {
  for (const piece of [() => import("zod/v4/core"), () => import("zod"), cellsOf]) {
    if (!isWarm) return;
    await piece();
    await new Promise<void>((turned) => env.clock.soon(turned));
  }
  keepCompiled();
});
const running = await runGovernedContainer({
  ...{ env, disk, id: start.id, node: start.node, nonce: start.nonce, listen: [start.address], host: start.host },
  door: start.address.replace(/[^/]*$/, "door.sock"),
  transports: [opened?.seal === undefined ? transport : sealing(transport, opened.seal)],
  watch: opened?.watch,
  figures: () => [...transportFigures([transport.stats()]), ...(opened?.figures() ?? [])],
  secure: (given) => {
    tls = given;
  },
  load: async (folder, source, hosting) => {
    isWarm = false;
    if (hosting !== undefined) return (await cellsOf()).load(hosting, loadInline);
    if (source !== "") standIn(folder, source);
    const { components, failures } = await loadInline(folder);
    keepCompiled();
    // People know the file by where they wrote it.
    return { components, failures: source === "" ? failures : failures.map((text) => text.replaceAll(folder, source)) };
  },
  began: (component, budgetMs) => {
    const one: Began = { component, atWallMs: env.clock.wallNow(), budgetMs };
    began.add(one);
    write([]);
    return () => {
      began.delete(one);
      endedAtWallMs = env.clock.wallNow();
      write([]);
    };
  },
});

let drained = false;
// A process that a component ends, or that throws where nobody catches, still says whose function ran.
process.on("exit", () => {
  if (!drained) write(running.running);
});
// The governor decides; a terminal's Ctrl-C reaches it too.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => void running.drain(0));
await running.closed;
await (await cells)?.close();
drained = true;
await opened?.close();
process.exit(0);
