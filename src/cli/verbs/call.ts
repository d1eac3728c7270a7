// unum call: one call to anything that runs, with the message built from JSON by the schema the container tells.

import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { Fault } from "../../base/fault.ts";
import { DEFAULT_TTL_MS, modeName } from "../../client/caller.ts";
import type { Client } from "../../client/client.ts";
import type { CallOptions, SendOptions } from "../../client/options.ts";
import { routeOf, type StreamMethod, type UnaryMethod } from "../../messages/contract.ts";
import { Mode } from "../../messages/envelope.ts";
import { Container } from "../../messages/gen/unum/control/v1/container_pb.ts";
import { messageFromJson, messageToJson } from "../../messages/json.ts";
import type { Address } from "../../transports/transport.ts";
import { parseMeta, readInput } from "../call-input.ts";
import { addToOptions, type Connection, connect, type ToOptions } from "../connection.ts";
import { formatMs } from "../duration.ts";
import { EXIT, EXIT_CODES, exitCodeOf } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { durationOption, repeatable } from "../options.ts";
import { errorJson, errorText, rounded } from "../outcome-text.ts";
import { describeEach, findTarget, type Survey, type Target } from "../remote.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface CallFlags extends ToOptions {
  readonly ttl: number;
  /** Not by default. */
  readonly ttlIsGiven?: boolean;
  readonly within?: number;
  readonly key?: string;
  readonly meta?: readonly string[];
  readonly prefer?: CallOptions["prefer"];
  readonly scope?: "local" | "network" | "anywhere";
  readonly versionRange?: string;
  readonly wait: boolean;
  readonly durable?: string;
  readonly supersede?: string;
  readonly json?: boolean;
  readonly timing?: boolean;
}

/** How long containers may take to say what they serve; the call's own time begins after it. */
const LEAST_DESCRIBE_MS = 2_000;
/** How long a withdrawn call's container may take to hear of it. */
const FAREWELL_MS = 250;

export function addCall({ program, terminal, end }: Stage): void {
  addToOptions(
    program
      .command("call")
      .summary("call a method of anything that runs")
      .description(
        "Calls a method in the mode its contract states: one value (SYNC), a result that is waited for (ASYNC), one JSON a line as items come (STREAM), or a line for each container (BROADCAST).",
      )
      .argument("<method>", "package.Contract/Method")
      .argument("[json]", "the message: JSON, @FILE, or - for standard input", "{}"),
  )
    .addOption(
      durationOption(
        "--ttl <time>",
        "time to live: nothing is started later, and the outcome is here by then",
        DEFAULT_TTL_MS,
      ),
    )
    .addOption(durationOption("--within <time>", "how long to look for a free place where all are taken"))
    .option("--key <key>", "idempotency key: the same key is worked on once, and a lost call is sent again")
    .addOption(repeatable("--meta <key=value>", "handed to the component"))
    .addOption(new Option("--scope <ring>", "how far it may travel").choices(["local", "network", "anywhere"]))
    .addOption(
      new Option(
        "--prefer <policy>",
        "who is asked first: nearest, locality, round-robin, or key=TEXT for the same container each time",
      ).argParser(parsePrefer),
    )
    .option("--version-range <range>", "semver range the component must satisfy, as ^1.2")
    .option("--no-wait", "of an ASYNC method: end as soon as it is accepted, and keep no result")
    .option(
      "--durable <node>",
      "of an ASYNC method: kept on disk here until that node has it; with --ttl it expires, else never",
    )
    .option("--supersede <key>", "with --durable: replaces what still waits under the same key")
    .addOption(
      repeatable(
        "--plugin <file>",
        "a security plugin that seals the call, as the containers have it, or a .json list",
      ),
    )
    .option("--json", "one JSON object a line: value, where it ran, how long it took")
    .option("--timing", "say on standard error where it ran and how long it took")
    .addHelpText(
      "after",
      examples([
        `unum call demo.v1.Digest/OfFile '{"path":"README.md"}' --to ADDRESS --ttl 2s`,
        `unum call demo.v1.Digest/OfFolder '{"path":"src"}'     # a stream, from the one container here`,
        "unum call demo.v1.Digest/OfFile @request.json --json | jq .value",
        `unum call letters.v1.Letters/Put '{"text":"hello"}' --durable nabc --ttl 1h     # there when that node is back`,
      ]),
    )
    .addHelpText("after", `\n${EXIT_CODES}`)
    .action(async (path: string, json: string, flags: CallFlags, command: Command) =>
      end(await call(path, json, { ...flags, ttlIsGiven: command.getOptionValueSource("ttl") === "cli" }, terminal)),
    );
}

/** Everything one call needs, gathered before it is made. */
interface Prepared {
  readonly client: Client;
  readonly target: Target;
  readonly input: Message;
  readonly options: SendOptions;
  readonly flags: CallFlags;
  readonly terminal: Terminal;
  readonly now: () => number;
}

async function call(path: string, json: string, flags: CallFlags, terminal: Terminal): Promise<number> {
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const signal = AbortSignal.any([interrupt.signal, terminal.unread]);
  const connection = await connect(flags);
  const { clock } = connection.env;
  const startedAt = clock.now();
  try {
    const describeMs = Math.max(flags.ttl, LEAST_DESCRIBE_MS);
    const survey = await describeEach(connection.addresses, connection.client, { ttlMs: describeMs, signal });
    const target = findTarget(path, survey);
    const text = await readInput(json, process.stdin);
    const input = messageFromJson(target.method.input, text, target.registry);
    const addresses = addressesFor(target, survey, terminal);
    const describedMs = clock.now() - startedAt;
    const { mode } = routeOf(target.method);
    if (flags.durable !== undefined && mode !== Mode.ASYNC)
      throw new UsageError(`--durable is for ASYNC methods; ${path} is ${modeName(mode)}`);
    const exitCode = await callIn(mode)({
      client: connection.node ?? connection.client(addresses),
      target,
      input,
      options: optionsOf(flags, signal),
      flags,
      terminal,
      now: () => clock.now(),
    });
    if (flags.timing) {
      const total = clock.now() - startedAt;
      terminal.say(`asked for the schema in ${formatMs(describedMs)}, ${formatMs(total)} in all`);
    }
    return exitCode;
  } catch (error) {
    if (signal.aborted) await withdrawn(connection);
    if (terminal.unread.aborted) return EXIT.unread;
    throw error;
  } finally {
    await connection.close();
    interrupt.release();
  }
}

/** Messages arrive in order: who answers this has been told before that the call was withdrawn. */
async function withdrawn({ client, addresses }: Connection): Promise<void> {
  const options = { ttlMs: FAREWELL_MS };
  await Promise.allSettled(addresses.map((to) => client([to]).call(Container.method.ping, {}, options)));
}

/** A BROADCAST asks those who did not describe themselves too: each has an outcome, if only that it was not reached. */
function addressesFor({ method, servedAt }: Target, { unreached }: Survey, terminal: Terminal): readonly Address[] {
  if (routeOf(method).mode === Mode.BROADCAST) return [...servedAt, ...unreached.map(({ address }) => address)];
  for (const { address, fault } of unreached) terminal.say(`left out ${address}: ${errorText(fault)}`);
  return servedAt;
}

function optionsOf(flags: CallFlags, signal: AbortSignal): SendOptions {
  const { durable, supersede, key } = flags;
  if (supersede !== undefined && durable === undefined)
    throw new UsageError("--supersede replaces what is kept; it goes with --durable NODE");
  if (durable !== undefined) {
    return {
      signal,
      meta: parseMeta(flags.meta ?? []),
      durable: { node: durable, ...(supersede === undefined ? {} : { supersede }) },
      ...(flags.ttlIsGiven === true ? { ttlMs: flags.ttl } : {}),
      ...(key === undefined ? {} : { idempotencyKey: key }),
    };
  }
  return {
    ttlMs: flags.ttl,
    signal,
    meta: parseMeta(flags.meta ?? []),
    wantResult: flags.wait,
    ...(flags.within === undefined ? undefined : { withinMs: flags.within }),
    ...(flags.key === undefined ? undefined : { idempotencyKey: flags.key }),
    ...(flags.scope === undefined ? undefined : { scope: flags.scope }),
    ...(flags.prefer === undefined ? undefined : { prefer: flags.prefer }),
    ...(flags.versionRange === undefined ? undefined : { version: flags.versionRange }),
  };
}

function callIn(mode: Mode): (prepared: Prepared) => Promise<number> {
  if (mode === Mode.ASYNC) return callAsync;
  if (mode === Mode.STREAM) return callStream;
  return mode === Mode.BROADCAST ? callBroadcast : callSync;
}

async function callSync(prepared: Prepared): Promise<number> {
  const { client, target, input, options, terminal, now } = prepared;
  const startedAt = now();
  const reply = await client.request(unary(target), input, options);
  const { from, address, version, tried } = reply;
  const ms = rounded(now() - startedAt);
  const value = valueJson(target, reply.value);
  const where = {
    container: from[0],
    address,
    version,
    ms,
    tried: tried.map((each) => ({ ...each, ms: rounded(each.ms) })),
  };
  printValue(prepared, value, where);
  if (prepared.flags.timing) {
    const before = tried
      .slice(0, -1)
      .map(({ at, end }) => `; ${at} answered ${end}`)
      .join("");
    terminal.say(`ran in ${from[0]} at ${address}, version ${version}, ${formatMs(ms)}${before}`);
  }
  return EXIT.ok;
}

async function callAsync(prepared: Prepared): Promise<number> {
  const { client, target, input, options, flags, terminal, now } = prepared;
  const { durable } = options;
  const startedAt = now();
  const accepted = await client.send(unary(target), input, options);
  if (durable !== undefined) {
    const kept = { kept: true, by: accepted.from[0], for: durable.node, ms: rounded(now() - startedAt) };
    terminal.print(flags.json ? JSON.stringify(kept) : `kept by ${kept.by} for ${kept.for}`);
    return EXIT.ok;
  }
  const where = { container: accepted.from[0], address: accepted.address };
  if (!flags.wait) {
    const ms = rounded(now() - startedAt);
    terminal.print(flags.json ? JSON.stringify({ accepted: true, ...where, ms }) : `accepted by ${where.container}`);
    return EXIT.ok;
  }
  const result = await accepted.result();
  printValue(prepared, valueJson(target, result), { ...where, ms: rounded(now() - startedAt) });
  return EXIT.ok;
}

async function callStream({ client, target, input, options, flags, terminal, now }: Prepared): Promise<number> {
  const startedAt = now();
  let items = 0;
  // Its mode is STREAM, which routeOf gives to server-streaming methods alone.
  for await (const item of client.stream(target.method as StreamMethod, input, options)) {
    items++;
    const value = valueJson(target, item);
    terminal.print(JSON.stringify(flags.json ? { value } : value));
    if (terminal.unread.aborted) return EXIT.unread;
    if (options.signal?.aborted) throw new Fault("cancelled", "interrupted");
  }
  const ms = rounded(now() - startedAt);
  if (flags.json) terminal.print(JSON.stringify({ done: true, items, ms }));
  else if (flags.timing) terminal.say(`${items} items in ${formatMs(ms)}`);
  return EXIT.ok;
}

async function callBroadcast({ client, target, input, options, flags, terminal }: Prepared): Promise<number> {
  const outcomes = await client.broadcast(unary(target), input, options);
  let exitCode: number = EXIT.ok;
  for (const outcome of outcomes) {
    const { address } = outcome;
    if ("failure" in outcome) {
      exitCode ||= exitCodeOf(outcome.failure);
      if (flags.json) terminal.print(JSON.stringify({ address, error: errorJson(outcome.failure) }));
      else terminal.say(`${address} ${terminal.tint("red", errorText(outcome.failure))}`);
    } else {
      const value = valueJson(target, outcome.value);
      const container = outcome.from[0];
      terminal.print(
        flags.json ? JSON.stringify({ value, container, address }) : `${container} ${JSON.stringify(value)}`,
      );
    }
  }
  return exitCode;
}

/** Its mode is that of a method with one answer. */
function unary({ method }: Target): UnaryMethod {
  return method as UnaryMethod;
}

function valueJson({ method, registry }: Target, message: Message) {
  // The client reads answers by the method's own output.
  return messageToJson(method.output as DescMessage, message, registry);
}

function printValue({ flags, terminal }: Prepared, value: unknown, where: object): void {
  terminal.print(flags.json ? JSON.stringify({ value, ...where }) : JSON.stringify(value, undefined, 2));
}

function parsePrefer(text: string): NonNullable<CallOptions["prefer"]> {
  if (text === "nearest" || text === "locality" || text === "round-robin") return text;
  const key = /^key=(.+)$/s.exec(text)?.[1];
  if (key !== undefined) return { key };
  throw new UsageError(`'${text}' is not nearest, locality, round-robin or key=TEXT`);
}
