// What may be said on the command line of the bench.

import { parseArgs } from "node:util";
import { FULL_ROUNDS, QUICK_ROUNDS } from "../rows/plans.ts";

export const ROWS = ["pair", "direct", "sizes", "memory"] as const;
export type RowName = (typeof ROWS)[number];

export interface Arguments {
  readonly rounds: number;
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly rows: readonly RowName[];
  readonly systems: readonly string[];
  /** Only cells with so many calls in flight. */
  readonly inFlight: number | undefined;
  /** Folder for V8's processor profiles of the measuring processes. */
  readonly profile: string | undefined;
}

export const HELP = `usage: npm run bench -- call [options]

Calls between two processes and within one, beside Moleculer, the zeromq addon and a bare Unix socket.

  --quick         3 short rounds, to see whether it works; its figures are rough
  --rounds N      rounds of every system in turn (default ${FULL_ROUNDS})
  --rows A,B      only these of ${ROWS.join(", ")}
  --systems A,B   only these of unum, moleculer, zeromq, bare
  --in-flight N   only cells with so many calls in flight
  --profile DIR   write a CPU profile of every measuring process into DIR; what is measured meanwhile is slower
  --json          everything that was measured, round by round, on standard output
  --help          this text

Exit code 0: measured (whether or not targets are met); 1: a row was refused because other work was done than was
intended; 2: the arguments make no sense.`;

/** Throws an Error for a person where they make no sense. */
export function readArguments(given: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...given],
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      rows: { type: "string", default: ROWS.join(",") },
      systems: { type: "string", default: "unum,moleculer,zeromq,bare" },
      "in-flight": { type: "string" },
      profile: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { quick, json, help } = values;
  return {
    rounds: wholeNumber("--rounds", values.rounds) ?? (quick ? QUICK_ROUNDS : FULL_ROUNDS),
    quick,
    json,
    help,
    rows: rowNames(values.rows),
    systems: systemNames(values.systems),
    inFlight: wholeNumber("--in-flight", values["in-flight"]),
    profile: values.profile,
  };
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option} ${text} is not a whole number of at least 1`);
  return number;
}

function rowNames(list: string): RowName[] {
  return list.split(",").map((name) => {
    const row = ROWS.find((known) => known === name);
    if (row === undefined) throw new Error(`--rows: no row '${name}'; there are ${ROWS.join(", ")}`);
    return row;
  });
}

function systemNames(list: string): string[] {
  const known = ["unum", "moleculer", "zeromq", "bare"];
  const wrong = list.split(",").find((name) => !known.includes(name));
  if (wrong !== undefined) throw new Error(`--systems: no system '${wrong}'; there are ${known.join(", ")}`);
  return list.split(",");
}
