// What a bench of one measurement is besides it: its help, --quick and --json, the machine it ran on, and its report.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { type Machine, thisMachine } from "./machine.ts";

export interface BenchSettings<Figures> {
  readonly help: string;
  /** How it was measured, for who reads the figures. */
  readonly method: string;
  /** Besides --quick, --json and --help. */
  readonly options?: NonNullable<ParseArgsConfig["options"]>;
  /** Throws a UsageError where the arguments make no sense. */
  readonly measure: (given: Given) => Promise<Figures>;
  readonly report: (figures: Figures) => string;
  /** Why the run counts as failed, for people; undefined where it does not. */
  readonly failure?: (figures: Figures) => string | undefined;
}

export interface Given {
  readonly quick: boolean;
  /** Of an option that takes a number; throws where it is none. */
  count(name: string): number;
}

export class UsageError extends Error {}

/** Answers with the exit code: 0 measured, 1 failed, 2 usage. */
export async function bench<Figures>(settings: BenchSettings<Figures>): Promise<number> {
  const { help, method, options = {}, measure, report, failure } = settings;
  let values: Record<string, unknown>;
  try {
    values = parseArgs({
      options: {
        ...options,
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
    if (values["help"] === true) {
      process.stdout.write(`${help}\n`);
      return 0;
    }
    const machine = thisMachine();
    const figures = await measure({ quick: values["quick"] === true, count: (name) => countOf(name, values[name]) });
    const text =
      values["json"] === true
        ? JSON.stringify({ method, machine, figures }, null, 2)
        : [method, "", machineLine(machine), "", report(figures)].join("\n");
    process.stdout.write(`${text}\n`);
    const why = failure?.(figures);
    if (why === undefined) return 0;
    process.stderr.write(`${why}\n`);
    return 1;
  } catch (error) {
    const isUsage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
    if (!isUsage) throw error;
    process.stderr.write(`${error.message}\n\n${help}\n`);
    return 2;
  }
}

function countOf(name: string, value: unknown): number {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`--${name} ${value} is not a whole number of at least 1`);
  return count;
}

function machineLine({ processor, processors, memoryGb, kernel, versions, loadBefore, at }: Machine): string {
  return `${processor}, ${processors} processors, ${memoryGb} GB, ${kernel}; load ${loadBefore.toFixed(1)} before; node ${versions["node"]}; ${at.slice(0, 10)}.`;
}
