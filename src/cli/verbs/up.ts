// unum up: a node. Keeps a governor, which keeps the containers of a folder; drains at Ctrl-C.

import { Option } from "commander";
import { jsonLog, type LogLevel } from "../../base/log.ts";
import { systemEnv } from "../../system/env.ts";
import { graceOption } from "../drain-node.ts";
import { addLimitOptions } from "../limit-options.ts";
import { durationOption, repeatable } from "../options.ts";
import { addPluginOptions } from "../plugin-options.ts";
import type { Terminal } from "../terminal.ts";
import { textLog } from "../text-log.ts";
import { addTlsOptions } from "../tls-files.ts";
import { keepApart } from "../up/apart.ts";
import { keepHere } from "../up/here.ts";
import { parseSeeds, planOf, type UpFlags } from "../up/plan.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

const LEVELS: readonly string[] = ["debug", "info", "warn", "error"];

export function addUp({ program, terminal, end }: Stage): void {
  const command = addPluginOptions(
    addLimitOptions(
      program
        .command("up")
        .summary("run components and programs on all cores, and keep them running")
        .description(
          "Starts a node: containers for the components of a folder and for the programs that are loaded into it, as many as are needed and the limits allow. What crashes is started again, and changed code replaces the old without a failed call. The first node is a machine of its own, and its controller. Prints the node's doors. Ctrl-C lets current calls end; a second one ends at once.",
        )
        .option(
          "--components <folder>",
          "where components are; it is watched (default: none; programs are loaded with 'unum load')",
        ),
    ),
  )
    .option(
      "--open <host:port>",
      "open the machine to other computers, which reach this one there; PORT + 1 is where they join (kept: given once)",
    )
    .addOption(
      repeatable(
        "--listen <host:port>",
        "where other nodes and commands reach this one, beside its socket in $UNUM_HOME/run; outside of this computer with TLS only",
      ),
    )
    .option(
      "--advertise <host>",
      "by what other nodes reach this one where it is not the host after --listen: behind address translation, or with --listen 0.0.0.0:PORT",
    )
    .addOption(
      new Option("--seeds <host:port,…>", "where to ask first for the other nodes of the network").argParser(
        parseSeeds,
      ),
    )
    .option("--beacon [group:port]", "find other nodes of the local network, and be found, by UDP multicast")
    .option("--gossip-key <file>", "the key that all nodes of the network share: 'openssl rand -base64 32 > FILE'")
    .addOption(graceOption("how long calls may take to end when the node or a container of it ends"))
    .addOption(
      durationOption(
        "--idle <time>",
        "how long a container that others stand in for has nothing to do before it ends (default: 1m)",
      ),
    )
    .option("--detach", "go on in the background, logging to $UNUM_HOME/log")
    .option("--until-stdin-ends", "end as at Ctrl-C when standard input ends: for programs that start this one")
    .option("--log <level>", "least level that is told: debug, info, warn or error", parseLevel, "info")
    .option("--json", "the node as one JSON object; events as one JSON object a line, to standard error")
    .addHelpText(
      "after",
      examples([
        "unum up                                      # a machine of one computer; load programs into it",
        "unum up --open 10.0.0.1:7000 && unum token   # and let other computers join it",
        "unum up --components components",
        "unum up --components components --detach && unum status",
        "unum up --components components --containers 6 --memory 2GB --spares 2",
        "unum up --components components --listen 127.0.0.1:7000",
        "UNUM_HOME=.second unum up --components components --listen 127.0.0.1:7001 --seeds 127.0.0.1:7000",
        "unum up --components components --listen 10.0.0.2:7000 --seeds 10.0.0.1:7000 --gossip-key net.key --tls-key node.key --tls-cert node.crt --tls-ca ca.crt",
        "unum up --components components --listen 0.0.0.0:7000 --advertise 10.0.0.2 --seeds 10.0.0.1:7000 --gossip-key net.key --tls-key node.key --tls-cert node.crt --tls-ca ca.crt",
        "unum up --components components --metrics 127.0.0.1:9464 --plugin plugins/spare-zombies.ts",
      ]),
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0    drained: every call had its end; with --detach: the node is there
  1    it did not come up, or calls were left when the grace ended
  2    usage: wrong arguments, no such folder
  4    refused: a node runs in this working folder already
  130  ended at once by a second Ctrl-C`,
    )
    .action(async (flags: UpFlags) => end(await up(flags, terminal)));
  addTlsOptions(command);
}

/** `args`: what runs the same in the background. */
export async function up(flags: UpFlags, terminal: Terminal, args = process.argv.slice(2)): Promise<number> {
  const plan = await planOf(flags);
  const env = systemEnv();
  const log = flags.json
    ? jsonLog({ wallNow: () => env.clock.wallNow(), writeLine: terminal.say, least: flags.log })
    : textLog(terminal, flags.log);
  const own = { ...env, log };
  return flags.detach ? keepApart(plan, args, own, terminal) : keepHere(plan, own, terminal);
}

export function parseLevel(text: string): LogLevel {
  if (LEVELS.includes(text)) {
    // One of the four.
    return text as LogLevel;
  }
  throw new UsageError(`'${text}' is not a log level; there are ${LEVELS.join(", ")}`);
}
