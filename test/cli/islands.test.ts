// unum islands, as a user runs it: on a node of its own, watched, changed, killed and resumed.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "./unum.ts";

after(cleanUp);

/** Keeps 20 MB of each candidate for good. */
const LEAKY = `import { problem } from "unum/islands";
const kept = [];
export default problem({ dimensions: 2, lower: -5, upper: 5, evaluate: (x) => {
  kept.push(new Array(2_500_000).fill(x[0]));
  return x[0] ** 2 + x[1] ** 2;
} });
`;

/** One in some tens of candidates takes all of its process with it. */
const DEADLY = `import { problem } from "unum/islands";
export default problem({ dimensions: 2, lower: -5, upper: 5, evaluate: (x) => {
  if (x[0] > 4.3) process.kill(process.pid, "SIGKILL");
  return x[0] ** 2 + x[1] ** 2;
} });
`;

const stuckIn = (operator: string) => `import { problemOf, textGenome } from "unum/islands";
const stuck = (name) => { while (name === "${operator}"); };
const words = textGenome({
  name: "word",
  limit: 8,
  create: (random) => { stuck("create"); return "abc".slice(random.below(3)); },
  mutate: (text) => { stuck("mutate"); return text + "a"; },
});
export default problemOf(words, { evaluate: (text) => text.length });
`;

interface Live {
  readonly state: string;
  readonly pid: number;
  readonly epoch: number;
  readonly checkpoint?: { readonly epoch: number };
  readonly islands: readonly { readonly pid?: number }[];
}

/** The newest figures of a run once they are such; fails where the run ends without. */
async function liveWhen(home: string, run: string, holds: (live: Live) => boolean): Promise<Live> {
  const path = join(home, "islands", run, "live.json");
  for (const until = performance.now() + 60_000; performance.now() < until; ) {
    const live: Live | undefined = await readFile(path, "utf8").then(JSON.parse, () => undefined);
    if (live !== undefined) {
      assert.equal(live.state, "running", "the run ended before it was as it should be");
      if (holds(live)) return live;
    }
    await setTimeout(20);
  }
  throw new Error(`no figures of ${run} within a minute`);
}

const RUN = ["islands", "run", "bbob:f3:d3", "--seed", "5", "--islands", "2", "--json"] as const;

describe("unum islands", LIMIT, () => {
  it("finds the same on containers of a node as in one process, also where a container is killed", async () => {
    const home = await scratch();
    const own = ["--evaluations", "400000", "--target", "-1e9", "--engine", "bipop", "--engine", "de"];
    const plain = await unum([...RUN, ...own, "--name", "plain", "--in-process"], { home });
    const onNode = unum([...RUN, ...own, "--name", "node", "--processes", "2"], { home });
    const { islands } = await liveWhen(home, "node", (live) => live.islands.some(({ pid }) => pid !== undefined));
    process.kill(islands.find(({ pid }) => pid !== undefined)?.pid ?? 0, "SIGKILL");
    const [first] = jsonLines(plain);
    const [second] = jsonLines(await onNode);
    assert.ok(second.recoveries > 0, "its end was not noticed");
    assert.deepEqual(second.best, first.best);
    assert.equal(second.evaluations, first.evaluations);
    // The target lies below all there is: said, and the exit code says it too.
    assert.equal(plain.code, 1);
  });

  it("goes on after the conducting process was killed, to the same end", async () => {
    const home = await scratch();
    const file = join(home, "slow.ts");
    await writeFile(file, SLOW);
    const own = [
      "islands",
      "run",
      file,
      "--seed",
      "9",
      "--islands",
      "2",
      "--json",
      "--in-process",
      "--evaluations",
      "8000",
    ];
    const settings = ["--set", "migration.every=60", "--set", "checkpoint.every=0.05"];
    const whole = await unum([...own, ...settings, "--name", "whole"], { home });
    const cut = unum([...own, ...settings, "--name", "cut"], { home });
    const { pid } = await liveWhen(home, "cut", ({ checkpoint }) => (checkpoint?.epoch ?? 0) >= 3);
    process.kill(pid, "SIGKILL");
    await cut;
    const [killed] = jsonLines(await unum(["islands", "status", "cut", "--json"], { home }));
    assert.equal(killed.state, "killed");
    // Worse still: the newest checkpoint is damaged.
    const checkpoints = join(home, "islands", "cut", "store", "checkpoint");
    // One that was being written has another name still.
    const versions = (await readdir(checkpoints)).filter((name) => /^\d+$/.test(name));
    const newest = join(checkpoints, versions.sort().at(-1) ?? "");
    const bytes = await readFile(newest);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 4, bytes.length >> 1);
    await writeFile(newest, bytes);
    const resumed = await unum(["islands", "resume", "cut", "--json", "--in-process"], { home });
    assert.match(resumed.stderr, /damaged: version \d+ of 'checkpoint' is damaged.*; the one before it is used/);
    assert.match(resumed.stderr, /goes on after epoch/);
    const { best, evaluations, epoch } = jsonLines(whole)[0];
    const again = jsonLines(resumed)[0];
    assert.deepEqual(
      { best: again.best, evaluations: again.evaluations, epoch: again.epoch },
      { best, evaluations, epoch },
    );
    // From its newest checkpoint a run of its own begins.
    const forked = await unum(["islands", "fork", "cut", "--name", "other", "--json", "--in-process"], { home });
    assert.deepEqual(jsonLines(forked)[0].best, best);
  });

  it("is changed and stopped while it runs, and refuses what makes no sense", async () => {
    const home = await scratch();
    const file = join(home, "slow.ts");
    await writeFile(file, SLOW);
    const running = unum(
      ["islands", "run", file, "--name", "live", "--islands", "2", "--in-process", "--set", "migration.every=40"],
      { home },
    );
    await liveWhen(home, "live", ({ epoch }) => epoch > 0);
    const wrong = await unum(["islands", "config", "live", "set", "migration.evry=3"], { home });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /no setting 'migration.evry'; did you mean 'migration.every'\?/);
    assert.equal((await unum(["islands", "config", "live", "set", "migration.topology=full"], { home })).code, 0);
    const shown = await unum(["islands", "config", "live"], { home });
    assert.match(shown.stdout, /migration\.topology=full\nmigration\.degree/);
    assert.equal((await unum(["islands", "resume", "live"], { home })).code, 4);
    assert.match((await unum(["islands", "checkpoint", "live", "now"], { home })).stdout, /checkpoint \d+ after epoch/);
    assert.match((await unum(["islands", "stop", "live"], { home })).stdout, /is stopped/);
    const ended = await running;
    assert.equal(ended.code, 0);
    assert.match(ended.stderr, /migration.topology=full from epoch \d+ on/);
  });

  it("quarantines candidates that throw, are no numbers or never come back, and says so", async () => {
    const home = await scratch();
    const file = join(home, "bad.ts");
    await writeFile(file, BAD);
    const own = ["--islands", "1", "--processes", "1", "--evaluations", "120", "--time-out", "300ms", "--engine", "de"];
    const ran = await unum(["islands", "run", file, "--seed", "1", ...own, "--json"], { home });
    const [result] = jsonLines(ran);
    assert.equal(ran.code, 0);
    for (const reason of [/threw RangeError: far/, /gave NaN/, /gave string/, /did not come back in time/]) {
      assert.match(ran.stderr, reason);
    }
    assert.ok(result.quarantined >= 4);
    assert.ok(result.best.value < 10);
  });

  it("quarantines what takes all memory, and what hangs in a batch, and nothing else", async () => {
    const home = await scratch();
    const file = join(home, "greedy.ts");
    await writeFile(file, GREEDY);
    const own = ["--islands", "1", "--processes", "1", "--evaluations", "40", "--time-out", "500ms", "--engine", "de"];
    const few = ["--set", "migration.every=40", "--seed", "1", "--json"];
    const ran = await unum(["islands", "run", file, ...own, ...few], { home });
    assert.equal(ran.code, 0, ran.stderr);
    const [result] = jsonLines(ran);
    assert.match(ran.stderr, /more memory than a process may have|took all of its memory/);
    assert.match(ran.stderr, /did not come back in time/);
    assert.ok(result.quarantined >= 2 && result.best.value < 10, ran.stderr);
  });

  it("goes on in a new thread where what evaluates leaks until there is no more memory", async () => {
    const home = await scratch();
    const file = join(home, "leaky.ts");
    await writeFile(file, LEAKY);
    const own = ["--islands", "1", "--processes", "1", "--evaluations", "100", "--engine", "de:population=20"];
    const few = ["--set", "migration.every=100"];
    const ran = await unum(["islands", "run", file, ...own, ...few, "--seed", "1", "--json"], { home });
    assert.equal(ran.code, 0, ran.stderr);
    const [result] = jsonLines(ran);
    assert.ok(result.evaluations >= 100 && result.best.value < 10, ran.stderr);
  });

  it("quarantines the one candidate that ends its whole process, and goes on", async () => {
    const home = await scratch();
    const file = join(home, "deadly.ts");
    await writeFile(file, DEADLY);
    const own = [
      "--islands",
      "1",
      "--processes",
      "1",
      "--evaluations",
      "60",
      "--engine",
      "de",
      "--seed",
      "1",
      "--json",
    ];
    const ran = await unum(["islands", "run", file, ...own, "--set", "migration.every=30"], { home });
    assert.equal(ran.code, 0, ran.stderr);
    const [result] = jsonLines(ran);
    assert.match(ran.stderr, /a candidate ended its process each time it was evaluated/);
    assert.ok(result.quarantined >= 1 && result.quarantined < 10, `${result.quarantined} of ${result.evaluations}`);
    assert.ok(result.best.value < 10 && result.recoveries >= 6, ran.stderr);
  });

  it("ends with the time-out where an operator of a genome never returns, before the first evaluation and later", async () => {
    const home = await scratch();
    for (const operator of ["create", "mutate"]) {
      const file = join(home, `${operator}.ts`);
      await writeFile(file, stuckIn(operator));
      const own = ["--islands", "1", "--processes", "1", "--time-out", "300ms", "--engine", "ga"];
      const ran = await unum(["islands", "run", file, ...own], { home });
      assert.equal(ran.code, 2, ran.stderr);
      assert.match(
        ran.stderr,
        /an operator of the problem's genome did not come back in time, .*--time-out \(300 ms\)/,
      );
    }
  });

  it("fails where no candidate can be evaluated, and says why", async () => {
    const home = await scratch();
    const file = join(home, "never.ts");
    await writeFile(
      file,
      `import { problem } from "unum/islands";\nexport default problem({ dimensions: 2, lower: 0, upper: 1, evaluate: () => Number.NaN });\n`,
    );
    const own = ["--islands", "1", "--evaluations", "20", "--set", "migration.every=20", "--in-process", "--json"];
    const ran = await unum(["islands", "run", file, ...own], { home });
    assert.equal(ran.code, 1, ran.stderr);
    assert.match(ran.stderr, /no candidate could be evaluated: each gave NaN/);
    assert.equal(jsonLines(ran)[0].best, undefined);
  });

  it("says what is wrong with what it is given", async () => {
    const home = await scratch();
    await writeFile(join(home, "none.ts"), "export default 3;\n");
    await writeFile(
      join(home, "inverted.ts"),
      `import { problem } from "unum/islands";\nexport default problem({ dimensions: 2, lower: 5, upper: -5, evaluate: () => 0 });\n`,
    );
    await writeFile(
      join(home, "mistyped.ts"),
      `import { problem } from "unum/islands";\nexport default problem({ dimensions: 2, lower: -5, upper: 5, objectivs: 2, evaluate: () => [0, 0] });\n`,
    );
    for (const [args, message] of [
      [["run", "bbob:f99:d10"], /no function f99; there are f1 to f24/],
      [["run", "bbob:15"], /no BBOB function; write bbob:f15:d10/],
      [["run", "missing.ts"], /no problem file .*missing.ts/],
      [["run", join(home, "none.ts")], /none.ts has no problem as its default export/],
      [["run", join(home, "inverted.ts")], /gene 0: lower 5 is not below upper -5/],
      [["run"], /no problem is given/],
      [["run", "bbob:f1:d2", "--engine", "cmaes"], /no engine 'cmaes'; did you mean 'cma'\?/],
      [
        ["run", "bbob:f1:d2", "--engine", "ga:populaton=9"],
        /ga has no option 'populaton'; did you mean 'population'\?/,
      ],
      [["run", "bbob:f1:d2", "--seed", "-1"], /seed is -1; it is a whole number from 0/],
      [["run", "bbob:f1:d2", "--islands", "100000"], /islands is 100000; it is a whole number from 1 to 4096/],
      [["run", "bbob:f1:d2", "--dimensions", "3", "--lower", "1"], /^--dimensions, --lower: for --exec/],
      [["run", "bbob:f1:d2", "--set", "migration.topology=rng"], /cannot be 'rng'; .*did you mean 'ring'\?/],
      [["run", join(home, "mistyped.ts")], /problem\(\) knows no 'objectivs'; did you mean 'objectives'\?/],
      [["run", "bbob:f1:d2", "--engine", "nsga2"], /nsga2 needs two objectives/],
      [["run", "bbob:f1:d2", "--set", "energy.inflow=-1"], /energy.inflow cannot be '-1'/],
      [["run", "--exec", "x", "--dimensions", "2"], /needs its bounds: --lower and --upper/],
      [["run", "--wasm", "no.wasm", "--dimensions", "2", "--lower", "0", "--upper", "1"], /no\.wasm cannot be read/],
      [["status", "nobody"], /no run 'nobody'/],
      [
        ["run", "--exec", "./nothing-there", "--dimensions", "2", "--lower", "0", "--upper", "1", "--in-process"],
        /cannot be started/,
      ],
      [
        ["run", "--exec", "./nothing-there", "--dimensions", "2", "--lower", "0", "--upper", "1", "--processes", "1"],
        /\ninvalid: '\.\/nothing-there' cannot be started/,
      ],
    ] as const) {
      const failed = await unum(["islands", ...args], { home });
      assert.equal(failed.code, 2, `${args.join(" ")}: ${failed.stderr}`);
      assert.match(failed.stderr, message);
    }
  });
});

const SLOW = `import { problem } from "unum/islands";
export default problem({
  dimensions: 3, lower: -5, upper: 5,
  evaluate: async (x) => { await new Promise((done) => setTimeout(done, 2)); return x.reduce((sum, each) => sum + each * each, 0); },
});
`;

const GREEDY = `import { problem } from "unum/islands";
const kept: Float64Array[] = [];
let calls = 0;
export default problem({
  dimensions: 2, lower: -5, upper: 5,
  evaluateBatch: (rows) => rows.map((x) => {
    if (x[0] > 4.5) for (;;) kept.push(new Float64Array(1 << 20).fill(1));
    if (x[0] < -4.3) for (;;) calls++;
    return x[0] * x[0] + x[1] * x[1];
  }),
});
`;

const BAD = `import { problem } from "unum/islands";
let calls = 0;
export default problem({
  dimensions: 2, lower: -5, upper: 5,
  evaluate: (x) => {
    if (x[0] > 3) throw new RangeError("far");
    if (x[1] > 3) return Number.NaN;
    if (x[1] < -3) return "low";
    if (x[0] < -4) for (;;) calls++;
    return x[0] * x[0] + x[1] * x[1];
  },
});
`;
