// Deliberate mistakes in the code of machines.

import { type PlantedBug, planted } from "../planting.ts";
import type { MachineCode } from "./machine-code.ts";

export const PLANTED_MACHINE_BUGS: readonly PlantedBug[] = [
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
  {
    name: "what was removed and comes back is not told again",
    file: "machine/machine-node.ts",
    find: "if (tombstone.digest !== known.digest) await this.#takeBack(tombstone);",
    replace: "",
    from: 44,
    breaks: [34],
  },
];

/** Of its own; classes that are told apart by identity lie elsewhere. */
const COPIED = /\/src\/(?:outbox|machine|container\/(?:deliveries|fence))/;

/** The code with that mistake. */
export async function plantedMachineCode(bug: PlantedBug): Promise<MachineCode> {
  const load = planted(bug, COPIED);
  const [{ MachineNode }, { Neighbours }, { PostOffice }, { Deliveries }, { Fence }] = await Promise.all([
    load("machine/machine-node.ts"),
    load("machine/neighbours.ts"),
    load("machine/outbox/post-office.ts"),
    load("container/deliveries.ts"),
    load("container/fence.ts"),
  ]);
  return { MachineNode, Neighbours, PostOffice, Deliveries, Fence };
}
