// Candidates evaluated by a program that reads them and answers, for as long as the search goes on.
//
//   binary   to it:   uint32 count, uint32 dimensions, then count × dimensions float64        (all little endian)
//            from it: count × objectives float64
//   NDJSON   to it:   {"x":[…]} a line                 from it: a number, a list of numbers, or {"values":…,"violations":…} a line
//
// Invariants
//   X1. A program that ends, hangs or answers nonsense costs the batch at hand one more try, candidate by candidate: only
//       those that fail alone are quarantined.
//   X2. A program that was killed has not failed by its candidate: it is asked for it again, a few times.
//   X3. Batches go one after the other, whichever islands of this process they are of: answers carry no name.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { asError, Fault } from "../../../base/fault.ts";
import { type Evaluator, settle, type Watch } from "../../../islands/evaluator.ts";
import type { Shape } from "../problem-spec.ts";
import { ByteQueue } from "./byte-queue.ts";

export interface ExecSettings {
  /** Program and arguments; the program is looked for as a shell would. */
  readonly command: readonly string[];
  /** NDJSON in place of binary. */
  readonly lines: boolean;
  readonly shape: Shape;
  /** How long one candidate may take; a batch may take that for each. */
  readonly evaluationMs: number;
}

/** Of one candidate, where the program was killed each time. */
const TRIES = 4;
const STDERR_KEPT = 2_000;
const LINE_LIMIT_BYTES = 1 << 20;

export function execEvaluator(settings: ExecSettings): Evaluator {
  const program = new Program(settings);
  const { dimensions, objectives = 1 } = settings.shape;
  const space = { objectives } as Parameters<typeof settle>[4];
  let last: Promise<unknown> = Promise.resolve();
  // X3
  const ask = (rows: readonly Float64Array[]): Promise<readonly unknown[]> => {
    const next = last.then(() =>
      settings.lines ? program.askLines(rows) : program.askBinary(rows, dimensions, objectives),
    );
    last = next.catch(() => {});
    return next;
  };

  const alone = async (row: Float64Array, watch: Watch): Promise<unknown> => {
    for (let tries = 1; ; tries++) {
      try {
        return (await ask([row]))[0];
      } catch (thrown) {
        const { message } = asError(thrown);
        if (!(thrown instanceof Killed) || tries === TRIES) return `the program ${message}`;
        watch.recovered(`the program ${message}; it is started again`);
      }
    }
  };

  const oneByOne = async (rows: readonly Float64Array[], values: Float64Array, watch: Watch) => {
    for (const [k, row] of rows.entries()) {
      watch.began(k);
      settle(row, await alone(row, watch), k, values, space, watch);
    }
  };

  return {
    evaluate: async (rows, values, watch) => {
      watch.began(0, rows.length);
      try {
        const answers = await ask(rows);
        const lost = program.takeLost();
        if (lost !== undefined) watch.recovered(`the program ${lost}; it is started again`);
        for (const [k, row] of rows.entries()) settle(row, answers[k], k, values, space, watch);
      } catch (thrown) {
        if (thrown instanceof Fault) throw thrown;
        watch.recovered(`the program ${asError(thrown).message}; it is started again`);
        await oneByOne(rows, values, watch);
      }
    },
    close: async () => program.end(),
  };
}

/** Ended by SIGKILL: by who looks after memory, or whoever may. What a program does to itself ends it by other signals. */
class Killed extends Error {}

/** The program while it runs; started when it is asked, and again after it ended. */
class Program {
  readonly #settings: ExecSettings;
  #child: ChildProcessWithoutNullStreams | undefined;
  #answers = new ByteQueue();
  #ended: Error | undefined;
  /** How one ended that was not asked anything just then. */
  #lost: string | undefined;
  #stderr = "";
  #wake: () => void = () => {};

  constructor(settings: ExecSettings) {
    this.#settings = settings;
  }

  async askBinary(rows: readonly Float64Array[], dimensions: number, objectives: number): Promise<readonly unknown[]> {
    const bytes = new ArrayBuffer(8 + rows.length * dimensions * 8);
    const head = new DataView(bytes);
    head.setUint32(0, rows.length, true);
    head.setUint32(4, dimensions, true);
    const genes = new Float64Array(bytes, 8);
    for (const [k, row] of rows.entries()) genes.set(row, k * dimensions);
    const answer = await this.#ask(new Uint8Array(bytes), rows.length, (queue) =>
      queue.take(rows.length * objectives * 8),
    );
    const copy = new Float64Array(answer.slice().buffer);
    return rows.map((_, k) => (objectives === 1 ? copy[k] : [...copy.subarray(k * objectives, (k + 1) * objectives)]));
  }

  async askLines(rows: readonly Float64Array[]): Promise<readonly unknown[]> {
    const text = rows.map((row) => `{"x":[${row.join(",")}]}\n`).join("");
    const lines: string[] = [];
    await this.#ask(new TextEncoder().encode(text), rows.length, (queue) => {
      for (;;) {
        const line = queue.takeLine(LINE_LIMIT_BYTES);
        if (line === undefined) return undefined;
        lines.push(line);
        if (lines.length === rows.length) return new Uint8Array(0);
      }
    });
    return lines.map(readLine);
  }

  async #ask(
    bytes: Uint8Array,
    count: number,
    read: (queue: ByteQueue) => Uint8Array | undefined,
  ): Promise<Uint8Array> {
    const child = this.#running();
    child.stdin.write(bytes);
    const limitMs = this.#settings.evaluationMs * count;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, limitMs);
    try {
      for (;;) {
        const answer = read(this.#answers);
        if (answer !== undefined) {
          if (this.#answers.length > 0) throw this.#over("answered more than it was asked");
          return answer;
        }
        if (late) throw this.#over(`did not answer within ${limitMs} ms`);
        if (this.#ended !== undefined) throw this.#over(this.#ended.message, this.#ended);
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #running(): ChildProcessWithoutNullStreams {
    if (this.#child !== undefined && this.#ended === undefined) return this.#child;
    this.#lost = this.#ended?.message ?? this.#lost;
    const [program = "", ...args] = this.#settings.command;
    const child = spawn(program, args, { stdio: "pipe" });
    this.#child = child;
    this.#answers = new ByteQueue();
    this.#ended = undefined;
    this.#stderr = "";
    const ended = (error: Error) => {
      if (this.#child !== child) return;
      this.#ended ??= error;
      this.#wake();
    };
    child.on("error", (error) => ended(new Error(`cannot be started: ${error.message}`)));
    child.on("close", (code, signal) => {
      const how = `(process ${child.pid}) ended with ${signal ?? `exit code ${code}`}${this.#lastWords()}`;
      ended(signal === "SIGKILL" ? new Killed(how) : new Error(how));
    });
    child.stdin.on("error", () => {});
    child.stdout.on("data", (bytes: Buffer) => {
      if (this.#child !== child) return;
      this.#answers.push(bytes);
      this.#wake();
    });
    child.stderr.on("data", (bytes: Buffer) => {
      this.#stderr = (this.#stderr + bytes.toString("utf8")).slice(-STDERR_KEPT);
    });
    return child;
  }

  /** Once. */
  takeLost(): string | undefined {
    const lost = this.#lost;
    this.#lost = undefined;
    return lost;
  }

  #lastWords(): string {
    const line = this.#stderr.trimEnd().split("\n").at(-1) ?? "";
    return line === "" ? "" : `: ${line}`;
  }

  /** It is not asked again: what it still writes would be taken for the next answer. A Fault where it never ran at all. */
  #over(why: string, ended?: Error): Error {
    const cannotStart = why.startsWith("cannot be started");
    this.end();
    if (!cannotStart) return ended ?? new Error(why);
    const command = this.#settings.command.join(" ");
    return new Fault("invalid", `'${command}' ${why}; give a program that can be run, as --exec ./fitness`);
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
    this.#ended = undefined;
  }
}

function readLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return `wrote '${line.slice(0, 60)}', which is no JSON`;
  }
}
