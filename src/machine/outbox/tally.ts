// What became of the messages of one box, since this process was started.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { BoxViewSchema } from "../../messages/gen/unum/machine/v1/outbox_pb.ts";
import type { Spool } from "../../outbox/spool.ts";
import { counter, type Family, gauge, joined } from "../../plugins/figures/family.ts";

export interface Tally {
  passed: number;
  expired: number;
  superseded: number;
  purged: number;
  refused: number;
  failed: number;
  duplicates: number;
}

export function newTally(): Tally {
  return { passed: 0, expired: 0, superseded: 0, purged: 0, refused: 0, failed: 0, duplicates: 0 };
}

export type Boxed = { readonly node: string; readonly inward: boolean; readonly spool: Spool; readonly tally: Tally };

export function boxView({ node, inward, spool, tally }: Boxed): MessageInitShape<typeof BoxViewSchema> {
  const counts = Object.fromEntries(Object.entries(tally).map(([name, count]) => [name, BigInt(count)]));
  return { node, inward, waiting: spool.box.items, bytes: BigInt(spool.box.bytes), ...counts };
}

export function boxStatus({ node, inward, spool: { box }, tally }: Boxed) {
  return { node, inward, waiting: box.items, bytes: BigInt(box.bytes), refused: BigInt(tally.refused) };
}

export function boxFigures(boxes: readonly Boxed[]): readonly Family[] {
  return joined(
    boxes.flatMap(({ node, inward, spool: { box }, tally }) => {
      const labels = { peer: node, way: inward ? "in" : "out" };
      return [
        gauge(
          "unum_outbox_messages",
          "Messages kept for a node (out), or from it for containers here (in).",
          box.items,
          labels,
        ),
        gauge("unum_outbox_bytes", "Bytes of those messages.", box.bytes, labels),
        ...Object.entries(tally).map(([outcome, count]) =>
          counter("unum_outbox_outcomes_total", "What became of messages that were kept.", count, {
            ...labels,
            outcome,
          }),
        ),
      ];
    }),
  );
}
