// --time-out is for a candidate: what takes long because many wait for their turn is no candidate that hangs.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "./unum.ts";

after(cleanUp);

/** A generation of 60 takes 3 s; a candidate that does not come for 200 ms, and what is given to slow machines, is late. */
const OWN = [
  "--islands",
  "1",
  "--processes",
  "1",
  "--engine",
  "de:population=60",
  "--evaluations",
  "60",
  "--seed",
  "1",
];
const FLAGS = [...OWN, "--set", "migration.every=60", "--time-out", "200ms", "--json"] as const;

const QUEUED = `import { problem } from "unum/islands";
let turn = Promise.resolve();
export default problem({ dimensions: 2, lower: -5, upper: 5, evaluate: (x) => {
  const [a, b] = x;
  if (a > 4.4) return new Promise(() => {});
  turn = turn.then(() => new Promise((done) => setTimeout(done, 50)));
  return turn.then(() => a * a + b * b);
} });
`;

const BATCHED = `import { problem } from "unum/islands";
export default problem({ dimensions: 2, lower: -5, upper: 5, evaluateBatch: async (rows) => {
  if (rows.length === 1) throw new Error("it was asked for one alone");
  const values = rows.map(([a, b]) => a * a + b * b);
  await new Promise((done) => setTimeout(done, 50 * rows.length));
  return values;
} });
`;

describe("unum islands run --time-out", LIMIT, () => {
  it("quarantines those that never come, however slowly the others do, one after the other", async () => {
    const home = await scratch();
    const file = join(home, "queued.ts");
    await writeFile(file, QUEUED);
    const ran = await unum(["islands", "run", file, ...FLAGS], { home });
    assert.equal(ran.code, 0, ran.stderr);
    const [{ quarantined, evaluations, best }] = jsonLines(ran);
    assert.match(ran.stderr, /a candidate did not come back in time \[4\.[4-9]/);
    assert.ok(quarantined >= 1 && quarantined <= 8, `${quarantined} of ${evaluations}`);
    assert.ok(evaluations >= 60 && best.value < 10);
  });

  it("lets a batch take the time of all that are in it", async () => {
    const home = await scratch();
    const file = join(home, "batched.ts");
    await writeFile(file, BATCHED);
    const ran = await unum(["islands", "run", file, ...FLAGS], { home });
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal(jsonLines(ran)[0].quarantined, 0, ran.stderr);
  });

  it("lets a server take it, waits for one that is away, and ends with it where it does not come", async (t) => {
    const home = await scratch();
    const sizes: number[] = [];
    const server = createServer(async (request, response) => {
      let text = "";
      for await (const more of request) text += more;
      const { candidates }: { candidates: [number, number][] } = JSON.parse(text);
      sizes.push(candidates.length);
      // Away at first.
      if (sizes.length < 3) {
        response.writeHead(503).end();
        return;
      }
      // Longer than one candidate may take, and what is given to slow machines.
      await setTimeout(8_000);
      response.end(JSON.stringify({ values: candidates.map(([a, b]) => a * a + b * b) }));
    }).listen(0, "127.0.0.1");
    const end = () => {
      server.close();
      server.closeAllConnections();
    };
    t.after(end);
    await new Promise((listening) => server.once("listening", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const shape = ["--http", url, "--dimensions", "2", "--lower", "-5", "--upper", "5"];
    const first = ["islands", "run", ...shape, ...OWN, "--set", "migration.every=60", "--time-out", "5s", "--json"];
    const ran = await unum(first, { home });
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /was away for/);
    assert.equal(jsonLines(ran)[0].quarantined, 0, ran.stderr);
    assert.deepEqual([...new Set(sizes)], [60]);
    end();
    const gone = await unum(["islands", "run", ...shape, ...FLAGS], { home });
    assert.equal(gone.code, 3, gone.stderr);
    assert.match(
      gone.stderr,
      /cannot be reached: connect ECONNREFUSED.*for 200 ms by now; start it and resume the run/,
    );
  });
});
