// Example 10 with its stand-in for a language model: asked within its budget, its answers kept across a kill and replayed without it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { stubModel } from "../../examples/10-proposer/stub-model.ts";
import { cleanUp, endOf, jsonLines, LIMIT, root, scratch, start, unum } from "../cli/unum.ts";
import { liveWhen } from "./live.ts";

after(cleanUp);

const FORMULA = join(root, "examples/10-proposer/formula.ts");
const OWN = ["--seed", "7", "--islands", "2", "--set", "migration.every=500", "--set", "proposer.budget=20", "--json"];

describe("a language model as mutation operator", LIMIT, () => {
  it(
    "finds with the stand-in what chance alone does not, and the same without it from its answers",
    LIMIT,
    async (test) => {
      const model = stubModel();
      test.after(() => model.close());
      const env = { MODEL_URL: await model.listening };
      const home = await scratch();
      const few = [...OWN, "--evaluations", "20000"];
      const asked = await unum(["islands", "run", FORMULA, ...few, "--name", "asked"], { home, env });
      await model.close();
      const [found] = jsonLines(asked);
      assert.equal(asked.code, 0, asked.stderr);
      assert.match(found.best.shown, /^\([x0-9()*+-]+\)$/);
      assert.match(asked.stderr, /quarantined: a candidate threw SyntaxError/);
      assert.ok(model.asked() > 3);
      const replayed = await unum(["islands", "run", FORMULA, ...few, "--name", "again", "--replay", "asked"], {
        home,
        env,
      });
      assert.equal(jsonLines(replayed)[0].populations, found.populations, replayed.stderr);
      const alone = await unum(["islands", "run", FORMULA, ...few], { home });
      assert.equal(alone.code, 1, "it was found by chance: the example shows nothing");
      const another = [...OWN, "--seed", "8", "--evaluations", "20000", "--replay", "asked"];
      const other = await unum(["islands", "run", FORMULA, ...another], { home, env });
      assert.equal(other.code, 4);
      assert.match(other.stderr, /asked was never asked what this run asks/);
    },
  );

  it("is not asked again for what it had answered when the whole command was killed", LIMIT, async (test) => {
    const model = stubModel();
    test.after(() => model.close());
    const env = { MODEL_URL: await model.listening };
    const home = await scratch();
    const few = [...OWN, "--evaluations", "40000", "--target", "-1", "--in-process", "--set", "checkpoint.every=0.05"];
    const plain = await unum(["islands", "run", FORMULA, ...few, "--name", "plain"], { home, env });
    const once = model.asked();
    const child = start(["islands", "run", FORMULA, ...few, "--name", "killed"], { home, env });
    const ended = endOf(child);
    await liveWhen(home, "killed", ({ checkpoint }) => (checkpoint?.epoch ?? 0) >= 2);
    child.kill("SIGKILL");
    await ended;
    const resumed = await unum(["islands", "resume", "killed", "--json"], { home, env });
    await model.close();
    assert.equal(jsonLines(resumed)[0].populations, jsonLines(plain)[0].populations, resumed.stderr);
    // At most what each island was waiting for when it was killed was asked twice.
    assert.ok(model.asked() <= 2 * once + 2, `${model.asked()} questions, ${once} without a kill`);
  });

  it("is any server with --propose, for candidates that are lists of numbers", LIMIT, async (test) => {
    const { createServer } = await import("node:http");
    const bodies: { parents: { candidate: number[]; values: number[] }[] }[] = [];
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      bodies.push(JSON.parse(body));
      response.end(
        JSON.stringify({
          candidates: [
            [0.5, 0.5],
            [1, 2, 3],
          ],
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    test.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const url = `http://127.0.0.1:${address.port}/propose`;
    const home = await scratch();
    const args = [
      "bbob:f1:d2",
      "--engine",
      "de",
      "--islands",
      "1",
      "--in-process",
      "--evaluations",
      "2000",
      "--seed",
      "1",
    ];
    const settings = ["--set", "migration.every=200", "--set", "proposer.budget=2", "--target", "-1e9", "--json"];
    const ran = await unum(["islands", "run", ...args, ...settings, "--propose", url], { home });
    assert.equal(bodies.length, 2);
    assert.equal(bodies[0]?.parents.length, 4);
    assert.equal(bodies[0]?.parents[0]?.candidate.length, 2);
    assert.match(ran.stderr, /quarantined: a candidate was proposed and is none: it has 3 genes, not 2/);
  });
});
