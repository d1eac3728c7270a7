// The chapter of islands: a portfolio solves what none of its engines solves alone, while one of its islands is killed.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sleep } from "../../../base/clock.ts";
import { Fault } from "../../../base/fault.ts";
import { bbob } from "../../../islands/bbob/bbob.ts";
import { problem } from "../../../islands/problem.ts";
import { type Found, search } from "../../../islands/search.ts";
import type { Result } from "../../islands/begin.ts";
import type { Live } from "../../islands/figures.ts";
import { countText } from "../../islands/figures-text.ts";
import type { Chapter, ChapterEnd, ChapterStage } from "../chapter.ts";

/** Lunacek's function has its optimum in the narrower of two funnels. */
const NUMBER = 24;
const DIMENSION = 3;
const SEED = 3;
const ENGINES = ["bipop", "de-separable", "ipop", "shade"];
const EVERY = 1_000;
const PRECISION = 1e-8;
/** As a small simulation takes; it leaves time to kill an island. */
const EVALUATION_MS = 0.3;

const COMMAND = fileURLToPath(new URL("../../../../bin/unum.mjs", import.meta.url));
const LOOK_EVERY_MS = 50;

export const islands: Chapter = {
  name: "islands",
  description: "four islands solve what none of their engines solves alone, while one of them is killed",
  run: runIslandsChapter,
};

interface Report {
  readonly evaluations: number;
  readonly recoveries: number;
  readonly killed: number;
  readonly reachedTarget: boolean;
  /** Whether it found what an undisturbed search finds, to the last bit. */
  readonly same: boolean;
  /** What each engine reached alone with all evaluations that the four had together, above the optimum. */
  readonly alone: Readonly<Record<string, number>>;
}

async function runIslandsChapter(stage: ChapterStage): Promise<ChapterEnd> {
  const { say, progress, signal } = stage;
  const { evaluate, optimum, name } = bbob(NUMBER, DIMENSION);
  const target = optimum + PRECISION;
  const plain = problem({ dimensions: DIMENSION, start: { lower: -4, upper: 4 }, evaluate, target });
  say(
    `the least of BBOB's f${NUMBER}, ${name}, in ${DIMENSION} dimensions, to ${PRECISION}: ${ENGINES.join(", ")}, seed ${SEED}`,
  );
  const undisturbed = await search(plain, {
    seed: SEED,
    islands: ENGINES.length,
    engines: ENGINES,
    settings: [`migration.every=${EVERY}`],
    signal,
  });
  const alone: Record<string, number> = {};
  for (const engine of ENGINES) {
    const one = await search(plain, { seed: SEED, engines: [engine], evaluations: undisturbed.evaluations, signal });
    alone[engine] = (one.best?.values[0] ?? Number.POSITIVE_INFINITY) - optimum;
    progress("each engine alone, with as many evaluations", Object.keys(alone).length / ENGINES.length);
  }
  const { result, killed } = await disturbed(stage, target, undisturbed);
  const report: Report = {
    ...{
      evaluations: result.evaluations,
      recoveries: result.recoveries,
      killed,
      reachedTarget: result.reachedTarget,
      alone,
    },
    same: result.evaluations === undisturbed.evaluations && sameGenes(result, undisturbed),
  };
  const nobodyAlone = Object.values(alone).every((above) => above > PRECISION);
  const sound = report.reachedTarget && report.same && nobodyAlone && killed > 0 && report.recoveries > 0;
  return { sound, lines: linesOf(report), report };
}

function sameGenes({ best }: Result, undisturbed: Found): boolean {
  return JSON.stringify(best?.genes) === JSON.stringify([...(undisturbed.best?.genes ?? [])]);
}

async function disturbed(
  { env, say, progress, signal }: ChapterStage,
  target: number,
  undisturbed: Found,
): Promise<{ result: Result; killed: number }> {
  const home = await mkdtemp(join(tmpdir(), "unum-tour-"));
  let child: ChildProcess | undefined;
  try {
    const file = join(home, "problem.ts");
    await writeFile(file, problemText(target));
    const engines = ENGINES.flatMap((engine) => ["--engine", engine]);
    const args = [
      "islands",
      "run",
      file,
      "--seed",
      String(SEED),
      ...engines,
      "--name",
      "tour",
      "--json",
      "--processes",
      "2",
      "--set",
      `migration.every=${EVERY}`,
    ];
    child = spawn(process.execPath, [COMMAND, ...args], {
      env: { ...process.env, UNUM_HOME: home },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const ended = once(child, "close");
    let over = false;
    void ended.then(() => {
      over = true;
    });
    let killed = 0;
    while (!over) {
      await sleep(env.clock, LOOK_EVERY_MS, signal);
      const live: Live | undefined = await readFile(join(home, "islands", "tour", "live.json"), "utf8").then(
        JSON.parse,
        () => undefined,
      );
      if (live === undefined) continue;
      const part = live.evaluations / undisturbed.evaluations;
      progress("four islands on two processes", Math.min(0.99, part));
      const pid = live.islands[0]?.pid;
      if (killed !== 0 || pid === undefined || part < 0.15) continue;
      killed = pid;
      process.kill(pid, "SIGKILL");
      say(`SIGKILL to process ${pid}, in which an island evolves`);
    }
    progress("four islands on two processes", 1);
    await ended;
    if (output === "") throw new Fault("internal", "the search ended without a result");
    // Printed by the command that was started.
    return { result: JSON.parse(output) as Result, killed };
  } finally {
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "close");
    }
    await rm(home, { recursive: true, force: true });
  }
}

function problemText(target: number): string {
  return `import { bbob, problem } from "unum/islands";
const { evaluate } = bbob(${NUMBER}, ${DIMENSION});
export default problem({
  dimensions: ${DIMENSION}, start: { lower: -4, upper: 4 }, target: ${target},
  evaluate: (x) => {
    for (const until = performance.now() + ${EVALUATION_MS}; performance.now() < until; );
    return evaluate(x);
  },
});
`;
}

function linesOf({ evaluations, recoveries, killed, reachedTarget, same, alone }: Report): readonly string[] {
  const above = (value: number) => (value <= PRECISION ? "solved it" : `came to ${value.toPrecision(2)} above`);
  return [
    `four islands   ${reachedTarget ? "solved it" : "did NOT solve it"} in ${countText(evaluations)} evaluations together`,
    ...Object.entries(alone).map(([engine, value]) => `${engine.padEnd(14)} ${above(value)}, alone with as many`),
    killed === 0 ? "no island was killed" : `process ${killed} was killed; ${recoveries} recovered`,
    same
      ? "what was found is what an undisturbed search finds, to the last bit"
      : "what was found is NOT what an undisturbed search finds",
  ];
}
