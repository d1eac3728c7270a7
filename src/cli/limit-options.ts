// A node's limits as options, for the verbs that set them.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { LEAST_CONTAINER_BYTES, type LimitsChange } from "../capacity/limits.ts";
import type { LimitsChangeSchema } from "../messages/gen/unum/control/v1/node_pb.ts";
import { parseSize } from "./size.ts";
import { UsageError } from "./usage.ts";

export interface NetworkLimitFlags {
  readonly networkContainers?: number | "none";
}

/** Of the whole network: set on a node that runs, and told to all. */
export function addNetworkLimitOption(command: Command): Command {
  return command.option(
    "--network-containers <count>",
    "how many containers all nodes of the network may run together, or none for no limit but their own",
    (text) => (text === "none" ? text : wholeNumber("containers", 0)(text)),
  );
}

export interface LimitFlags {
  readonly containers?: number;
  readonly memory?: number;
  readonly containerMemory?: number;
  readonly spares?: number;
  readonly inbox?: number;
  readonly concurrency?: Readonly<Record<string, number>>;
  readonly outboxMessages?: number;
  readonly outboxSize?: number;
}

export function addLimitOptions(command: Command): Command {
  return command
    .option("--containers <count>", "how many containers may run, spares included", wholeNumber("containers", 0))
    .option("--memory <size>", "what all containers may use together, as 2GB", parseSize)
    .option("--container-memory <size>", "what one may use before it is drained and replaced, as 512MB", parseSize)
    .option("--spares <count>", "warm containers kept in reserve", wholeNumber("spares", 0))
    .option("--inbox <calls>", "how many calls may wait in one container", wholeNumber("calls", 1))
    .option(
      "--outbox-messages <count>",
      "durable messages kept for, or from, one other node; further ones are refused",
      wholeNumber("messages", 1),
    )
    .option("--outbox-size <size>", "their bytes, as 64MiB", parseSize)
    .addOption(
      new Option(
        "--concurrency <contract=calls>",
        "calls of a component worked on at a time in one container; CONTRACT=default: as it declares; may be given again",
      ).argParser(parseConcurrency),
    );
}

export function limitsChangeOf(flags: LimitFlags & NetworkLimitFlags): MessageInitShape<typeof LimitsChangeSchema> {
  const { containers, memory, containerMemory, spares, inbox, concurrency, networkContainers } = flags;
  const { outboxMessages, outboxSize } = flags;
  return {
    ...(containers === undefined ? {} : { containers }),
    ...(memory === undefined ? {} : { memoryBytes: BigInt(memory) }),
    ...(containerMemory === undefined ? {} : { containerMemoryBytes: BigInt(containerMemory) }),
    ...(spares === undefined ? {} : { spares }),
    ...(inbox === undefined ? {} : { inbox }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(outboxMessages === undefined ? {} : { outboxMessages }),
    ...(outboxSize === undefined ? {} : { outboxBytes: BigInt(outboxSize) }),
    ...(networkContainers === undefined
      ? {}
      : networkContainers === "none"
        ? { noNetworkLimit: true }
        : { networkContainers }),
  };
}

/**
 * Where what all may use is lowered below what one may, one may use half of it, as by default. Whoever says how much one may
 * use is taken at their word.
 */
export function fitting<T extends LimitFlags>(flags: T, containerMemoryBytes: number): T {
  const { memory, containerMemory } = flags;
  if (memory === undefined || containerMemory !== undefined || containerMemoryBytes <= memory) return flags;
  return { ...flags, containerMemory: Math.min(memory, Math.max(LEAST_CONTAINER_BYTES, Math.floor(memory / 2))) };
}

/** The same for a node that is about to be. */
export function limitsOf({
  containers,
  memory,
  containerMemory,
  spares,
  inbox,
  concurrency = {},
  outboxMessages,
  outboxSize,
}: LimitFlags): LimitsChange {
  const wanted = Object.entries(concurrency).map(([contract, calls]) => [contract, calls === 0 ? null : calls]);
  return {
    node: {
      ...(containers === undefined ? {} : { containers }),
      ...(memory === undefined ? {} : { memoryBytes: memory }),
      ...(spares === undefined ? {} : { spares }),
    },
    container: {
      ...(containerMemory === undefined ? {} : { memoryBytes: containerMemory }),
      ...(inbox === undefined ? {} : { inbox }),
      concurrency: Object.fromEntries(wanted),
    },
    outbox: {
      ...(outboxMessages === undefined ? {} : { messages: outboxMessages }),
      ...(outboxSize === undefined ? {} : { bytes: outboxSize }),
    },
  };
}

export function changesNothing(flags: LimitFlags & NetworkLimitFlags): boolean {
  return Object.keys(limitsChangeOf(flags)).length === 0;
}

const MOST = 1_000_000;

function wholeNumber(what: string, least: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (/^\d+$/.test(text) && count >= least && count <= MOST) return count;
    throw new UsageError(`'${text}' is not a number of ${what} from ${least} to ${MOST}`);
  };
}

/** 0 stands for what the component declares. */
function parseConcurrency(text: string, before: Readonly<Record<string, number>> = {}): Record<string, number> {
  const found = /^([A-Za-z_][\w.]*)=(default|\d+)$/.exec(text);
  if (found?.[1] === undefined) {
    throw new UsageError(`'${text}' is not CONTRACT=CALLS; write it as demo.v1.Digest=2 or demo.v1.Digest=default`);
  }
  const calls = found[2] === "default" ? 0 : Number(found[2]);
  if (found[2] !== "default" && (calls < 1 || calls > 65_536)) {
    throw new UsageError(`'${text}': calls at a time are a whole number from 1 to 65536, or default`);
  }
  return { ...before, [found[1]]: calls };
}

/** Of a program; 0 where none is wanted. */
export function programMemory(text: string): number {
  if (text === "none") return 0;
  const bytes = parseSize(text);
  if (bytes > 0) return bytes;
  throw new UsageError(`'${text}' would let nothing run; write it as 256MiB, or none for no limit`);
}

/** Of a program; 0 where none is wanted. */
export function programProcessors(text: string): number {
  if (text === "none") return 0;
  if (/^\d{1,5}(?:\.\d{1,3})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`'${text}' is not a number of processors; write it as 0.5 or 2, or none for no limit`);
}
