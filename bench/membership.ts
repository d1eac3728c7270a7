// The benchmark of membership: what it costs to know each other, how soon a crash is known, and how often somebody is
// wrongly counted as dead. The real code on the pretended network, so the figures are of the protocol and not of this
// computer, except for the processor's time. `npm run bench -- membership --help` says how to run it.

import { parseArgs } from "node:util";
import { entryOf, type SimulatedNode, World } from "../test/discovery/world.ts";
import { type Machine, thisMachine } from "./harness/machine.ts";

const HELP = `usage: npm run bench -- membership [options]

Bytes per second and node, time from a crash to its being known, and false deaths where 30 % of datagrams are lost.

  --quick         10 and 100 nodes, and less of everything
  --nodes A,B     numbers of nodes (default 10,100,1000; 1000 takes some minutes and 2 GB)
  --json          everything that was measured, on standard output
  --help          this text`;

/** With more, finding each other takes longer than all that is measured afterwards: they are brought together. */
const FIND_EACH_OTHER = 200;

const METHOD = `The real code on a pretended network (delay 0.2 to 2 ms) and a virtual clock, default settings, one container
with two components a node. Bytes are what a node sends in datagrams, headers of IP and UDP included, and what it sends
through doors. "all loads change" means every second on every node. Up to ${FIND_EACH_OTHER} nodes find each other; more are brought together.`;

interface Depth {
  readonly nodes: readonly number[];
  readonly crashes: (nodes: number) => number;
  readonly seconds: (nodes: number) => number;
  readonly lossMinutes: number;
}

interface BytesRow {
  readonly nodes: number;
  readonly loads: "at rest" | "all loads change";
  readonly bytesPerSecond: number;
  readonly mostBytesPerSecond: number;
  readonly syncBytesPerSecond: number;
  /** Age of the loads that one node knows of the others, in seconds. */
  readonly loadAgeP50: number | undefined;
  readonly cpuUsPerNodeSecond: number;
}

interface CrashRow {
  readonly nodes: number;
  readonly crashes: number;
  /** From the crash to the first who suspects, and to the last who counts it as dead, in ms. */
  readonly suspectedP50: number;
  readonly deadP50: number;
  readonly deadMost: number;
}

interface LossRow {
  readonly nodes: number;
  readonly minutes: number;
  readonly suspicions: number;
  readonly falseDeaths: number;
}

interface Result {
  readonly method: string;
  readonly machine: Machine;
  readonly bytes: BytesRow[];
  readonly crashes: CrashRow[];
  readonly loss: LossRow[];
}

async function joined(world: World): Promise<void> {
  const nodes = world.nodes.length;
  if (nodes > FIND_EACH_OTHER) return world.startTogether();
  await world.startAll();
  if (!(await world.until(() => world.converged(), 120_000))) throw new Error(`${nodes} nodes did not find each other`);
}

async function started(nodes: number, seed: number): Promise<World> {
  const world = new World({ seed, nodes, startApartMs: 5 });
  await joined(world);
  // What joining brought: every entry is told by everybody, within the budget.
  await world.clock.advance(10_000 + Math.min(nodes, FIND_EACH_OTHER) * 180);
  return world;
}

async function bytesRows(nodes: number, depth: Depth): Promise<BytesRow[]> {
  const seconds = depth.seconds(nodes);
  const world = await started(nodes, 1);
  const rows = [await bytesRow(world, "at rest", seconds)];
  let load = 0;
  const change = () => {
    load++;
    for (const node of world.nodes) node.membership.update(entryOf(node, load));
    world.clock.after(1_000, change);
  };
  change();
  // The loads of all have been told once by then, as often as the budget allows.
  await world.clock.advance(10_000 + Math.min(nodes, 500) * 80);
  const row = await bytesRow(world, "all loads change", seconds);
  const ages = (world.nodes[0]?.membership.members() ?? [])
    .map(({ entry }) => load - (entry?.containers[0]?.waiting ?? 0))
    .sort((a, b) => a - b);
  rows.push({ ...row, loadAgeP50: ages[ages.length >> 1] });
  await world.close();
  return rows;
}

async function bytesRow(world: World, loads: BytesRow["loads"], seconds: number): Promise<BytesRow> {
  const { nodes } = world;
  const sent = () => nodes.map(({ host }) => world.network.sentBytes(host));
  const synced = () => nodes.reduce((sum, { membership }) => sum + membership.stats().syncBytes, 0);
  const before = { sent: sent(), synced: synced(), cpu: process.cpuUsage() };
  await world.clock.advance(seconds * 1_000);
  const cpu = process.cpuUsage(before.cpu);
  const rates = sent().map((bytes, place) => (bytes - (before.sent[place] ?? 0)) / seconds);
  return {
    nodes: nodes.length,
    loads,
    bytesPerSecond: rates.reduce((sum, rate) => sum + rate, 0) / nodes.length,
    mostBytesPerSecond: Math.max(...rates),
    syncBytesPerSecond: (synced() - before.synced) / seconds / nodes.length,
    loadAgeP50: undefined,
    cpuUsPerNodeSecond: (cpu.user + cpu.system) / seconds / nodes.length,
  };
}

async function crashRow(nodes: number, crashes: number): Promise<CrashRow> {
  const world = new World({ seed: 2, nodes, startApartMs: 5 });
  let victim: SimulatedNode | undefined;
  let suspectedAt = 0;
  let lastDeadAt = 0;
  world.onSighting = ({ of, state, at }) => {
    if (of !== victim?.id) return;
    if (state === "suspect" && suspectedAt === 0) suspectedAt = at;
    if (state === "dead") lastDeadAt = at;
  };
  await joined(world);
  await world.clock.advance(20_000);
  const suspected: number[] = [];
  const dead: number[] = [];
  for (let crash = 0; crash < crashes; crash++) {
    const node = world.nodes[2 + world.random.below(nodes - 2)];
    if (node === undefined) break;
    victim = node;
    suspectedAt = 0;
    const crashedAt = world.clock.now();
    await world.crash(node);
    const known = () => world.living.every(({ membership }) => membership.stats().dead === 1);
    if (!(await world.until(known, 120_000))) throw new Error("a crash was not seen");
    suspected.push(suspectedAt - crashedAt);
    dead.push(lastDeadAt - crashedAt);
    await world.start(node);
    await world.until(() => world.converged(), 60_000);
    // So that the next crash meets the round of probes anywhere.
    await world.clock.advance(2_000 + world.random.below(5_000));
  }
  await world.close();
  const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  const deadP50 = middle(dead);
  return { nodes, crashes, suspectedP50: middle(suspected), deadP50, deadMost: dead.at(-1) ?? Number.NaN };
}

async function lossRow(nodes: number, minutes: number): Promise<LossRow> {
  const world = await started(nodes, 3);
  world.network.weather = { delayMs: [0.2, 2], loss: 0.3, doubled: 0 };
  const count = (of: "suspicions" | "deaths") =>
    world.nodes.reduce((sum, { membership }) => sum + membership.stats()[of], 0);
  const before = { suspicions: count("suspicions"), deaths: count("deaths") };
  await world.clock.advance(minutes * 60_000);
  await world.close();
  const falseDeaths = count("deaths") - before.deaths;
  return { nodes, minutes, suspicions: count("suspicions") - before.suspicions, falseDeaths };
}

async function bench(depth: Depth): Promise<Result> {
  const result: Result = { method: METHOD, machine: thisMachine(), bytes: [], crashes: [], loss: [] };
  for (const nodes of depth.nodes) {
    progress(`bytes, ${nodes} nodes`);
    result.bytes.push(...(await bytesRows(nodes, depth)));
    progress(`crashes, ${nodes} nodes`);
    result.crashes.push(await crashRow(nodes, depth.crashes(nodes)));
    if (nodes > FIND_EACH_OTHER) continue;
    progress(`30 % loss, ${nodes} nodes`);
    result.loss.push(await lossRow(nodes, depth.lossMinutes));
  }
  return result;
}

function progress(what: string): void {
  process.stderr.write(`measuring: ${what} …\n`);
}

function reportOf({ method, machine, bytes, crashes, loss }: Result): string {
  const number = (value: number | undefined) => (value === undefined ? "–" : Math.round(value).toLocaleString("en-US"));
  const seconds = (ms: number) => (ms / 1_000).toFixed(1);
  return [
    `${method}\n\n${machine.processor}, Node ${machine.versions["node"]}, ${machine.at.slice(0, 10)}.`,
    table(
      ["nodes", "", "bytes/s a node", "most of a node", "of tables", "age of loads, s", "CPU µs a node and second"],
      bytes.map((row) => [
        number(row.nodes),
        row.loads,
        number(row.bytesPerSecond + row.syncBytesPerSecond),
        number(row.mostBytesPerSecond),
        number(row.syncBytesPerSecond),
        number(row.loadAgeP50),
        number(row.cpuUsPerNodeSecond),
      ]),
    ),
    table(
      ["nodes", "crashes", "suspected, s (p50)", "known as dead to all, s (p50)", "at most"],
      crashes.map((row) => [
        number(row.nodes),
        number(row.crashes),
        seconds(row.suspectedP50),
        seconds(row.deadP50),
        seconds(row.deadMost),
      ]),
    ),
    table(
      ["nodes", "minutes at 30 % loss", "suspicions held", "false deaths"],
      loss.map((row) => [number(row.nodes), number(row.minutes), number(row.suspicions), number(row.falseDeaths)]),
    ),
  ].join("\n\n");
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...lines.map(row)].join("\n");
}

function readArguments(given: readonly string[]): { json: boolean; help: boolean; depth: Depth } {
  const { values } = parseArgs({
    args: [...given],
    options: {
      quick: { type: "boolean", default: false },
      nodes: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { quick, json, help } = values;
  const nodes = (values.nodes ?? (quick ? "10,100" : "10,100,1000")).split(",").map(Number);
  if (nodes.some((count) => !Number.isInteger(count) || count < 4 || count > 2_000)) {
    throw new Error(`--nodes ${values.nodes}: expected whole numbers of 4 to 2000`);
  }
  const crashes = (count: number) => (count > FIND_EACH_OTHER ? 3 : quick ? 10 : 100);
  const seconds = (count: number) => (quick ? 20 : count > FIND_EACH_OTHER ? 60 : 120);
  return { json, help, depth: { nodes, crashes, seconds, lossMinutes: quick ? 5 : 60 } };
}

async function main(): Promise<number> {
  let given: ReturnType<typeof readArguments>;
  try {
    given = readArguments(process.argv.slice(2));
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : thrown}\n\n${HELP}\n`);
    return 2;
  }
  if (given.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const result = await bench(given.depth);
  process.stdout.write(`${given.json ? JSON.stringify(result, null, 2) : reportOf(result)}\n`);
  return 0;
}

process.exitCode = await main();
