// Events as bytes and back. The first byte is the kind; numbers are as ByteWriter writes them. Format 1.

import { ByteReader, type ByteWriter } from "./byte-writer.ts";
import type { Control, Delivery, FlowEvent } from "./events.ts";

export const FORMAT = 1;

const KINDS = [
  "submitted",
  "leased",
  "completed",
  "failed",
  "ended",
  "joined",
  "gathered",
  "revived",
  "control",
  "undo",
] as const;
const CODES: Readonly<Record<FlowEvent["kind"], number>> = {
  ...{
    submitted: 0,
    leased: 1,
    completed: 2,
    failed: 3,
    ended: 4,
    joined: 5,
    gathered: 6,
    revived: 7,
    control: 8,
    undo: 9,
  },
};
const ENDS = ["dead", "expired", "cancelled", "done"] as const;
const NOTHING: Uint8Array = new Uint8Array(0);

export function writeEvent(to: ByteWriter, event: FlowEvent): void {
  to.byte(CODES[event.kind]);
  to.number(event.at);
  switch (event.kind) {
    case "submitted":
      to.number(event.node);
      to.text(event.key);
      return writeDeliveries(to, event.deliveries);
    case "leased":
    case "revived":
      return to.number(event.task);
    case "completed":
      to.number(event.task);
      to.byte((event.split ? 1 : 0) | (event.undo === undefined ? 0 : 2));
      if (event.undo !== undefined) to.bytes(event.undo);
      return writeDeliveries(to, event.deliveries);
    case "failed":
      to.number(event.task);
      to.byte(event.cause === "fail" ? 0 : 1);
      to.number(event.retryAt);
      return to.text(event.reason);
    case "ended":
      to.number(event.task);
      to.byte(ENDS.indexOf(event.as));
      return to.text(event.reason);
    case "joined":
      to.number(event.task);
      to.byte(event.split ? 1 : 0);
      return writeDeliveries(to, event.deliveries);
    case "gathered":
      to.number(event.node);
      to.number(event.taken);
      to.number(event.results.length);
      for (const result of event.results) writeDeliveries(to, result);
      return;
    case "undo":
      to.number(event.task);
      to.number(event.retryAt);
      return to.text(event.reason);
    case "control":
      return to.text(JSON.stringify(event.control));
  }
}

function writeDeliveries(to: ByteWriter, deliveries: readonly Delivery[]): void {
  to.number(deliveries.length);
  let before: Uint8Array | undefined;
  for (const { edge, value, reason } of deliveries) {
    // What fans out is one value many times: written once.
    const same = value === before;
    to.number((edge + 1) * 2 + (same ? 1 : 0));
    if (!same) to.bytes(value);
    if (edge < 0) to.text(reason);
    before = value;
  }
}

/** Throws a RangeError where the bytes are no events. Values are views of `bytes`. */
export function* readEvents(bytes: Uint8Array): Generator<FlowEvent> {
  const from = new ByteReader(bytes);
  while (!from.done) yield readEvent(from);
}

function readEvent(from: ByteReader): FlowEvent {
  const code = from.byte();
  const kind = KINDS[code];
  const at = from.number();
  switch (kind) {
    case "submitted":
      return { kind, at, node: from.number(), key: from.text(), deliveries: readDeliveries(from) };
    case "leased":
    case "revived":
      return { kind, at, task: from.number() };
    case "completed": {
      const task = from.number();
      const flags = from.byte();
      const undo = flags & 2 ? from.bytes() : undefined;
      return { kind, at, task, split: (flags & 1) === 1, undo, deliveries: readDeliveries(from) };
    }
    case "failed": {
      const task = from.number();
      const cause = from.byte() === 0 ? "fail" : "time out";
      const retryAt = from.number();
      return { kind, at, task, cause, retryAt, reason: from.text() };
    }
    case "ended": {
      const task = from.number();
      const as = ENDS[from.byte()];
      if (as === undefined) throw new RangeError("an item ended in a way that this version does not know");
      return { kind, at, task, as, reason: from.text() };
    }
    case "joined": {
      const task = from.number();
      const split = from.byte() === 1;
      return { kind, at, task, split, deliveries: readDeliveries(from) };
    }
    case "gathered": {
      const node = from.number();
      const taken = from.number();
      const results = Array.from({ length: from.number() }, () => readDeliveries(from));
      return { kind, at, node, taken, results };
    }
    case "undo":
      return { kind, at, task: from.number(), retryAt: from.number(), reason: from.text() };
    case "control":
      // Written here as one of its kinds, and under a checksum.
      return { kind, at, control: JSON.parse(from.text()) as Control };
    default:
      throw new RangeError(`an event has the kind ${code}, which this version does not know`);
  }
}

function readDeliveries(from: ByteReader): Delivery[] {
  const count = from.number();
  const deliveries: Delivery[] = [];
  let before = NOTHING;
  for (let index = 0; index < count; index++) {
    const head = from.number();
    const edge = Math.floor(head / 2) - 1;
    const value = head % 2 === 1 ? before : from.bytes();
    before = value;
    deliveries.push({ edge, value: value.length === 0 ? NOTHING : value, reason: edge < 0 ? from.text() : "" });
  }
  return deliveries;
}
