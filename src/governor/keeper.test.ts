// The keeper with real processes: what it starts again, when, and what it says.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { LogLevel } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { systemClock } from "../system/clock.ts";
import { systemProcesses } from "../system/processes.ts";
import type { RestartPolicy } from "./decisions/restarts.ts";
import { Keeper } from "./keeper.ts";

const OFTEN = { restarts: 3, withinMs: 60_000 };
const QUICK: RestartPolicy = { component: OFTEN, node: OFTEN, pauseMs: 1, longestPauseMs: 4, calmMs: 1_500 };

describe("the keeper", () => {
  const clock = systemClock();
  const processes = systemProcesses(clock);
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "unum-keeper-"));
  });
  after(() => rm(folder, { recursive: true }));

  function keeperOf(script: (restarts: number) => string, program = "/bin/sh") {
    const said: { level: LogLevel; text: string }[] = [];
    const keeper = new Keeper({
      clock,
      processes,
      random: seededRandom(1),
      log: { write: (level, text) => void said.push({ level, text }) },
      governor: (restarts) => ({
        program,
        arguments: ["-c", script(restarts)],
        environment: { PATH: process.env["PATH"] ?? "" },
        folder,
        logPath: join(folder, "governor.log"),
      }),
      policy: QUICK,
    });
    return { keeper, said };
  }

  it("starts again what was killed, crashed or failed, and ends with what was told to end", async () => {
    const scripts = ["kill -9 $$", "exit 7", "exit 0"];
    const { keeper, said } = keeperOf((restarts) => scripts[restarts] ?? "exit 9");
    await keeper.start();
    assert.deepEqual(await keeper.keep(), { code: 0, signal: undefined });
    assert.equal(keeper.restarts, 2);
    assert.deepEqual(
      said.map(({ text }) => text.replace(/in \d+ ms/, "soon")),
      [
        "the governor was ended by SIGKILL; it is started again at once",
        "the governor ended with exit code 7; it is started again soon",
      ],
    );
  });

  it("rests where it is started again too often, says so, and then tries again", async () => {
    const { keeper, said } = keeperOf((restarts) => (restarts < 4 ? "exit 1" : "exit 0"));
    const startedAt = performance.now();
    await keeper.start();
    assert.equal((await keeper.keep()).code, 0);
    assert.ok(performance.now() - startedAt >= QUICK.calmMs);
    const [last] = said.filter(({ level }) => level === "error");
    assert.match(last?.text ?? "", /started again 3 times within 60 s: the next one is started in 1\.[45]\d* s/);
  });

  it("starts none after its end, whether the governor dies then or is waited for", async () => {
    const { keeper } = keeperOf(() => "sleep 60");
    const governor = await keeper.start();
    const kept = keeper.keep();
    keeper.end();
    governor.signal("SIGTERM");
    assert.deepEqual(await kept, { code: undefined, signal: "SIGTERM" });
    assert.equal(keeper.restarts, 0);
    const resting = keeperOf(() => "exit 1");
    await resting.keeper.start();
    const over = resting.keeper.keep();
    while (!resting.said.some(({ level }) => level === "error")) await new Promise((soon) => setImmediate(soon));
    resting.keeper.end();
    assert.equal((await over).code, 1);
    assert.equal(resting.keeper.restarts, OFTEN.restarts);
  });

  it("ends the governor without its goodbye", async () => {
    const { keeper } = keeperOf(() => "trap '' TERM; sleep 60");
    await keeper.start();
    const kept = keeper.keep();
    keeper.kill();
    assert.equal((await kept).signal, "SIGKILL");
  });

  it("counts what cannot be started as crashed, and says why", async () => {
    const { keeper, said } = keeperOf(() => "exit 1", join(folder, "none"));
    await assert.rejects(keeper.start(), { name: "Fault", code: "invalid" });
    const kept = keeper.keep();
    while (said.filter(({ text }) => text.includes("cannot be started")).length < 2) {
      await new Promise((soon) => setImmediate(soon));
    }
    keeper.end();
    await kept;
    assert.match(said.at(1)?.text ?? "", /cannot start .*none.*no such program/);
  });

  it("hands each governor how often it was started again, and one log to all", async () => {
    const { keeper } = keeperOf((restarts) => `echo governor ${restarts}; exit $((2 - ${restarts}))`);
    await keeper.start();
    await keeper.keep();
    assert.match(await readFile(join(folder, "governor.log"), "utf8"), /governor 0\ngovernor 1\ngovernor 2\n/);
  });
});
