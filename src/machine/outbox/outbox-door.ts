// The outbox's answers at a node's door: unum.machine.v1.Outbox.

import { type Component, component } from "../../container/component.ts";
import { Outbox } from "../../messages/gen/unum/machine/v1/outbox_pb.ts";
import type { PostOffice } from "./post-office.ts";

export function outboxDoorOf(office: PostOffice, node: string): Component {
  return component(Outbox, {
    keep: async ({ node: to, ttlUs, message, supersede, id, ...asked }) => {
      const ttlMs = ttlUs === 0n ? Number.POSITIVE_INFINITY : Number(ttlUs) / 1_000;
      await office.keep({ node: to, to: asked.to, message, ttlMs, supersede, id });
      return { keeper: node };
    },
    handOver: (bundle, { msLeft }) => office.takeBundle(bundle, msLeft),
  });
}
