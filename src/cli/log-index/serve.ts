// unum logs serve: the index over HTTP, until Ctrl-C.

import { hostname } from "node:os";
import { serve } from "@hono/node-server";
import type { Command } from "commander";
import { newId } from "../../base/random.ts";
import { DEFAULT_COST_LIMITS, miniserver } from "../../log-index/server/miniserver.ts";
import { identified } from "../../log-index/tree/config.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import { aborted, onInterrupt } from "../interrupt.ts";
import { durationOption } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { addHomeOption, type HomeFlags, rootOf } from "./home.ts";
import { counted } from "./numbers.ts";
import { ripgrep } from "./ripgrep.ts";

interface ServeFlags extends HomeFlags {
  readonly port: number;
  readonly host: string;
  readonly token?: string;
  readonly maxRecords: number;
  readonly maxTime: number;
  readonly json?: boolean;
}

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|::1)$/;

export function addServe(logs: Command, { terminal, end }: Stage): void {
  addHomeOption(
    logs
      .command("serve")
      .summary("the index over HTTP, for browsers, programs and other servers")
      .description(
        "Serves the index: every folder has its URL, asked plainly it lists its contents, with ?from=…&to=…&ip=… it answers records. Beyond this computer only with a token. Runs until Ctrl-C.",
      ),
  )
    .option("--port <port>", "0 for any that is free", parsePort, 8080)
    .option("--host <address>", "where it listens", "127.0.0.1")
    .option("--token <token>", "who asks must send it (default: $UNUM_LOGS_TOKEN)")
    .option("--max-records <count>", "of one question", Number, DEFAULT_COST_LIMITS.records)
    .addOption(durationOption("--max-time <time>", "of one question, as estimated", DEFAULT_COST_LIMITS.ms))
    .option("--json", "the address as a JSON object")
    .addHelpText(
      "after",
      examples([
        "unum logs serve --port 8080",
        "curl 'http://127.0.0.1:8080/nginx?from=2015-05-18T14:00&to=%2B1h&ip=83.149.9.216'",
        "curl http://127.0.0.1:8080/-/openapi.json",
        "UNUM_LOGS_TOKEN=… unum logs serve --host 0.0.0.0",
      ]),
    )
    .action(async (flags: ServeFlags) => end(await serveIndex(flags, terminal)));
}

async function serveIndex(flags: ServeFlags, terminal: Terminal): Promise<number> {
  const env = systemEnv();
  const token = flags.token ?? (process.env["UNUM_LOGS_TOKEN"] || undefined);
  if (token === undefined && !LOOPBACK.test(flags.host))
    throw new UsageError(
      `--host ${flags.host} is reached from other computers, so a --token is needed; or set UNUM_LOGS_TOKEN`,
    );
  const { folder } = rootOf(flags, env, terminal);
  const told = (text: string) => terminal.say(terminal.tint("yellow", text));
  const server = miniserver({
    ...{ folder, clock: env.clock, fetch, token },
    id: identified(folder, hostname(), () => newId(env.random, "s")),
    newQuestion: () => newId(env.random, "q"),
    limits: { records: flags.maxRecords, ms: flags.maxTime },
    told,
    search: ripgrep(told),
  });
  await server.root.wakeUp();
  const { listener, port } = await listening(server.fetch, flags);
  const url = `http://${flags.host.includes(":") ? `[${flags.host}]` : flags.host}:${port}/`;
  const { records } = await server.root.facts();
  terminal.print(flags.json ? JSON.stringify({ url, records }) : `${url}  ${counted(records, "record")}; Ctrl-C ends`);
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  await aborted(interrupt.signal);
  listener.close();
  if ("closeAllConnections" in listener) listener.closeAllConnections();
  server.root.sleep();
  interrupt.release();
  return EXIT.ok;
}

type Listener = ReturnType<typeof serve>;

function listening(
  fetchOne: (request: Request) => Response | Promise<Response>,
  { port, host }: ServeFlags,
): Promise<{ listener: Listener; port: number }> {
  return new Promise((resolve, reject) => {
    const listener = serve({ fetch: fetchOne, port, hostname: host }, (info) => resolve({ listener, port: info.port }));
    listener.on("error", (error: Error) =>
      reject(new UsageError(`cannot listen at ${host}:${port}: ${error.message}; choose another --port or --host`)),
    );
  });
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port < 65_536) return port;
  throw new UsageError(`'${text}' is no port from 0 to 65535`);
}
