// Deliberate mistakes in the code of machines: a second copy of it in which a piece of text is replaced as it loads.
//
// As for nodes (../nodes/planted-node-bugs.ts): a piece that is not there exactly once is an error, and must be planted anew.

import { registerHooks } from "node:module";
import { PLANTED_OWNER_BUGS } from "../owners/planted-owner-bugs.ts";
import type { MachineCode } from "./machine-code.ts";

export interface PlantedMachineBug {
  readonly name: string;
  /** In src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Numbers of the invariants that may find it. */
  readonly breaks: readonly number[];
  /** Seeds are tried from here on; it only saves time. */
  readonly from?: number;
}

export const PLANTED_MACHINE_BUGS: readonly PlantedMachineBug[] = [
  {
    name: "what remains of a message's time is not told on its way",
    file: "machine/outbox/forwarding.ts",
    find: "return expiresAt === Number.POSITIVE_INFINITY ? 0n",
    replace: "return expiresAt > 0 ? 0n",
    from: 20,
    breaks: [30],
  },
  {
    name: "what was handed over already is not known",
    file: "machine/outbox/post-office.ts",
    find: "let upTo = BigInt(spool.mark);",
    replace: "let upTo = 0n;",
    from: 40,
    breaks: [32],
  },
  {
    name: "a message is acknowledged before it is on disk",
    file: "outbox/spool.ts",
    find: "this.#pending.push({ fresh, sequence, done, failed: reject });",
    replace: "this.#pending.push({ fresh, sequence, done, failed: reject }); resolve(sequence);",
    breaks: [31],
  },
  {
    name: "a segment is removed though something in it lives",
    file: "outbox/segment-files.ts",
    find: "if (live > 0 || number === this.#current?.number) break;",
    replace: "if (live > 1e9 || number === this.#current?.number) break;",
    from: 8,
    breaks: [31],
  },
  {
    name: "what is read back comes the wrong way round",
    file: "outbox/spool.ts",
    find: "    return messages;",
    replace: "    return messages.reverse();",
    from: 125,
    breaks: [33],
  },
  {
    name: "messages are gone though nobody said that they arrived",
    file: "machine/outbox/forwarding.ts",
    find: "tally.passed += done.size;",
    replace: "for (const { sequence } of items) done.add(sequence);",
    breaks: [31],
  },
  {
    name: "numbers begin anew after a restart",
    file: "outbox/spool.ts",
    find: "this.#sequence = found.sequence;",
    replace: "this.#sequence = 0;",
    breaks: [31],
  },
  {
    name: "a container begins again what it has done already",
    file: "container/deliveries.ts",
    find: "let at = items.findIndex(({ number }) => Number(number) > queue.last);",
    replace: "let at = 0;",
    from: 195,
    breaks: [32],
  },
  {
    name: "of two records written at the same time each node keeps the one that it heard first",
    file: "machine/records/record-set.ts",
    find: "const wins = compareRecords(fresh, present) > 0;",
    replace: "const wins = fresh.record.counter > present.record.counter;",
    breaks: [34, 35],
  },
  {
    name: "a program that should stop when it is cut off goes on",
    file: "machine/disconnection/policy.ts",
    find: "if (silentMs >= policy.afterMs) {",
    replace: "if (silentMs >= policy.afterMs * 1e6) {",
    from: 45,
    breaks: [36],
  },
  {
    name: "a controller counts as reached when it is asked",
    file: "machine/exchange.ts",
    find: "const askedAt = env.clock.now();",
    replace: "const askedAt = env.clock.now(); machine.silence.reached(askedAt);",
    from: 45,
    breaks: [36],
  },
  {
    name: "a program that should go on when it is cut off stops",
    file: "machine/disconnection/policy.ts",
    find: 'if (policy.policy !== "stop-after") return',
    replace: 'if (policy.policy !== "stop-after" && silentMs < policy.afterMs) return',
    breaks: [37],
  },
  {
    name: "what was stopped while cut off never resumes",
    file: "machine/disconnection/policy.ts",
    find: 'if (stoppedUnder === record && policy.onReturn === "stop") {',
    replace: "if (stoppedUnder === record) {",
    breaks: [35],
  },
  {
    name: "what is not wanted any more is served on",
    file: "machine/life/life.ts",
    find: 'if (served !== undefined) return { state: "stopping", step: { kind: "withdraw" }, digest: "" };',
    replace: 'if (served !== undefined) return { state: "stopping", step: { kind: "none" }, digest: "" };',
    breaks: [35, 36],
  },
];

/** A mark is its place here. */
const ALL_BUGS: readonly PlantedMachineBug[] = [...PLANTED_MACHINE_BUGS, ...PLANTED_OWNER_BUGS];
const SRC = new URL("../../../src/", import.meta.url).href;
const MARK = /\?planted-machine=(\d+)$/;
/** What a planted copy has of its own; all else it shares with this one, classes that are told apart by identity above all. */
const COPIED = /\/src\/(?:outbox|machine|container\/(?:deliveries|fence))/;
let hooked = false;

/** The code with that mistake. */
export async function plantedMachineCode(bug: PlantedMachineBug): Promise<MachineCode> {
  hook();
  const load = (path: string) => import(`${SRC}${path}?planted-machine=${ALL_BUGS.indexOf(bug)}`);
  const [{ MachineNode }, { Neighbours }, { PostOffice }, { Deliveries }, { Fence }] = await Promise.all([
    load("machine/machine-node.ts"),
    load("machine/neighbours.ts"),
    load("machine/outbox/post-office.ts"),
    load("container/deliveries.ts"),
    load("container/fence.ts"),
  ]);
  return { MachineNode, Neighbours, PostOffice, Deliveries, Fence };
}

/** What a planted copy imports from the copied folders is of the same copy. */
function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const [mark] = MARK.exec(context.parentURL ?? "") ?? [];
      const isCopied = COPIED.test(resolved.url) && !resolved.url.includes("?");
      return mark === undefined || !isCopied ? resolved : { ...resolved, url: resolved.url + mark };
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const bug = ALL_BUGS[Number(MARK.exec(url)?.[1] ?? Number.NaN)];
      if (bug === undefined || !url.startsWith(`${SRC}${bug.file}?`)) return loaded;
      return { ...loaded, source: plant(bug, String(loaded.source)) };
    },
  });
}

function plant({ name, file, find, replace }: PlantedMachineBug, source: string): string {
  const pieces = source.split(find);
  if (pieces.length === 2) return pieces.join(replace);
  throw new Error(`'${name}' cannot be planted: ${file} has its text ${pieces.length - 1} times; write it anew`);
}
