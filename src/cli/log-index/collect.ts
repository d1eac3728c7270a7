// unum logs collect: takes lines from several servers, orders them, writes logs and takes these into the index.

import { serve } from "@hono/node-server";
import type { Command } from "commander";
import { Hono } from "hono";
import { sleep } from "../../base/clock.ts";
import { Collector } from "../../log-index/collect/collector.ts";
import { addLogs } from "../../log-index/tree/add-logs.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { durationOption } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { addHomeOption, type HomeFlags, homeOf } from "./home.ts";
import { thousands } from "./numbers.ts";
import { parsePort } from "./serve.ts";

interface CollectFlags extends HomeFlags {
  readonly listen: string;
  readonly into: string;
  readonly format: string;
  readonly window: number;
  readonly name?: string;
  readonly token?: string;
  readonly json?: boolean;
}

const WRITE_EVERY_MS = 1_000;
/** Of one request. */
const BODY_LIMIT = 16 << 20;

export function addCollect(logs: Command, { terminal, end }: Stage): void {
  addHomeOption(
    logs
      .command("collect")
      .summary("takes lines from several servers, orders them, writes logs and indexes them")
      .description(
        "Listens for lines by HTTP (POST /lines, one a line), holds them until older ones have had time to come, and writes them in order into a folder that is taken into the index. A line is on the disk before its request is answered.",
      ),
  )
    .option("--listen <address>", "host:port, or a port of this computer alone", "127.0.0.1:8081")
    .option("--into <folder>", "where the logs are written", "collected")
    .option("--format <format>", "as of 'unum logs add'", "auto")
    .addOption(durationOption("--window <time>", "how long a line is held for older ones", 5_000))
    .option("--name <name>", "what it is called in the index")
    .option("--token <token>", "who sends must send it (default: $UNUM_LOGS_TOKEN)")
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      examples([
        "unum logs collect --listen 127.0.0.1:8081 --into /var/log/collected",
        "curl --data-binary @access.log http://127.0.0.1:8081/lines",
      ]),
    )
    .action(async (flags: CollectFlags) => end(await collect(flags, terminal)));
}

async function collect(flags: CollectFlags, terminal: Terminal): Promise<number> {
  const { clock } = systemEnv();
  const { host, port } = placeOf(flags.listen);
  const token = flags.token ?? (process.env["UNUM_LOGS_TOKEN"] || undefined);
  if (token === undefined && !/^(?:127\.\d+\.\d+\.\d+|localhost|::1)$/.test(host))
    throw new UsageError(
      `--listen ${flags.listen} is reached from other computers, so a --token is needed; or set UNUM_LOGS_TOKEN`,
    );
  const collector = new Collector({ folder: flags.into, clock, format: flags.format, windowMs: flags.window });
  const app = new Hono();
  app.on(["POST", "PUT"], "/lines", async (c) => {
    if (token !== undefined && c.req.header("authorization") !== `Bearer ${token}`)
      return c.json({ error: "denied", message: "lines are taken with the token: Authorization: Bearer TOKEN" }, 401);
    const body = new Uint8Array(await c.req.arrayBuffer());
    if (body.length > BODY_LIMIT)
      return c.json({ error: "invalid", message: `${body.length} bytes at once; send ${BODY_LIMIT} at most` }, 413);
    return c.json(collector.accept(body));
  });
  const listener = await new Promise<{ close(): unknown; port: number }>((resolve, reject) => {
    const server = serve({ fetch: (request) => app.fetch(request), hostname: host, port }, (info) =>
      resolve({ close: () => server.close(), port: info.port }),
    );
    server.on("error", (error: Error) => reject(new UsageError(`cannot listen at ${flags.listen}: ${error.message}`)));
  });
  const url = `http://${host}:${listener.port}/lines`;
  terminal.print(flags.json ? JSON.stringify({ url, into: flags.into }) : `${url}  into ${flags.into}; Ctrl-C ends`);
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  while (!interrupt.signal.aborted) {
    await sleep(clock, WRITE_EVERY_MS, interrupt.signal).catch(() => {});
    await writeOut(collector, clock.now(), flags, terminal);
  }
  listener.close();
  await writeOut(collector, Number.POSITIVE_INFINITY, flags, terminal);
  collector.close();
  interrupt.release();
  return EXIT.ok;
}

async function writeOut(collector: Collector, now: number, flags: CollectFlags, terminal: Terminal): Promise<void> {
  const part = collector.write(now);
  if (part === undefined) return;
  const sum = await addLogs({
    home: homeOf(flags),
    path: flags.into,
    name: flags.name,
    format: flags.format,
    isFollowing: true,
  });
  const { refused, held } = collector;
  if (flags.json) terminal.print(JSON.stringify({ part, records: sum.records, refused, held }));
  else
    terminal.print(
      `${part}: ${thousands(sum.records)} records; ${thousands(held)} held, ${thousands(refused)} refused so far`,
    );
}

function placeOf(listen: string): { readonly host: string; readonly port: number } {
  const found = /^(?:(.*):)?(\d+)$/.exec(listen);
  if (found === null) throw new UsageError(`--listen '${listen}' is no host:port; write 127.0.0.1:8081 or 8081`);
  const [, host = "127.0.0.1", port = ""] = found;
  return { host: host.replace(/^\[|\]$/g, ""), port: parsePort(port) };
}
