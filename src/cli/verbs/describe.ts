// unum describe: what runs, as the containers themselves tell it: contracts, methods with modes, versions, load, limits.

import { modeName } from "../../client/caller.ts";
import { routeOf } from "../../messages/contract.ts";
import { addToOptions, connect, type ToOptions } from "../connection.ts";
import type { DoorOptions } from "../door.ts";
import { formatMs } from "../duration.ts";
import { EXIT, exitCodeOf } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { fieldJson, messageLines, messagesOf, methodLine, methodsOf } from "../listing.ts";
import { programNamed, withMachine } from "../machine/machine-door.ts";
import { describedProgram } from "../machine/program-text.ts";
import { messageJson } from "../node-json.ts";
import { durationOption } from "../options.ts";
import { errorJson, errorText } from "../outcome-text.ts";
import { type Described, describeEach, type Unreached } from "../remote.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

interface DescribeFlags extends ToOptions {
  readonly ttl: number;
  readonly json?: boolean;
}

const DEFAULT_TTL_MS = 5_000;

export function addDescribe({ program, terminal, end }: Stage): void {
  addToOptions(
    program
      .command("describe")
      .summary("what containers serve")
      .description(
        "Asks containers what they serve: contracts, methods with modes and messages, versions, load and limits. With a program: how it stands on each node, and what its containers on this one serve.",
      )
      .argument("[program]", "a program that is loaded into the machine"),
  )
    .addOption(durationOption("--ttl <time>", "how long they may take to answer", DEFAULT_TTL_MS))
    .option("--json", "one JSON object a line, one for each container")
    .addHelpText(
      "after",
      examples([
        "unum describe                         # the one container of this working folder",
        "unum describe --to tcp://127.0.0.1:7000 --json",
        "unum describe thumbnails              # a program: node by node, then its containers here",
      ]),
    )
    .action(async (name: string | undefined, flags: DescribeFlags) =>
      end(await (name === undefined ? describe(flags, terminal) : describeProgram(name, flags, terminal))),
    );
}

async function describeProgram(name: string, flags: DescribeFlags, terminal: Terminal): Promise<number> {
  const [to] = flags.to ?? [];
  return withMachine({ ...flags, ...(to === undefined ? {} : { to }) } as DoorOptions, async ({ show, door }) => {
    const program = programNamed(name, await show());
    terminal.print(
      flags.json ? JSON.stringify(messageJson(program)) : `${describedProgram(program, terminal).join("\n")}\n`,
    );
    const { containers } = await door.status();
    const own = containers.filter((each) => each.program === name).flatMap(({ addresses }) => addresses.slice(0, 1));
    return own.length === 0 ? EXIT.ok : describe({ ...flags, to: own }, terminal);
  });
}

async function describe(flags: DescribeFlags, terminal: Terminal): Promise<number> {
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const connection = await connect(flags);
  try {
    const { addresses, client } = connection;
    const survey = await describeEach(addresses, client, { ttlMs: flags.ttl, signal: interrupt.signal });
    for (const described of survey.described) {
      terminal.print(flags.json ? JSON.stringify(toJson(described)) : toText(described, terminal).join("\n"));
    }
    for (const unreached of survey.unreached) sayUnreached(unreached, flags, terminal);
    const [first] = survey.unreached;
    return first === undefined ? EXIT.ok : exitCodeOf(first.fault);
  } finally {
    await connection.close();
    interrupt.release();
  }
}

function sayUnreached({ address, fault }: Unreached, flags: DescribeFlags, terminal: Terminal): void {
  terminal.say(`${address} ${terminal.tint("red", errorText(fault))}`);
  if (flags.json) terminal.print(JSON.stringify({ address, error: errorJson(fault) }));
}

function toText({ address, description, registry }: Described, { paint }: Terminal): readonly string[] {
  const { container, components, load, limits, unum } = description;
  const lines = [`container ${paint("bold", container)} at ${address}, Unum ${unum}`];
  if (load !== undefined) {
    const limit = limits === undefined ? "" : `; the inbox takes ${limits.inbox}`;
    lines.push(`${load.running} running, ${load.waiting} waiting, ${load.free} places free, ${load.done} done${limit}`);
  }
  if (components.length === 0) lines.push("", "serves nothing");
  for (const { contract, version, concurrency, budgetMs } of components) {
    const methods = methodsOf(registry, contract);
    const width = Math.max(...methods.map((method) => modeName(routeOf(method).mode).length));
    const turns = concurrency === 1 ? "one call at a time" : `${concurrency} calls at a time`;
    lines.push("", `${paint("bold", contract)} ${version}, ${turns}, each within ${formatMs(budgetMs)}`);
    lines.push(...methods.map((method) => `  ${methodLine(method, width)}`));
    for (const message of messagesOf(methods)) lines.push("", ...messageLines(message).map((line) => `  ${line}`));
  }
  return [...lines, ""];
}

function toJson({ address, description, registry }: Described): object {
  const { container, components, load, limits, unum } = description;
  const methods = components.flatMap(({ contract }) => methodsOf(registry, contract));
  return {
    address,
    container,
    unum,
    load: load && { waiting: load.waiting, running: load.running, free: load.free, done: Number(load.done) },
    limits: limits && { inbox: limits.inbox },
    components: components.map(({ contract, version, concurrency, budgetMs }) => ({
      contract,
      version,
      concurrency,
      budgetMs,
      methods: methodsOf(registry, contract).map((method) => ({
        name: method.name,
        mode: modeName(routeOf(method).mode),
        input: method.input.typeName,
        output: method.output.typeName,
      })),
    })),
    messages: Object.fromEntries(messagesOf(methods).map(({ typeName, fields }) => [typeName, fields.map(fieldJson)])),
  };
}
