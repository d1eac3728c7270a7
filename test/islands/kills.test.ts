// A hundred SIGKILLs in one run, of islands, of what evaluates for them, of the governor, and of who conducts: it comes to what an
// undisturbed run comes to, and says of each what it lost.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { ok, runs } from "../cli/node.ts";
import { cleanUp, jsonLines, LIMIT, scratch, start, unum } from "../cli/unum.ts";
import { type Live, liveWhen } from "./live.ts";

let ending = () => {};
after(async () => {
  ending();
  await cleanUp();
});

const SPHERE = "let sum = 0; for (let i = 0; i < x.length; i++) sum += (i + 1) * x[i] * x[i];";

/** Takes a moment for each batch, and says once that it has answered. */
const FITNESS = `import { appendFileSync } from "node:fs";
let held = Buffer.alloc(0);
let answered = false;
const pause = new Int32Array(new SharedArrayBuffer(4));
process.stdin.on("end", () => process.exit(0)).on("data", (more) => {
  held = Buffer.concat([held, more]);
  while (held.length >= 8) {
    const [count, size] = [held.readUInt32LE(0), held.readUInt32LE(4)];
    const end = 8 + count * size * 8;
    if (held.length < end) return;
    const genes = new Float64Array(held.buffer.slice(held.byteOffset + 8, held.byteOffset + end));
    const values = Float64Array.from({ length: count }, (_, k) => {
      const x = genes.subarray(k * size, (k + 1) * size);
      ${SPHERE}
      return sum;
    });
    Atomics.wait(pause, 0, 0, 4);
    process.stdout.write(Buffer.from(values.buffer));
    if (!answered) appendFileSync(process.argv[2], process.pid + "\\n");
    answered = true;
    held = held.subarray(end);
  }
});
`;

const PROBLEM = `import { problem } from "unum/islands";
export default problem({ dimensions: 4, lower: -5, upper: 5, evaluate: (x) => { ${SPHERE} return sum; } });
`;

const KINDS = [...Array<"evaluator">(8).fill("evaluator"), "container", "governor"] as const;
const SEED = 2026;

describe("a run", LIMIT, () => {
  it("comes to the same end after a hundred SIGKILLs of all that belongs to it, and reports each", LIMIT, async () => {
    const home = await scratch({ "fitness.mjs": FITNESS, "problem.ts": PROBLEM, "package.json": '{"type":"module"}' });
    const own = ["--seed", "5", "--islands", "2", "--engine", "de", "--engine", "bipop", "--json", "--target", "-1"];
    const settings = ["--set", "migration.every=100", "--set", "checkpoint.every=0.2"];
    const [fitness, answered] = [join(home, "fitness.mjs"), join(home, "answered")];
    const exec = [
      "--exec",
      `${process.execPath} ${fitness} ${answered}`,
      "--dimensions",
      "4",
      "--lower",
      "-5",
      "--upper",
      "5",
    ];
    const endless = ["--evaluations", "1000000000", "--name", "chaos", "--processes", "2"];
    let run = new Conducting(start(["islands", "run", ...exec, ...own, ...settings, ...endless], { home }));
    const killed = new Set<number>();
    const random = seededRandom(SEED);
    const victims = {
      evaluator: () => linesOf(answered).filter((pid) => isContainer(parentOf(pid), home)),
      container: () => liveNow(home).islands.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
      governor: () => processesLike((words) => words.includes("process/governor.ts") && words.includes(home)),
    };
    ending = () => run.child.kill("SIGKILL");
    const kill = async (kind: keyof typeof victims) => {
      const from = () => victims[kind]().filter((pid) => !killed.has(pid) && runs(pid));
      const there = await until(`a ${kind} lives`, from, (pids) => pids.length > 0);
      const pid = there.sort((a, b) => a - b)[random.below(there.length)] ?? 0;
      const seen = run.lines.length;
      killed.add(pid);
      process.kill(pid, "SIGKILL");
      const own = new RegExp(`process ${pid}\\b${kind === "container" ? "|lost its host" : ""}`);
      await run.says(own, seen, `of the ${kind} ${pid}`);
    };
    await liveWhen(home, "chaos", ({ epoch }) => epoch > 1);
    let acknowledged = 0;
    for (let block = 0; block < 10; block++) {
      for (const kind of shuffled(KINDS, random)) await kill(kind);
      const { checkpoint } = await liveWhen(home, "chaos", (live) => (live.checkpoint?.epoch ?? 0) >= acknowledged);
      acknowledged = checkpoint?.epoch ?? 0;
      if (block !== 4) continue;
      run.child.kill("SIGKILL");
      await run.ended;
      run = new Conducting(start(["islands", "resume", "chaos", "--json"], { home }));
      const from = await run.says(/chaos goes on after epoch \d+/, 0, "of the conducting process");
      assert.ok(Number(/epoch (\d+)/.exec(from)?.[1]) >= acknowledged, `${from}, and ${acknowledged} was acknowledged`);
    }
    assert.equal(killed.size, 100);
    ok(await unum(["islands", "stop", "chaos"], { home }));
    assert.equal(await run.ended, 0, run.lines.join("\n"));
    // A little further without harm, to a place that an undisturbed run comes to as well.
    const most = Math.max(...liveNow(home).islands.map(({ evaluations }) => evaluations));
    const few = ["--evaluations", String(most + 500)];
    const last = await unum(["islands", "resume", "chaos", ...few, "--in-process", "--json"], { home });
    const plain = await unum(
      ["islands", "run", join(home, "problem.ts"), ...own, ...settings, ...few, "--in-process"],
      { home },
    );
    const [found, expected] = [jsonLines(last)[0], jsonLines(plain)[0]];
    // The target lies below all there is: failed, and the exit code says so.
    assert.deepEqual([last.code, plain.code], [1, 1]);
    assert.deepEqual(
      [found.populations, found.epoch, found.evaluations, found.best, found.quarantined],
      [expected.populations, expected.epoch, expected.evaluations, expected.best, 0],
    );
    assert.deepEqual(
      processesLike((words) => words.includes(home)),
      [],
      "processes are left",
    );
  });
});

class Conducting {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly ended: Promise<number | null>;

  constructor(child: ChildProcess) {
    this.child = child;
    this.ended = once(child, "close").then(([code]) => code);
    child.stdout?.resume();
    createInterface({ input: child.stderr ?? assert.fail() }).on("line", (line) => {
      if (!line.startsWith('{"live"')) this.lines.push(line);
    });
  }

  /** The first such line after those `seen`. */
  async says(pattern: RegExp, seen: number, of: string): Promise<string> {
    const find = () => {
      assert.equal(this.child.exitCode, null, `it ended:\n${this.lines.slice(-20).join("\n")}`);
      return this.lines.slice(seen).find((line) => pattern.test(line)) ?? "";
    };
    return until(`it tells ${of}`, find, (line) => line !== "").catch((error) => {
      throw new Error(`${error.message}\n${this.lines.slice(-20).join("\n")}`);
    });
  }
}

/** As long as the suite has: what was killed may have to start twice before it serves, where the machine is busy. */
async function until<T>(what: string, ask: () => T, holds: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + LIMIT.timeout / 2;
  for (;;) {
    const answer = ask();
    if (holds(answer)) return answer;
    assert.ok(performance.now() < end, `${what} does not become true: ${JSON.stringify(answer)}`);
    await new Promise((soon) => setTimeout(soon, 20));
  }
}

function shuffled<T>(list: readonly T[], random: Random): readonly T[] {
  return list
    .map((each) => ({ each, at: random.float() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each);
}

function liveNow(home: string): Live {
  return JSON.parse(readFileSync(join(home, "islands", "chaos", "live.json"), "utf8"));
}

function linesOf(path: string): readonly number[] {
  try {
    return readFileSync(path, "utf8").trim().split("\n").map(Number);
  } catch {
    return [];
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function isContainer(pid: number, home: string): boolean {
  const words = wordsOf(pid);
  return words.includes("process/container.ts") && words.includes(home);
}

function processesLike(isOne: (words: string) => boolean): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => runs(pid) && isOne(wordsOf(pid)));
}

function wordsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}
