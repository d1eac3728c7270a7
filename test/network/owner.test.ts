// A program with one owner over bad roads: three controllers of one machine on three computers, as far as the network shows. The
// owner is cut off wholly, then one way, and comes back; callers on both sides have it written to all the time. Nothing of an
// owner's is accepted after something of a later one was. Real processes, real packets.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { endLater, endNodes, ok, tellLogs, until } from "../cli/node.ts";
import { cleanUp, root, scratch, unum } from "../cli/unum.ts";
import { view } from "../machine/machine-nodes.ts";
import { makeHosts, type TestHost, type TestHosts, whyNoNamespaces } from "./namespaces.ts";

const run = promisify(execFile);
const why = whyNoNamespaces();
const PORT = 7_000;
const COMPONENTS = ["--components", join(root, "test/machine/components")];
const WRITER = fileURLToPath(new URL("ledger-writer.ts", import.meta.url));
const ALL = [0, 1, 2] as const;

interface Said {
  readonly text: string;
  readonly epoch?: number;
  readonly code?: string;
}

describe("a program with one owner", { timeout: 900_000, ...(why === undefined ? {} : { skip: why }) }, () => {
  let network: TestHosts;
  let homes: readonly string[] = [];
  let ids: string[] = [];
  let journal = "";
  const writers: { readonly process: ChildProcess; readonly said: Said[] }[] = [];

  const hostOf = (number: number): TestHost => network.hosts[number] ?? assert.fail();
  const homeOf = (number: number): string => homes[number] ?? assert.fail();
  const unumAt = async (number: number, ...args: readonly string[]): Promise<string> => {
    const [program = "", ...words] = [...hostOf(number).via, process.execPath, join(root, "bin/unum.mjs"), ...args];
    return (await run(program, words, { env: { ...process.env, UNUM_HOME: homeOf(number) } })).stdout;
  };
  const saidBy = (number: number): Said[] => writers[number]?.said ?? assert.fail();
  const ledgerAt = async (number: number) => (await view(homeOf(number))).programs[0];
  const ownerAt = async (number: number): Promise<{ number: number; epoch: number }> => {
    const { owner } = await ledgerAt(number);
    return { number: ids.indexOf(owner?.node), epoch: Number(owner?.epoch ?? 0) };
  };
  /** By which epochs letters were written down, in that order. */
  const epochs = () =>
    (existsSync(journal) ? readFileSync(journal, "utf8").split("\n").filter(Boolean) : []).map((line) =>
      Number(line.split(":")[0]),
    );
  /** What one node accepted: never an older epoch after a newer one. */
  const judge = () => {
    const all = epochs();
    for (const [at, epoch] of all.entries())
      assert.ok(epoch >= (all[at - 1] ?? 0), `letter ${at} is of epoch ${epoch}, after one of ${all[at - 1]}`);
  };
  /** By that owner or a later one: on a computer that stands still for as long as a lease lasts, another owner is what is right. */
  const written = (epoch: number, more = 5) =>
    until(
      `letters of epoch ${epoch} or a later one arrive`,
      () => {
        const counts: Record<number, number> = {};
        for (const each of epochs()) counts[each] = (counts[each] ?? 0) + 1;
        return counts;
      },
      (counts) =>
        Object.entries(counts)
          .filter(([each]) => Number(each) >= epoch)
          .reduce((sum, [, count]) => sum + count, 0) >= more,
    );

  /** The example's way: contracts beside the component, found by the package's name. */
  async function packedLedger(): Promise<string> {
    const folder = join(await scratch(), "ledger");
    await cp(join(root, "test/network/ledger"), folder, { recursive: true });
    const own = join(folder, "components/ledger");
    const contracts = "../../../../gen/unum/test/v1/";
    const code = await readFile(join(own, "ledger.ts"), "utf8");
    await writeFile(join(own, "ledger.ts"), code.replaceAll(contracts, "./gen/"));
    await mkdir(join(own, "gen"));
    for (const name of ["ledger_pb.ts", "letters_pb.ts"]) {
      const text = await readFile(join(root, "test/gen/unum/test/v1", name), "utf8");
      const options = /"[./]+src\/messages\/gen\/unum\/v1\/options_pb\.ts"/;
      await writeFile(join(own, "gen", name), text.replace(options, '"unum/gen/unum/v1/options_pb.js"'));
    }
    const out = await unum(["pack", folder, "--out", await scratch(), "--json"], { home: homeOf(0) });
    return JSON.parse(ok(out)).path;
  }

  function write(number: number): void {
    const told = { home: homeOf(number), node: ids[2] ?? "", journal, tag: `w${number}-` };
    const [program = "", ...words] = [...hostOf(number).via, process.execPath, WRITER, JSON.stringify(told)];
    const writer = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
    const said: Said[] = [];
    createInterface(writer.stdout).on("line", (line) => said.push(JSON.parse(line)));
    writers.push({ process: writer, said });
  }

  before(async () => {
    network = makeHosts(3);
    homes = [await scratch(), await scratch(), await scratch()];
    for (const home of homes) endLater(home);
    journal = join(homeOf(2), "journal");
    const open = (number: number) => ["--open", `${hostOf(number).ip}:${PORT}`, "--detach", "--json", ...COMPONENTS];
    await unumAt(0, "up", ...open(0));
    for (const number of [1, 2]) {
      const { token, joinsAt } = JSON.parse(await unumAt(0, "token", "--controller", "--json"));
      await unumAt(number, "join", joinsAt, "--token", token, ...open(number));
    }
    for (const number of ALL) ids.push((await view(homeOf(number))).node);
    for (const number of ALL)
      await until("the machine is three", async () => (await view(homeOf(number))).nodes.length === 3);
    await unumAt(0, "load", await packedLedger());
    // Not at the third: that is where its letters are read.
    const [first = "", second = ""] = ids;
    await unumAt(0, "start", "ledger", "--on", first, "--on", second, "--grant", "send", "--grant", "store");
    for (const number of ALL) write(number);
  });
  afterEach((test) => tellLogs(test));
  after(async () => {
    network?.heal();
    for (const { process: writer } of writers) writer.kill("SIGKILL");
    await endNodes();
    network?.end();
    await cleanUp();
    ids = [];
  });

  it("runs on that one, which every node knows, by an epoch", async () => {
    const { number, epoch } = await ownerAt(0);
    assert.ok(number === 0 || number === 1);
    for (const each of ALL)
      await until(
        "each knows it",
        () => ownerAt(each),
        (found) => found.number === number && found.epoch === epoch,
      );
    const { nodes } = await ledgerAt(number);
    const states = nodes.map(({ node, state }: { node: string; state: string }) => [ids.indexOf(node), state]);
    assert.deepEqual(
      states.filter(([, state]: [number, string]) => state === "running"),
      [[number, "running"]],
    );
    await written(epoch);
    assert.match(await unumAt(0, "machine", "ledger"), new RegExp(`owner .*epoch ${epoch}, kept by`));
    judge();
  });

  it("is replaced where the owner is cut off, which ends by itself; what it kept meanwhile is refused when it is back", async () => {
    const before = await ownerAt(2);
    await written(before.epoch);
    for (const other of ALL.filter((each) => each !== before.number)) {
      network.cut(hostOf(before.number), hostOf(other));
      network.cut(hostOf(other), hostOf(before.number));
    }
    const mark = saidBy(before.number).length;
    const after = await until(
      "another owns it",
      () => ownerAt(2),
      ({ epoch }) => epoch > before.epoch,
    );
    assert.notEqual(after.number, before.number);
    await written(after.epoch);
    // On its own side it was called as long as its lease held, and then no more.
    const own = saidBy(before.number);
    await until(
      "its own callers are refused",
      () => own.slice(mark).slice(-3),
      (last) => last.length === 3 && last.every(({ epoch }) => epoch === undefined),
    );
    assert.ok(own.slice(mark).every(({ epoch }) => epoch === undefined || epoch < after.epoch));
    network.heal();
    await until(
      "it knows",
      () => ownerAt(before.number),
      ({ epoch }) => epoch >= after.epoch,
    );
    // What it had kept for the third has arrived there, and was refused.
    await until(
      "nothing waits",
      async () => (await view(homeOf(before.number))).boxes.filter(({ inward }: { inward: boolean }) => !inward),
      (boxes) => boxes.every(({ waiting }: { waiting: number }) => waiting === 0),
    );
    await until(
      "calls of the one that is back arrive by the new epoch",
      () => saidBy(before.number).slice(-3),
      (last) => last.length === 3 && last.every(({ epoch = 0 }) => epoch >= after.epoch),
    );
    judge();
    const audit = await unumAt(2, "audit", "--json");
    assert.match(audit, new RegExp(`owner of ledger, epoch ${before.epoch}`), "what was refused is written down");
  });

  it("is replaced where nothing that the owner says arrives, though it hears all", async () => {
    const before = await ownerAt(2);
    await written(before.epoch);
    for (const other of ALL.filter((each) => each !== before.number)) network.cut(hostOf(before.number), hostOf(other));
    const after = await until(
      "another owns it",
      () => ownerAt(2),
      ({ epoch }) => epoch > before.epoch,
    );
    assert.notEqual(after.number, before.number);
    await written(after.epoch);
    network.heal();
    await until(
      "it knows",
      () => ownerAt(before.number),
      ({ epoch }) => epoch >= after.epoch,
    );
    await written((await ownerAt(2)).epoch, 10);
    judge();
  });

  it("has one again after a third of all packets was lost for long", async () => {
    network.lose(30);
    const before = epochs().length;
    await until(
      "letters arrive",
      () => epochs().length,
      (count) => count >= before + 20,
    );
    network.heal();
    const { epoch } = await until(
      "all agree",
      async () => {
        const found = await Promise.all(ALL.map((number) => ownerAt(number)));
        return { epoch: found[0]?.epoch ?? 0, same: new Set(found.map((each) => `${each.number} ${each.epoch}`)).size };
      },
      ({ same }) => same === 1,
    );
    await written(epoch);
    judge();
  });
});
