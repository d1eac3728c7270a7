// What may be said on the command line of the bench of governors.

import { parseArgs } from "node:util";
import { ROWS } from "./rows/index.ts";

const FULL_ROUNDS = 9;
const QUICK_ROUNDS = 2;

export interface Arguments {
  readonly rounds: number;
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly rows: readonly string[];
}

export const HELP = `usage: npm run bench -- governor [options]

A governor of real processes: what is killed and replaced, what is seen how soon, memory, placement, limits, two processors,
and the stop of one of two nodes beside Moleculer's.

  --quick         few and short rounds, to see whether it works; its figures are rough
  --rounds N      rounds (default ${FULL_ROUNDS})
  --rows A,B      only these of ${Object.keys(ROWS).join(", ")}
  --json          everything that was measured, round by round, on standard output
  --help          this text

Exit code 0: measured (whether or not goals are met); 1: a row was refused because something else happened than was
intended; 2: the arguments make no sense.`;

/** Throws an Error for a person where they make no sense. */
export function readArguments(given: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...given],
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      rows: { type: "string", default: Object.keys(ROWS).join(",") },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { quick, json, help } = values;
  const rounds = Number(values.rounds ?? (quick ? QUICK_ROUNDS : FULL_ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) {
    throw new Error(`--rounds ${values.rounds} is not a whole number of 1 to 1000`);
  }
  const rows = values.rows.split(",");
  const unknown = rows.find((name) => !(name in ROWS));
  if (unknown !== undefined) throw new Error(`--rows: no row '${unknown}'; there are ${Object.keys(ROWS).join(", ")}`);
  return { rounds, quick, json, help, rows };
}
