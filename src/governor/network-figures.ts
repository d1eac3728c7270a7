// What a node's membership of its network has counted, as figures.

import type { MembershipStats } from "../discovery/options.ts";
import { counter, type Family, gauge, joined } from "../plugins/figures/family.ts";

export function networkFigures(stats: MembershipStats): readonly Family[] {
  const nodes = (state: string, count: number) =>
    gauge("unum_nodes", "Nodes of the network that are remembered, by state.", count, { state });
  const bytes = (what: string, way: string, count: number) =>
    counter("unum_gossip_bytes_total", "Bytes of datagrams, and of tables exchanged through doors.", count, {
      what,
      way,
    });
  const event = (what: string, count: number) =>
    counter("unum_gossip_events_total", "What a membership did and saw.", count, { what });
  return joined([
    nodes("alive", stats.alive),
    nodes("suspect", stats.suspect),
    nodes("dead", stats.dead),
    nodes("left", stats.left),
    bytes("datagrams", "out", stats.sentBytes),
    bytes("datagrams", "in", stats.receivedBytes),
    bytes("tables", "out", stats.syncBytes),
    event("probe", stats.probes),
    event("indirect_probe", stats.indirectProbes),
    event("failed_probe", stats.failedProbes),
    event("suspicion", stats.suspicions),
    event("death", stats.deaths),
    event("refutation", stats.refutations),
    event("sync", stats.syncs),
    event("failed_sync", stats.failedSyncs),
    gauge("unum_gossip_local_health", "How late this node's own probes are: 0 healthy, 8 worst.", stats.localHealth),
    gauge("unum_gossip_pressure", "By how much the budget of bytes stretches the time between probes.", stats.pressure),
    gauge("unum_gossip_waiting", "Rumours that wait to be told.", stats.waitingRumours),
  ]);
}
