// Durable messages and programs over bad roads: three nodes of one machine on three computers, as far as the network shows. One
// is cut off one way, then wholly, then hears a part of what it is sent. Real processes, real packets.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { type NodeClient, newNodeClient } from "../../src/client/node-client.ts";
import { systemEnv } from "../../src/system/env.ts";
import { zmtpTransport } from "../../src/transports/zmtp/index.ts";
import { endLater, endNodes, tellLogs, until } from "../cli/node.ts";
import { cleanUp, root, scratch } from "../cli/unum.ts";
import { Letters } from "../gen/unum/test/v1/letters_pb.ts";
import { view } from "../machine/machine-nodes.ts";
import { packed } from "../machine/program-folder.ts";
import { makeHosts, type TestHost, type TestHosts, whyNoNamespaces } from "./namespaces.ts";

const run = promisify(execFile);
const why = whyNoNamespaces();
const PORT = 7_000;
const COMPONENTS = ["--components", join(root, "test/machine/components")];
/** Of messages that do not matter for long; a road that is cut for longer delivers none of them. */
const SHORT_TTL_MS = 500;
/** What clocks and a look at them may be apart: the function writes down when it began. */
const LATE_MS = 250;

describe("a node that is cut off", { timeout: 600_000, ...(why === undefined ? {} : { skip: why }) }, () => {
  let network: TestHosts;
  let client: NodeClient;
  let homes: readonly string[] = [];
  let away = "";
  let journal = "";
  /** Text → when it is over, in ms since 1970; for those that are. */
  const overAt = new Map<string, number>();
  const live: string[] = [];

  const hostOf = (number: number): TestHost => network.hosts[number] ?? assert.fail();
  const homeOf = (number: number): string => homes[number] ?? assert.fail();
  const unumAt = async (number: number, ...args: readonly string[]): Promise<string> => {
    const [program = "", ...words] = [...hostOf(number).via, process.execPath, join(root, "bin/unum.mjs"), ...args];
    return (await run(program, words, { env: { ...process.env, UNUM_HOME: homeOf(number) } })).stdout;
  };
  const send = async (text: string, ttlMs?: number) => {
    if (ttlMs === undefined) live.push(text);
    const options = { durable: { node: away }, ...(ttlMs === undefined ? {} : { ttlMs }) };
    await client.send(Letters.method.put, { journal, text }, options);
    if (ttlMs !== undefined) overAt.set(text, Date.now() + ttlMs);
  };
  const sendBoth = async (name: string, count: number) => {
    for (let at = 0; at < count; at++) {
      await send(`${name}-${at}`);
      await send(`${name}-short-${at}`, SHORT_TTL_MS);
    }
  };
  const came = () =>
    (existsSync(journal) ? readFileSync(journal, "utf8").split("\n").filter(Boolean) : []).map((line) => {
      const [text = "", at = ""] = line.split(" ");
      return { text, at: Number(at) };
    });
  /** Every live one once and in order, no other after its time. */
  const allIsWell = async () => {
    await until(
      "what lives has arrived",
      () => came().filter(({ text }) => !overAt.has(text)).length,
      (count) => count >= live.length,
    );
    assert.deepEqual(
      came()
        .map(({ text }) => text)
        .filter((text) => !overAt.has(text)),
      live,
    );
    const texts = came().map(({ text }) => text);
    assert.equal(new Set(texts).size, texts.length, "none twice");
    for (const { text, at } of came()) assert.ok(at <= (overAt.get(text) ?? at) + LATE_MS, `${text} came too late`);
  };

  before(async () => {
    network = makeHosts(3);
    homes = [await scratch(), await scratch(), await scratch()];
    for (const home of homes) endLater(home);
    journal = join(homeOf(0), "journal");
    const open = (number: number) => ["--open", `${hostOf(number).ip}:${PORT}`, "--detach", "--json", ...COMPONENTS];
    await unumAt(0, "up", ...open(0));
    for (const number of [1, 2]) {
      const { token, joinsAt } = JSON.parse(await unumAt(0, "token", "--json"));
      await unumAt(number, "join", joinsAt, "--token", token, ...open(number));
    }
    away = (await view(homeOf(1))).node;
    const env = systemEnv();
    const seeds = [`ipc://${homeOf(0)}/run/door.sock`];
    client = await newNodeClient({ env, transports: [zmtpTransport({ env })], seeds });
    await until("the machine is three", async () => (await view(homeOf(0))).nodes.length === 3);
  });
  afterEach((test) => tellLogs(test));
  after(async () => {
    network?.heal();
    await client?.close();
    await endNodes();
    network?.end();
    await cleanUp();
  });

  it("gets what lives, once and in order, though 30 % of all packets are lost", async () => {
    network.lose(30);
    await sendBoth("lossy", 50);
    await allIsWell();
    network.heal();
  });

  it("passes over what it has already, where its answers do not arrive", async () => {
    network.cut(hostOf(1), hostOf(0));
    await sendBoth("one-way", 50);
    await until("some are over", async () => Date.now() > Math.max(...overAt.values()));
    network.heal();
    await allIsWell();
  });

  it("gets nothing while it is cut off, and then what still matters; and catches up with programs", async () => {
    for (const other of [0, 2]) {
      network.cut(hostOf(1), hostOf(other));
      network.cut(hostOf(other), hostOf(1));
    }
    const before = came().length;
    await sendBoth("cut", 50);
    await unumAt(0, "load", await packed(homeOf(0), { version: "1.0.0" }));
    await unumAt(0, "start", "thumbnails");
    await until("the short ones are over", async () => Date.now() > Math.max(...overAt.values()));
    assert.equal(came().length, before);
    network.heal();
    await allIsWell();
    assert.deepEqual(
      came()
        .slice(before)
        .filter(({ text }) => text.startsWith("cut-short")),
      [],
    );
    // One that was under way when the road was open again is judged, and counted, where it arrived.
    await until(
      "what was over is counted",
      async () => [await view(homeOf(0)), await view(homeOf(1))].flatMap(({ boxes }) => boxes),
      (boxes) => boxes.reduce((sum, { expired }) => sum + Number(expired ?? 0), 0) >= 50,
    );
    await until(
      "it runs the program too",
      () => view(homeOf(1)),
      ({ programs }) =>
        programs[0]?.nodes.some(
          (each: { node: string; state: string }) => each.node === away && each.state === "running",
        ),
    );
  });
});
