// A node's status as text: who it is, what of it is in use, and what happened lately. Its tables are in node-tables.ts.

import type { ContainerStatus, Event, NodeLimits, NodeStatus } from "../messages/gen/unum/control/v1/node_pb.ts";
import { shown } from "./failure-text.ts";
import { plain } from "./plain-text.ts";
import { formatSize } from "./size.ts";
import { cut } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export interface Look {
  readonly paint: Terminal["paint"];
  /** Characters of a line; undefined where nothing is cut. */
  readonly width: number | undefined;
}

export type Format = Parameters<Terminal["paint"]>[0];

const LEVEL_COLOURS: Readonly<Record<string, Format>> = { debug: "gray", info: "cyan", warn: "yellow", error: "red" };

/** `keeper`: the process that keeps the governor, where it is known. */
export function headLines(status: NodeStatus, keeper: number | undefined, { paint, width }: Look): readonly string[] {
  const { id, unum, upMs, folder, digest, doors, pid, governorRestarts, limits, replacement } = status;
  const again = governorRestarts === 0 ? "" : `, started again ${times(governorRestarts)}`;
  const rows: readonly (readonly [string, string])[] = [
    ...(folder === ""
      ? []
      : [["folder", (shown(folder) || ".") + (digest === "" ? "" : `, state ${digest}`)] as const]),
    ...doors.map((door, index) => [index === 0 ? "door" : "", door] as const),
    ["processes", `governor ${pid}${again}${keeper === undefined ? "" : `, keeper ${keeper}`}`],
    ...(limits === undefined ? [] : [["limits", limitsText(limits)] as const]),
    ["in use", usageText(status)],
    ["calls", callsText(totalOf(status))],
    ...(replacement === "" ? [] : [["change", replacement] as const]),
  ];
  return [
    `node ${paint("bold", id)}, Unum ${unum}, up ${formatLong(upMs)}`,
    ...rows.map(([name, text]) => cut(`  ${name.padEnd(9)}  ${text}`, width ?? Number.POSITIVE_INFINITY)),
  ];
}

export function usageText({ containers }: NodeStatus): string {
  const spares = containers.filter(({ state }) => state === "spare").length;
  const spare = spares === 0 ? "" : ` (${spares} spare)`;
  const memory = containers.reduce((sum, { memoryBytes }) => sum + Number(memoryBytes), 0);
  const cpu = containers.reduce((sum, { cpuPermille }) => sum + cpuPermille, 0);
  // Not every node measures it.
  const busy = cpu === 0 ? "" : `, ${percent(cpu)} of a CPU`;
  return `${counted(containers.length, "container")}${spare}, ${formatSize(memory)}${busy}`;
}

export interface Total {
  readonly running: number;
  readonly waiting: number;
  readonly free: number;
  readonly done: number;
}

export function totalOf({ containers }: NodeStatus): Total {
  const sum = (of: (container: ContainerStatus) => number) => containers.reduce((all, each) => all + of(each), 0);
  return {
    running: sum(({ load }) => load?.running ?? 0),
    waiting: sum(({ load }) => load?.waiting ?? 0),
    // Nobody is sent to one that does not serve.
    free: sum(({ load, state }) => (state === "serving" ? (load?.free ?? 0) : 0)),
    done: sum(({ load }) => Number(load?.done ?? 0)),
  };
}

function callsText({ running, waiting, free, done }: Total): string {
  return `${running} running, ${waiting} waiting, ${free} places free, ${done} done`;
}

function limitsText({ containers, memoryBytes, containerMemoryBytes, spares, inbox }: NodeLimits): string {
  const memory = `${formatSize(Number(memoryBytes))}, ${formatSize(Number(containerMemoryBytes))} each`;
  return `${counted(containers, "container")}, ${memory}, ${counted(spares, "spare")}, inbox ${inbox}`;
}

export function problemLines({ problems }: NodeStatus, { paint }: Look): readonly string[] {
  return problems.map(({ text, retryInMs }) => {
    const again = retryInMs === 0n ? "" : ` (tried again in ${formatLong(retryInMs)})`;
    return `${paint("red", "not served")} ${plain(text)}${again}`;
  });
}

/** As the log writes its lines: level, time of day in UTC, what happened. */
export function eventLine({ atMs, level, text }: Event, paint: Terminal["paint"]): string {
  const time = new Date(Number(atMs)).toISOString().slice(11, 19);
  return `${coloured(paint, LEVEL_COLOURS, level)} ${time} ${plain(text)}`;
}

/** An empty line between those that say something. */
export function sections(all: readonly (readonly string[])[]): string {
  return all
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

/** Of a time that may be long: 3.1 s, 12 min, 5 h, 3 d. */
export function formatLong(ms: bigint | number): string {
  const given = Number(ms);
  if (given < 1_000) return `${Math.round(given)} ms`;
  if (given < 120_000) return `${Math.round(given / 1_000)} s`;
  if (given < 2 * HOUR_MS) return `${Math.round(given / 60_000)} min`;
  return given < 48 * HOUR_MS ? `${Math.round(given / HOUR_MS)} h` : `${Math.round(given / (24 * HOUR_MS))} d`;
}

const HOUR_MS = 3_600_000;

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

export function percent(permille: number): string {
  return `${Math.round(permille / 10)} %`;
}

export function coloured(paint: Terminal["paint"], colours: Readonly<Record<string, Format>>, word: string): string {
  const colour = colours[word];
  return colour === undefined ? word : paint(colour, word);
}
