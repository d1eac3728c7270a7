// Machines joined by gateways in any shape, circles too, on the pretended network: what calls carry never grows, each has one
// outcome, none runs twice, and nothing is kept of them afterwards.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Later } from "../../test/gen/unum/test/v1/chain_pb.ts";
import { LongWork, Work } from "../../test/gen/unum/test/v1/work_pb.ts";
import { Fault } from "../base/fault.ts";
import { silentLog } from "../base/log.ts";
import { type Random, seededRandom } from "../base/random.ts";
import { newClient } from "../client/client.ts";
import type { Finder } from "../client/finder.ts";
import { component } from "../container/component.ts";
import { type Envelope, HOP_LIMIT, Kind, Scope } from "../messages/envelope.ts";
import { runContainer } from "../node/run-container.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { MemoryNetwork } from "../transports/memory/memory-network.ts";
import type { Address } from "../transports/transport.ts";
import { Forwarding } from "./forwarding.ts";

/** CI asks for more; fewer do not show everything that is asked for below. */
const SEEDS = Math.min(400, Math.max(60, Number(process.env["UNUM_SEEDS"] ?? 60)));
const CALLS = 12;
const LIMIT = 64;
/** What the pretended network's clocks may be wrong by, for each hop. */
const ERROR_MS = 2;
const SEEN = ["value", "result", "stream", "0 gateways", "1 gateways", "2 gateways", "4 gateways"].concat([
  "unknown",
  "cancelled",
  "overloaded",
  "not-found",
]);
const noNetwork = { listen: () => Promise.reject(new Error()), connect: () => Promise.reject(new Error()) };

interface Gate {
  readonly mark: string;
  readonly ends: readonly [number, number];
}

/** What a mistake in a gateway would make of a call that it hands on. */
type Spoil = (request: Envelope) => Envelope;

interface Sent {
  readonly deadline: number;
  readonly scope: Scope;
}

/** What has been seen, so that what is checked was there to be checked. */
type Seen = Map<string, number>;

/** Runs one world; answers with what broke. */
async function run(
  seed: number,
  seen: Seen = new Map(),
  spoil: Spoil = (request) => request,
): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, random: random.fork(), conditions: { delayMs: 1, jitterMs: 1 } });
  const env = { clock, random, log: silentLog, network: noNetwork };
  const machines = 2 + random.below(5);
  const gates = gatesOf(machines, random);
  const broken: string[] = [];
  const sent = new Map<string, Sent>();
  const begun = new Map<string, number>();
  // Some machines serve nothing, so that calls go further.
  const serving = Array.from({ length: machines }, (_, machine) => machine === machines - 1 || random.float() < 0.4);
  const reached = (machine: number, { kind, from, id, deadline, scope, hops }: Envelope) => {
    if (kind !== Kind.CALL) return undefined;
    const call = `${from[0]}/${id}`;
    const first = sent.get(call);
    const path = from.slice(1);
    count(seen, `${path.length} gateways`);
    if (first === undefined) return void broken.push(`${call} was sent by nobody`);
    if (deadline > first.deadline + ERROR_MS * (path.length + 1)) broken.push(`${call} lives longer at ${machine}`);
    if (scope < first.scope) broken.push(`${call} has a wider scope at ${machine}`);
    if (first.scope !== Scope.ANYWHERE && path.length > 0) broken.push(`${call} left its network`);
    if (new Set(path).size !== path.length) broken.push(`${call} passed a gateway twice: ${path}`);
    if (hops !== path.length || hops > HOP_LIMIT) broken.push(`${call}: ${hops} hops, the path has ${path.length}`);
    return undefined;
  };
  const began = ({ from, idempotencyKey }: { from: readonly string[]; idempotencyKey: string }, key: string) => {
    const count = (begun.get(key) ?? 0) + 1;
    begun.set(key, count);
    if (count > 1 && idempotencyKey === "") broken.push(`${key} of ${from[0]} has begun ${count} times`);
  };
  const work = async ({ waitMs, key }: { waitMs: number; key: string }, call: Parameters<typeof began>[0]) => {
    began(call, key);
    await new Promise<void>((resolve) => clock.after(waitMs, resolve));
    return { key };
  };
  const components = [
    component(LongWork, { do: work }, { concurrency: 4 }),
    component(
      Work,
      {
        do: work,
        async *count(request, call) {
          for (let item = 0; item < request.items; item++)
            yield { key: (await work({ ...request, key: `${request.key}.${item}` }, call)).key };
        },
      },
      { concurrency: 4 },
    ),
    component(Later, {
      go: (step, call) => {
        began(call, step.way[0] ?? "");
        return step;
      },
    }),
  ];
  const containers = await Promise.all(
    serving.map((serves, machine) =>
      runContainer({
        ...{
          env,
          id: `k${machine}`,
          components: serves ? components : [],
          transports: [network.transport(`k${machine}`)],
        },
        listen: [`memory://k${machine}`],
        limits: { inbox: 2 },
        admit: (_, request) => reached(machine, request),
      }),
    ),
  );
  const forwardings: Forwarding[] = [];
  for (const { mark, ends } of gates) {
    for (const [from, to] of [ends, [ends[1], ends[0]] as const]) {
      const name = `${mark}-${from}-${to}`;
      const transport = network.transport(name);
      const forwarding = new Forwarding({
        ...{ env, mark, limit: LIMIT, finder: finderOf(to, gates), lacking: () => {} },
        transport: {
          ...transport,
          schemes: transport.schemes,
          send: (at, request) => transport.send(at, spoil(request)),
        },
      });
      forwardings.push(forwarding);
      await network.transport(`${name}-in`).listen(`memory://${name}`, forwarding.receive);
    }
  }
  const transport = network.transport("caller");
  const client = newClient({
    env,
    id: "caller",
    to: finderOf(0, gates),
    transports: [
      {
        ...{ schemes: transport.schemes, listen: () => undefined, close: () => transport.close() },
        send: (at, request) => {
          const { id, deadline, scope } = request;
          if (request.kind === Kind.CALL) sent.set(`caller/${id}`, { deadline, scope });
          return transport.send(at, request);
        },
      },
    ],
  });
  const outcomes: Promise<string>[] = [];
  for (let call = 0; call < CALLS; call++) outcomes.push(startCall(client, call, random, seen));
  for (let fault = 0; fault < 4; fault++)
    clock.after(random.below(400), () => spoilWay(network, gates, machines, random));
  let settled = 0;
  for (const outcome of outcomes) void outcome.then(() => settled++);
  await clock.advance(4_000);
  if (settled < CALLS) broken.push(`${CALLS - settled} calls have no outcome after their time`);
  for (const text of await Promise.all(outcomes.slice(0, settled === CALLS ? CALLS : 0)))
    if (text !== "") broken.push(text);
  await clock.advance(10_000);
  for (const { free } of forwardings) if (free !== LIMIT) broken.push(`a gateway still holds ${LIMIT - free} calls`);
  await Promise.all([client.close(), ...containers.map((each) => each.drain(0))]);
  return broken;
}

/** Every machine is joined to one before it; some to others besides, which makes circles. */
function gatesOf(machines: number, random: Random): readonly Gate[] {
  const tree = Array.from({ length: machines - 1 }, (_, child): [number, number] => [
    random.below(child + 1),
    child + 1,
  ]);
  const more = Array.from({ length: random.below(3) }, (): [number, number] => [
    random.below(machines),
    random.below(machines),
  ]);
  return [...tree, ...more.filter(([one, other]) => one !== other)].map((ends, place) => ({ mark: `g${place}`, ends }));
}

/** Of a machine: its own container, then its gateways; those that lead back are for the gateways to refuse. */
function finderOf(machine: number, gates: readonly Gate[]): Finder {
  const ways = gates.flatMap(({ mark, ends: [one, other] }): Address[] =>
    one === machine
      ? [`memory://${mark}-${one}-${other}`]
      : other === machine
        ? [`memory://${mark}-${other}-${one}`]
        : [],
  );
  const all = ({ scope }: Envelope) => [`memory://k${machine}`, ...(scope === Scope.ANYWHERE ? ways : [])];
  return { all, next: (request, tried) => all(request).find((address) => !tried.has(address)) };
}

/** Settles with what is wrong with its outcome; empty where nothing is. */
async function startCall(
  client: ReturnType<typeof newClient>,
  call: number,
  random: Random,
  seen: Seen,
): Promise<string> {
  const key = `c${call}`;
  const ttlMs = 200 + random.below(2_000);
  const waitMs = random.below(300);
  const withdrawn = new AbortController();
  const scope = random.float() < 0.15 ? ("network" as const) : ("anywhere" as const);
  const options = {
    ttlMs,
    withinMs: random.below(300),
    scope,
    ...(random.float() < 0.2 ? { signal: withdrawn.signal } : {}),
  };
  const kind = random.below(4);
  try {
    if (kind === 0) {
      let next = 0;
      for await (const item of client.of(Work).count({ key, waitMs: 1, items: 5 }, { ...options, credit: 2 })) {
        if (item.key !== `${key}.${next}`) return `${key}: item ${item.key} in place of ${next}`;
        if (++next === 2) withdrawn.abort();
      }
      count(seen, "stream");
      return next === 5 ? "" : `${key} ended after ${next} items`;
    }
    if (kind === 1) {
      const accepted = await client.send(Later.method.go, { way: [key] }, options);
      const { way } = await accepted.result();
      count(seen, "result");
      return way[0] === key ? "" : `${key} has the result of ${way[0]}`;
    }
    const again = kind === 2 ? { idempotencyKey: key } : {};
    const asked = client.of(kind === 2 ? Work : LongWork).do({ key, waitMs }, { ...options, ...again });
    if (random.float() < 0.2) withdrawn.abort();
    const reply = await asked;
    count(seen, "value");
    return reply.key === key ? "" : `${key} has the answer of ${reply.key}`;
  } catch (error) {
    if (!(error instanceof Fault)) return `${key} ended with ${error}`;
    count(seen, error.code);
    return "";
  }
}

function count(seen: Seen, what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}

function spoilWay(network: MemoryNetwork, gates: readonly Gate[], machines: number, random: Random): void {
  const { mark, ends } = gates[random.below(gates.length)] ?? { mark: "g0", ends: [0, 1] as const };
  const [from, to] = [`${mark}-${ends[0]}-${ends[1]}`, `k${random.below(machines)}`];
  const pick = random.below(4);
  if (pick === 0) network.set(from, to, { cut: true });
  else if (pick === 1) network.set("caller", `${from}-in`, { lossRate: 0.5, duplicateRate: 0.3 });
  else if (pick === 2) network.set(from, to, { duplicateRate: 0.5, jitterMs: 40 });
  else network.reset(from, to);
}

describe("gateways", () => {
  it(`keep what calls carry, and end each of them, in ${SEEDS} worlds of machines in any shape`, async () => {
    const seen: Seen = new Map();
    for (let seed = 1; seed <= SEEDS; seed++) assert.deepEqual(await run(seed, seen), [], `seed ${seed}`);
    for (const what of SEEN) assert.ok((seen.get(what) ?? 0) > 0, `no ${what} in ${SEEDS} worlds: ${[...seen]}`);
  });

  it("are found out where they let something grow", async () => {
    const mistakes: readonly (readonly [RegExp, Spoil])[] = [
      [/lives longer/, (request) => ({ ...request, deadline: request.deadline + 50 })],
      [/hops, the path has/, (request) => ({ ...request, hops: 0 })],
      [/passed a gateway twice/, (request) => ({ ...request, from: [...request.from, request.from.at(-1) ?? ""] })],
      [/was sent by nobody/, (request) => ({ ...request, from: request.from.slice(1) })],
    ];
    for (const [says, spoil] of mistakes) {
      const found: string[] = [];
      for (let seed = 1; seed <= 20 && !found.some((text) => says.test(text)); seed++)
        found.push(...(await run(seed, new Map(), spoil)));
      assert.ok(
        found.some((text) => says.test(text)),
        `${says} in ${found.slice(0, 5)}`,
      );
    }
  });
});
