// A node's status as tables: its components, its containers, who serves what, and other nodes.

import type { ContainerStatus, NodeStatus, Peer } from "../messages/gen/unum/control/v1/node_pb.ts";
import { formatMs } from "./duration.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { shortNames } from "./node-names.ts";
import { coloured, type Format, formatLong, type Look, percent } from "./node-text.ts";
import { plain } from "./plain-text.ts";
import { formatSize } from "./size.ts";
import { type Column, cut, table } from "./table.ts";

const STATE_COLOURS: Readonly<Record<string, Format>> = {
  starting: "cyan",
  serving: "green",
  suspected: "red",
  draining: "yellow",
  alive: "green",
  suspect: "yellow",
  dead: "red",
};

const COMPONENTS: readonly Column[] = [
  { title: "COMPONENT", least: 24 },
  { title: "VERSION", least: 7 },
  { title: "CONTAINERS", align: "right" },
  { title: "AT A TIME", align: "right" },
  { title: "BUDGET", align: "right" },
];

const BOXES: readonly Column[] = [
  { title: "MESSAGES", least: 12 },
  { title: "WAITING", align: "right" },
  { title: "SIZE", align: "right" },
  { title: "REFUSED", align: "right" },
];

/** What the containers serve, and what the folder offers besides. */
export function componentLines(
  status: NodeStatus,
  offers: readonly { contract: string; version: string }[],
  look: Look,
): readonly string[] {
  const rows = new Map<string, { containers: number; atATime: string; budget: string }>();
  for (const { contract, version } of offers) {
    rows.set(`${contract} ${version}`, { containers: 0, atATime: "", budget: "" });
  }
  for (const { components, state } of status.containers) {
    for (const { contract, version, concurrency, budgetMs } of components) {
      const key = `${contract} ${version}`;
      const containers = (rows.get(key)?.containers ?? 0) + (state === "serving" ? 1 : 0);
      rows.set(key, { containers, atATime: String(concurrency), budget: formatMs(budgetMs) });
    }
  }
  if (rows.size === 0) return ["no component is served"];
  const texts = [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { containers, atATime, budget }]) => [...key.split(" "), String(containers), atATime, budget]);
  return table(COMPONENTS, texts, titled(look));
}

/** `rates`: calls per second by container, where they are known. */
export function containerLines(
  { id: own, containers }: NodeStatus,
  look: Look,
  rates: ReadonlyMap<string, number> = new Map(),
  elsewhere: readonly Elsewhere[] = [],
): readonly string[] {
  const all = [...containers.map((container) => ({ node: own, container })), ...elsewhere];
  if (all.length === 0) return ["no container runs"];
  const short = shortNames(all.map(({ container }) => container.id));
  const shortNode = shortNames([...new Set(all.map(({ node }) => node))]);
  const cells = all.map(({ node, container }) => [
    elsewhere.length === 0 ? "" : shortNode(node),
    ...cellsOf(container, short(container.id), rates.get(container.id), look),
  ]);
  // What nobody measures is left out.
  const filled = CONTAINERS.map((_, index) => cells.some((row) => row[index] !== ""));
  const kept = <T>(row: readonly T[]) => row.filter((_, index) => filled[index]);
  const reasons = containers.filter(({ reason }) => reason !== "");
  return [
    ...table(kept(CONTAINERS), cells.map(kept), titled(look)),
    ...reasons.map(({ id, state, reason }) => cutTo(look, `  ${short(id)} ${state}: ${plain(reason)}`)),
  ];
}

const CONTAINERS: readonly Column[] = [
  { title: "NODE" },
  { title: "CONTAINER" },
  { title: "PROGRAM", spare: 5 },
  { title: "STATE" },
  { title: "PID", align: "right", spare: 4 },
  { title: "UP", align: "right", spare: 2 },
  { title: "MEMORY", align: "right" },
  { title: "CPU", align: "right", spare: 1 },
  { title: "RUN", align: "right" },
  { title: "WAIT", align: "right" },
  { title: "FREE", align: "right" },
  { title: "DONE", align: "right", spare: 3 },
  { title: "/S", align: "right" },
];

function cellsOf(
  { program, state, pid, upMs, memoryBytes, memoryLimitBytes, cpuPermille, cpuLimitPermille, load }: ContainerStatus,
  name: string,
  rate: number | undefined,
  { paint }: Look,
): readonly string[] {
  return [
    name,
    program,
    coloured(paint, STATE_COLOURS, state),
    pid === 0 ? "" : String(pid),
    pid === 0 ? "" : formatLong(upMs),
    memoryBytes === 0n
      ? ""
      : ofLimit(formatSize(Number(memoryBytes)), formatSize(Number(memoryLimitBytes)), memoryLimitBytes > 0n),
    cpuPermille === 0 && cpuLimitPermille === 0
      ? ""
      : ofLimit(percent(cpuPermille), percent(cpuLimitPermille), cpuLimitPermille > 0),
    ...[load?.running, load?.waiting, load?.free, load?.done].map((count) => String(count ?? "")),
    rate === undefined ? "" : rate > 0 && rate < 10 ? rate.toFixed(1) : String(Math.round(rate)),
  ];
}

function ofLimit(used: string, limit: string, isLimited: boolean): string {
  return isLimited ? `${used} of ${limit}` : used;
}

/** Which container serves what: a line for each component. */
export function servedLines(
  { containers: own }: NodeStatus,
  look: Look,
  elsewhere: readonly Elsewhere[] = [],
): readonly string[] {
  const containers = [...own, ...elsewhere.map(({ container }) => container)];
  const short = shortNames(containers.map(({ id }) => id));
  const rows = containers.flatMap(({ id, components }) =>
    components.map(({ contract, version, concurrency }) => [short(id), contract, version, String(concurrency)]),
  );
  return rows.length === 0 ? [] : table(SERVED, rows, titled(look));
}

const SERVED: readonly Column[] = [
  { title: "CONTAINER" },
  { title: "SERVES", least: 24 },
  { title: "VERSION", least: 7 },
  { title: "AT A TIME", align: "right" },
];

const PEERS: readonly Column[] = [
  { title: "NODE" },
  { title: "STATE" },
  { title: "SINCE", align: "right" },
  { title: "CONTAINERS", align: "right" },
  { title: "DOOR", least: 16 },
];

/** Durable messages that wait: for nodes that are away or behind, and from them for containers here. */
export function boxLines({ boxes, limits, peers, id }: NodeStatus, look: Look): readonly string[] {
  const filled = boxes.filter(({ waiting, refused }) => waiting > 0 || refused > 0n);
  if (filled.length === 0) return [];
  const short = shortNames([id, ...peers.map((peer) => peer.id), ...filled.map(({ node }) => node)]);
  const most = [limits?.outboxMessages ?? 0, formatSize(Number(limits?.outboxBytes ?? 0n))] as const;
  const rows = filled.map(({ node, inward, waiting, bytes, refused }) => [
    `${inward ? "from" : "for"} ${short(node)}`,
    `${waiting} of ${most[0]}`,
    `${formatSize(Number(bytes))} of ${most[1]}`,
    refused === 0n ? "" : look.paint("yellow", String(refused)),
  ]);
  return table(BOXES, rows, titled(look));
}

export function peerLines({ id, peers }: NodeStatus, look: Look): readonly string[] {
  const others = peers.filter((peer) => peer.id !== id);
  if (others.length === 0) return [];
  const short = shortNames([id, ...others.map((peer) => peer.id)]);
  const rows = others.map(({ id: peer, state, sinceMs, containers, doors }: Peer) => [
    ...[short(peer), coloured(look.paint, STATE_COLOURS, state), formatLong(sinceMs), String(containers)],
    doors.find((door) => !door.startsWith("ipc:")) ?? doors[0] ?? "",
  ]);
  return table(PEERS, rows, titled(look));
}

function cutTo({ width }: Look, text: string): string {
  return width === undefined ? text : cut(text, width);
}

function titled({ paint, width }: Look) {
  return { width, title: (text: string) => paint("dim", text) };
}
