// What the bench of governors found out, as text and as JSON.

import type { Machine } from "../harness/machine.ts";
import { markdown, number, range } from "../harness/table.ts";
import { type Figure, type RowResult, spreadIn, verdictIn } from "./figure.ts";

export interface Report {
  readonly method: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly rows: readonly RowResult[];
}

export function reportOf({ method, machine, rounds, rows }: Report): string {
  const { processor, processors, memoryGb, kernel, versions, at } = machine;
  const used = ["node", "unum", "moleculer"].map((name) => `${name} ${versions[name]}`).join(", ");
  const computer = `${processor}, ${processors} processors, ${memoryGb} GB, ${kernel}; ${used}; ${at.slice(0, 10)}`;
  const lines = rows.flatMap(({ row, load, outcome }) => {
    const loads = load.map((value) => value.toFixed(1)).join("–");
    if (outcome.kind === "refused") return [[row, loads, `refused: ${outcome.reason.split("\n")[0]}`, "", "", ""]];
    return outcome.figures.map((figure) => [row, loads, ...cells(figure)]);
  });
  const head = ["row", "load", "what", "median (least–most)", "goal", ""];
  return `${method}\n\n${rounds} rounds. ${computer}.\n\n${markdown(head, lines)}`;
}

function cells(figure: Figure): string[] {
  const { says, unit, goal } = figure;
  const asked = goal === undefined ? "–" : `${goal.bound} ${number(goal.value)} ${unit}`;
  return [says, `${range(spreadIn(figure))} ${unit}`, asked, verdictIn(figure) ?? ""];
}

export function jsonOf({ rows, ...rest }: Report): string {
  const plain = rows.map(({ outcome, ...row }) => ({
    ...row,
    ...(outcome.kind === "refused"
      ? { refused: outcome.reason }
      : {
          figures: outcome.figures.map((figure) => ({
            ...figure,
            ...spreadIn(figure),
            ...(figure.goal === undefined ? {} : { verdict: verdictIn(figure) }),
          })),
        }),
  }));
  return JSON.stringify({ ...rest, rows: plain }, null, 2);
}
