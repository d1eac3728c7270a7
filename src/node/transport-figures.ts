// What a transport between processes has counted, as figures.

import { counter, type Family, gauge, joined } from "../plugins/figures/family.ts";
import type { ZmtpTransportStats } from "../transports/zmtp/index.ts";

export function transportFigures(all: readonly ZmtpTransportStats[]): readonly Family[] {
  const sum = (of: (stats: ZmtpTransportStats) => number) => all.reduce((total, stats) => total + of(stats), 0);
  const open = (side: string, count: number) => gauge("unum_connections", "Connections that stand.", count, { side });
  const bytes = (way: string, count: number) =>
    counter("unum_wire_bytes_total", "Bytes of connections.", count, { way });
  const queued = (what: string, count: number) =>
    gauge(
      "unum_waiting_for_credit",
      "Calls that wait for a connection or for credit, and replies that wait for credit.",
      count,
      { what },
    );
  const messages = (what: string, way: string, count: number) =>
    counter("unum_wire_messages_total", "Requests, replies and cancels, by the way they went.", count, { what, way });
  const lost = (why: string, count: number) =>
    counter("unum_wire_undone_total", "Calls and replies that came to nothing, by why.", count, { why });
  return joined([
    open(
      "accepted",
      sum(({ accepted }) => accepted),
    ),
    open(
      "dialled",
      sum(({ dialled }) => dialled),
    ),
    queued(
      "calls",
      sum(({ queuedCalls }) => queuedCalls),
    ),
    queued(
      "replies",
      sum(({ queuedReplies }) => queuedReplies),
    ),
    bytes(
      "in",
      sum(({ bytesReceived }) => bytesReceived),
    ),
    bytes(
      "out",
      sum(({ bytesSent }) => bytesSent),
    ),
    messages(
      "request",
      "out",
      sum(({ requestsSent }) => requestsSent),
    ),
    messages(
      "request",
      "in",
      sum(({ requestsReceived }) => requestsReceived),
    ),
    messages(
      "reply",
      "out",
      sum(({ repliesSent }) => repliesSent),
    ),
    messages(
      "reply",
      "in",
      sum(({ repliesReceived }) => repliesReceived),
    ),
    messages(
      "cancel",
      "out",
      sum(({ cancelsSent }) => cancelsSent),
    ),
    messages(
      "cancel",
      "in",
      sum(({ cancelsReceived }) => cancelsReceived),
    ),
    lost(
      "stale",
      sum(({ stale }) => stale),
    ),
    lost(
      "expired_unsent",
      sum(({ expiredUnsent }) => expiredUnsent),
    ),
    lost(
      "late_reply",
      sum(({ lateReplies }) => lateReplies),
    ),
    lost(
      "lost_reply",
      sum(({ lostReplies }) => lostReplies),
    ),
    lost(
      "overloaded",
      sum(({ overloaded }) => overloaded),
    ),
    lost(
      "garbage",
      sum(({ garbage }) => garbage),
    ),
    ...byReason(all, "unum_connections_ended_total", "Connections that ended, by reason.", ({ ended }) => ended),
    ...byReason(
      all,
      "unum_connections_refused_total",
      "Peers that were not let in, by reason.",
      ({ refused }) => refused,
    ),
  ]);
}

function byReason(
  all: readonly ZmtpTransportStats[],
  name: string,
  help: string,
  of: (stats: ZmtpTransportStats) => Readonly<Record<string, number>>,
): readonly Family[] {
  const counts = new Map<string, number>();
  for (const stats of all) {
    for (const [reason, count] of Object.entries(of(stats))) counts.set(reason, (counts.get(reason) ?? 0) + count);
  }
  return [...counts].map(([reason, count]) => counter(name, help, count, { reason }));
}
