// Figures told by one process and read by any number of others.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { systemEnv } from "../../system/env.ts";
import { serveLive, subscribed } from "./live-stream.ts";

const folder = await mkdtemp(join(tmpdir(), "unum-live-"));
after(() => rm(folder, { recursive: true, force: true }));

const env = systemEnv();
const never = new AbortController().signal;

describe("live figures", { timeout: 60_000 }, () => {
  it("come to every subscriber: the newest at once, no old ones to who reads slowly, the last before the end", async () => {
    const stream = await serveLive(folder, env);
    stream.tell("0");
    const [quick, slow] = [subscribed(folder, env, never), subscribed(folder, env, never)];
    assert.deepEqual(
      [await quick.next(), await slow.next()].map(({ value }) => value),
      ["0", "0"],
    );
    for (let i = 1; i <= 100; i++) {
      stream.tell(String(i));
      assert.ok(Number((await quick.next()).value) <= i);
    }
    stream.tell("last");
    const ended = stream.end();
    const rest: string[] = [];
    for await (const json of slow) rest.push(json);
    assert.equal(rest.at(-1), "last");
    assert.ok(rest.length < 50, `${rest.length} old figures were kept for who reads slowly`);
    for await (const json of quick) assert.ok(json === "last" || Number(json) <= 100);
    await ended;
  });

  it("are over at once where nobody tells any, and when who reads withdraws", async () => {
    assert.equal((await subscribed(join(folder, "none"), env, never).next()).done, true);
    const stream = await serveLive(folder, env);
    stream.tell("1");
    const stop = new AbortController();
    const reading = subscribed(folder, env, stop.signal);
    assert.equal((await reading.next()).value, "1");
    const waits = reading.next();
    stop.abort();
    assert.equal((await waits).done, true);
    await stream.end();
  });
});
