// unum serve: a container without a governor. Hosts a folder's components, prints its addresses, drains at Ctrl-C.

import { rmSync } from "node:fs";
import type { Env } from "../../base/env.ts";
import { asError } from "../../base/fault.ts";
import { jsonLog, type LogLevel } from "../../base/log.ts";
import { newId } from "../../base/random.ts";
import { type Loaded, loadComponents } from "../../node/load-components.ts";
import type { LoadFailure } from "../../node/load-failure.ts";
import { type RunningContainer, runContainer } from "../../node/run-container.ts";
import { systemEnv } from "../../system/env.ts";
import type { Address } from "../../transports/transport.ts";
import { zmtpTransport } from "../../transports/zmtp/index.ts";
import { addressOf } from "../connection.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { failureJson, sayFailure } from "../failure-text.ts";
import { aborted, onInterrupt } from "../interrupt.ts";
import { loadChecked } from "../loading.ts";
import { durationOption, repeatable } from "../options.ts";
import { liveSockets, makeRunFolder, runFolder, socketAddress } from "../run-folder.ts";
import { startable } from "../start-hooks.ts";
import type { Terminal } from "../terminal.ts";
import { textLog } from "../text-log.ts";
import { addTlsOptions, readTlsFiles, type TlsFiles } from "../tls-files.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface ServeFlags extends TlsFiles {
  readonly listen?: readonly string[];
  readonly inbox?: number;
  readonly grace: number;
  readonly log: LogLevel;
  readonly check?: boolean;
  readonly strict?: boolean;
  readonly untilStdinEnds?: boolean;
  readonly json?: boolean;
}

const DEFAULT_GRACE_MS = 10_000;
const LEVELS: readonly string[] = ["debug", "info", "warn", "error"];

export function addServe({ program, terminal, end }: Stage): void {
  addTlsOptions(
    program
      .command("serve")
      .summary("run the components of a folder in this process")
      .description(
        "Runs the components of a folder: NAME/NAME.ts, NAME/index.ts or NAME.ts, each with 'export default component(…)'. Prints an address a line once it serves. A component that cannot be loaded is told with file and line; the others are served. Ctrl-C lets current calls end; a second one ends at once.",
      )
      .argument("<folder>", "where the components are")
      .addOption(
        repeatable(
          "--listen <address>",
          "ipc (a socket in $UNUM_HOME/run, the default), ipc:///PATH, tcp://127.0.0.1:PORT (0: any free one) or tls://HOST:PORT",
        ),
      ),
  )
    .option("--inbox <calls>", "how many calls may wait; one more is refused (default: 1024)", parseCount)
    .addOption(durationOption("--grace <time>", "how long current calls may take to end at Ctrl-C", DEFAULT_GRACE_MS))
    .option("--check", "also check types, and serve no component with a type error")
    .option("--strict", "serve nothing where one component cannot be served")
    .option("--until-stdin-ends", "end as at Ctrl-C when standard input ends: for programs that start this one")
    .option("--log <level>", "least level logged to standard error: debug, info, warn or error", parseLevel, "info")
    .option("--json", "addresses and components as one JSON object; logs as one JSON object a line")
    .addHelpText(
      "after",
      examples([
        "unum serve components",
        "unum serve components --listen ipc --listen tcp://127.0.0.1:7000",
        "unum serve components --listen tls://0.0.0.0:7000 --tls-key me.key --tls-cert me.crt --tls-ca ca.crt",
      ]),
    )
    .addHelpText(
      "after",
      `\nExit codes:\n  0    drained: every call had its end\n  1    calls were left when the grace ended, or nothing could be served\n  2    usage: wrong arguments, no such folder, an address in use\n  4    refused: no right to listen there\n  130  ended at once by a second Ctrl-C`,
    )
    .action(async (folder: string, flags: ServeFlags) => end(await serve(folder, flags, terminal)));
}

async function serve(folder: string, flags: ServeFlags, terminal: Terminal): Promise<number> {
  let sockets: readonly string[] = [];
  const endAtOnce = () => {
    for (const path of sockets) rmSync(path, { force: true });
    process.exit(EXIT.interrupted);
  };
  const interrupt = onInterrupt(endAtOnce, flags.untilStdinEnds ? { stdin: process.stdin } : {});
  const env = envOf(flags, terminal);
  const id = newId(env.random, "k");
  const listen = await addressesOf(flags.listen ?? ["ipc"], id, env);
  const tls = await readTlsFiles(flags);
  const loaded = await (flags.check ? loadChecked(folder, env.clock) : loadComponents(folder, env));
  if (interrupt.signal.aborted) return EXIT.interrupted;
  for (const failure of loaded.failures) sayFailure(failure, terminal);
  if (!worthServing(loaded, flags, terminal)) return EXIT.failed;
  const started = await startable(loaded.components, (components) =>
    runContainer({
      ...{ env, id, listen, components },
      transports: [zmtpTransport({ env, identity: id, ...(tls === undefined ? {} : { tls }) })],
      ...(flags.inbox === undefined ? {} : { limits: { inbox: flags.inbox } }),
    }),
  );
  for (const failure of started.failures) sayFailure(failure, terminal);
  const { running } = started;
  const failures = [...loaded.failures, ...started.failures];
  if (running === undefined || (flags.strict && failures.length > 0)) {
    await running?.drain(0);
    terminal.say("nothing is served");
    return EXIT.failed;
  }
  sockets = running.addresses.filter((at) => at.startsWith("ipc://")).map((at) => at.slice("ipc://".length));
  announce(running, failures, flags, terminal);
  return untilDrained(running, interrupt.signal, flags, env);
}

function envOf(flags: ServeFlags, terminal: Terminal): Env {
  const env = systemEnv();
  const log = flags.json
    ? jsonLog({ wallNow: () => env.clock.wallNow(), writeLine: terminal.say, least: flags.log })
    : textLog(terminal, flags.log);
  return { ...env, log };
}

async function addressesOf(listen: readonly string[], id: string, { network }: Env): Promise<readonly Address[]> {
  if (!listen.includes("ipc")) return listen.map(addressOf);
  const folder = runFolder();
  await makeRunFolder(folder);
  // Those left behind by containers that were killed go, so that they do not pile up.
  await liveSockets(folder, network);
  return listen.map((text) => (text === "ipc" ? socketAddress(folder, id) : addressOf(text)));
}

function worthServing({ components, failures }: Loaded, flags: ServeFlags, terminal: Terminal): boolean {
  if (components.length > 0 && !(flags.strict && failures.length > 0)) return true;
  const why = components.length === 0 ? "" : `: ${failures.length} of its components cannot be, and --strict was given`;
  terminal.say(`nothing is served${why}`);
  return false;
}

function announce(
  { id, addresses, components }: RunningContainer,
  failures: readonly LoadFailure[],
  flags: ServeFlags,
  { print, say, tint }: Terminal,
): void {
  const served = components.map(({ contract, version }) => ({ contract: contract.typeName, version }));
  if (flags.json) {
    print(JSON.stringify({ container: id, addresses, components: served, failures: failures.map(failureJson) }));
    return;
  }
  for (const { contract, version } of served) say(`${tint("green", "serving")} ${contract} ${version}`);
  for (const address of addresses) print(address);
}

/** At Ctrl-C, or when a command drains it. */
async function untilDrained(
  running: RunningContainer,
  interrupted: AbortSignal,
  { grace }: ServeFlags,
  { log }: Env,
): Promise<number> {
  await Promise.race([aborted(interrupted), running.closed]);
  const { running: current, waiting } = running.load;
  if (interrupted.aborted) {
    log.write(
      "info",
      `${asError(interrupted.reason).message}: draining, at most ${formatMs(grace)}; again to end at once`,
      {
        running: current,
        waiting,
      },
    );
  }
  // Where a command drained it, this asks for the same number again.
  const left = await running.drain(grace);
  await running.closed;
  log.write(left === 0 ? "info" : "warn", "drained", { left, done: running.load.done });
  return left === 0 ? EXIT.ok : EXIT.failed;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1_000_000) return count;
  throw new UsageError(`'${text}' is not a number of calls from 1 to 1000000`);
}

function parseLevel(text: string): LogLevel {
  if (LEVELS.includes(text)) {
    // One of the four.
    return text as LogLevel;
  }
  throw new UsageError(`'${text}' is not a log level; there are ${LEVELS.join(", ")}`);
}
