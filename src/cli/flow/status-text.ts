// How a run stands, in lines for a terminal and as JSON.

import type { RunStatus } from "../../flows/index.ts";
import { formatMs } from "../duration.ts";
import { type Column, table } from "../table.ts";
import type { Terminal } from "../terminal.ts";

type Status = Omit<RunStatus, "$typeName" | "$unknown">;

/** The same with numbers instead of big ones. */
export function statusJson(status: Status): object {
  return JSON.parse(
    JSON.stringify(status, (key, value) => {
      // How far a step is that has not said so is not known: it is left out.
      if (key === "$typeName" || (key === "progress" && value < 0)) return undefined;
      return typeof value === "bigint" ? Number(value) : value;
    }),
  );
}

const COLUMNS: readonly Column[] = [
  { title: "NODE", least: 12 },
  { title: "WAITING", align: "right" },
  { title: "RUNNING", align: "right" },
  { title: "RETRYING", align: "right", spare: 2 },
  { title: "DONE", align: "right" },
  { title: "FAILURES", align: "right", spare: 1 },
  { title: "DEAD", align: "right" },
  { title: "", least: 4 },
];

export interface Speed {
  /** Items that ended in a second. */
  readonly perSecond: number;
  /** Ms until all that came in will have ended; undefined: not known. */
  readonly leftMs: number | undefined;
}

export function statusLines(
  status: Status,
  look: { paint: Terminal["paint"]; width: number | undefined },
  speed?: Speed,
): readonly string[] {
  const { paint, width } = look;
  const count = (value: bigint, format: "red" | "yellow" | "dim" = "dim") =>
    value === 0n ? paint("dim", "·") : format === "dim" ? String(value) : paint(format, String(value));
  const rows = status.nodes.map(({ name, kind, waiting, running, retrying, done, failures, dead, held }) => [
    name,
    ...[
      count(waiting),
      count(running),
      count(retrying, "yellow"),
      count(done),
      count(failures, "yellow"),
      count(dead, "red"),
    ],
    held > 0n ? `holds ${held}` : kind === "step" ? bar(done, waiting + running + retrying) : "",
  ]);
  return [
    headline(status, paint, speed),
    ...table(COLUMNS, rows, { width, title: (text) => paint("dim", text) }),
    ...notes(status, paint),
  ];
}

const BAR = 16;

/** Done of what has come. */
function bar(done: bigint, open: bigint): string {
  const all = done + open;
  if (all === 0n) return "";
  const full = Number((done * BigInt(BAR)) / all);
  return "█".repeat(full) + "░".repeat(BAR - full);
}

function headline(
  { run, flow, version, items, ended, dead, undoing, undone, finished, paused, blocked, closed, workers }: Status,
  paint: Terminal["paint"],
  speed?: Speed,
): string {
  const state =
    finished !== ""
      ? paint(finished === "done" ? "green" : "red", finished)
      : blocked
        ? paint("red", "waits for somebody to retry what is dead")
        : paused
          ? paint("yellow", "paused")
          : closed
            ? "running"
            : "running, open for more";
  const rate = speed === undefined || finished !== "" ? "" : `, ${Math.round(speed.perSecond)}/s`;
  const left = speed?.leftMs === undefined || finished !== "" ? "" : `, about ${formatMs(speed.leftMs)} left`;
  const bad = dead === 0n ? "" : `, ${paint("red", `${dead} dead`)}`;
  const back =
    (undoing === 0n ? "" : `, ${paint("yellow", `${undoing} being undone`)}`) +
    (undone === 0n ? "" : `, ${paint("red", `${undone} undone`)}`);
  const by = workers === 0 || finished !== "" ? "" : `, ${workers} ${workers === 1 ? "container" : "containers"}`;
  return `${paint("bold", run)} (${flow} ${version}) ${state}: ${ended} of ${items} items${bad}${back}${rate}${left}${by}`;
}

function notes({ trouble, damage, late, cancelled }: Status, paint: Terminal["paint"]): string[] {
  return [
    ...damage.map((line) => paint("red", `damage: ${line}`)),
    ...(trouble === "" ? [] : [paint("red", trouble)]),
    ...(cancelled === "" ? [] : [paint("red", cancelled)]),
    ...(late === 0n ? [] : [paint("dim", `${late} outcomes came too late and changed nothing`)]),
  ];
}
