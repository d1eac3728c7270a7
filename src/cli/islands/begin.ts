// A run from its record to its end: one process conducts it, and says what came of it.

import type { Env } from "../../base/env.ts";
import type { Checkpoint } from "../../islands/archipelago/checkpoint.ts";
import { type Individual, NOT_EVALUATED } from "../../islands/engines/engine.ts";
import type { Problem } from "../../islands/problem.ts";
import { systemEnv } from "../../system/env.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { outputWidth } from "../screen.ts";
import type { Terminal } from "../terminal.ts";
import { conduct, type Ending } from "./conduct.ts";
import { islandTable, liveLine, valueText } from "./figures-text.ts";
import { loadProblem } from "./load-problem.ts";
import { type PlaceFlags, placesFor } from "./places.ts";
import { takePart } from "./presence.ts";
import { specName } from "./problem-spec.ts";
import { holdRun } from "./run-lock.ts";
import { type RunRecord, type RunStore, writeJson } from "./run-store.ts";
import { strayErrors } from "./stray-errors.ts";

interface Beginning {
  readonly record: RunRecord;
  readonly store: RunStore;
  readonly env: Env;
  readonly terminal: Terminal;
  readonly from: Checkpoint | undefined;
  readonly flags: PlaceFlags & { readonly json?: boolean };
}

export async function begin(of: Beginning): Promise<number> {
  const { record, store, env, terminal, from, flags } = of;
  const json = flags.json === true;
  const lock = holdRun(store.folder, record.name, env);
  const presence = await takePart(record, env);
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const stray = flags.inProcess ? strayErrors({ clock: env.clock, late: () => process.exit(EXIT.failed) }) : undefined;
  const say = (text: string) => terminal.say(terminal.redraw === undefined ? text : `\r\u001b[2K${text}`);
  try {
    const ending = await conduct({
      ...{
        record,
        store,
        env,
        from,
        say,
        signal: AbortSignal.any([interrupt.signal, ...(stray === undefined ? [] : [stray.signal])]),
      },
      look: (live) => {
        if (json) terminal.say(JSON.stringify({ live }));
        else terminal.redraw?.(liveLine(live));
      },
      places: async (told) => {
        const places = await placesFor({ record, store, env, flags, told });
        const { islands, engines, portfolio, seed } = record.plan;
        const which = `${[...new Set(engines)].join(", ")}${portfolio === undefined ? "" : "; then by what works"}`;
        say(
          `${terminal.tint("bold", record.name)}: ${specName(record.problem)}, seed ${seed}, ${islands.length} ${islands.length === 1 ? "island" : "islands"} (${which}) ${places.where}`,
        );
        return places;
      },
    });
    const result = resultOf(record, ending, await shownBy(record));
    await writeJson(store.objects, "result", result);
    const code = tell(record, ending, result, { terminal, json, interrupted: interrupt.signal.aborted });
    const thrown = stray?.text();
    if (thrown === undefined) return code;
    terminal.say(
      `the problem threw outside of its evaluation, and with --in-process that ends the run: ${thrown}; have evaluate await what it begins, or leave out --in-process`,
    );
    return EXIT.failed;
  } finally {
    terminal.redraw?.("");
    await presence.end();
    store.close();
    lock.release();
    interrupt.release();
    stray?.release();
  }
}

export interface Result {
  readonly run: string;
  /** `shown`: of a genome of the problem's own, as it says itself. */
  readonly best: { readonly value: number; readonly genes: readonly number[]; readonly shown?: string } | undefined;
  readonly front: readonly { readonly values: readonly number[]; readonly genes: readonly number[] }[];
  readonly epoch: number;
  readonly evaluations: number;
  readonly reachedTarget: boolean;
  readonly stopped: boolean;
  /** SHA-256 of the states of all islands. */
  readonly populations: string;
  readonly seconds: number;
  readonly recoveries: number;
  readonly quarantined: number;
}

/** How the problem's file shows its candidates; undefined where they are rows. */
async function shownBy({ problem, evaluationMs }: RunRecord): Promise<Problem["show"]> {
  if (problem.kind !== "file") return undefined;
  const { show, evaluator } = await loadProblem(problem, { evaluationMs });
  await evaluator.close();
  return show;
}

function resultOf({ name }: RunRecord, { found, live, stopped, populations }: Ending, show: Problem["show"]): Result {
  const { best, front, epoch, evaluations, reachedTarget } = found;
  return {
    run: name,
    best: best === undefined || !isEvaluated(best) ? undefined : bestOf(best, show),
    front: front.map(({ values, genes }) => ({ values: [...values], genes: [...genes] })),
    ...{ epoch, evaluations, reachedTarget, stopped, populations, seconds: live.seconds },
    ...{ recoveries: live.recoveries, quarantined: live.quarantined },
  };
}

/** Of those that could not be evaluated one is the best where none could. */
function isEvaluated({ values }: Individual): boolean {
  return values[0] !== NOT_EVALUATED;
}

function bestOf({ values, genes }: Individual, show: Problem["show"]): Result["best"] {
  const own = { value: values[0] ?? Number.NaN, genes: [...genes] };
  return show === undefined ? own : { ...own, shown: show(genes) };
}

function tell(
  record: RunRecord,
  ending: Ending,
  result: Result,
  {
    terminal,
    json,
    interrupted,
  }: { readonly terminal: Terminal; readonly json: boolean; readonly interrupted: boolean },
): number {
  const { found, live, stopped } = ending;
  const { name, plan } = record;
  const { best } = result;
  if (json) terminal.print(JSON.stringify(result));
  else {
    terminal.redraw?.("");
    for (const line of islandTable(live, { paint: terminal.paint, width: outputWidth() })) terminal.print(line);
    if (found.front.length > 0) terminal.print(`${found.front.length} candidates that none dominates`);
    else if (best !== undefined) {
      terminal.print(`best ${valueText(best.value)} at ${best.shown ?? `[${shownGenes(best.genes)}]`}`);
    }
    terminal.print(
      `${found.evaluations} evaluations in ${formatMs(live.seconds * 1_000)}, epoch ${found.epoch}${live.recoveries > 0 ? `, ${live.recoveries} recoveries` : ""}${live.quarantined > 0 ? `, ${live.quarantined} quarantined` : ""}`,
    );
    terminal.say(
      `'unum islands report ${name}' shows how it went${stopped ? `; 'unum islands resume ${name}' goes on` : ""}`,
    );
  }
  if (interrupted) return EXIT.interrupted;
  if (!stopped && found.best !== undefined && !isEvaluated(found.best)) {
    terminal.say(`no candidate could be evaluated: each ${ending.quarantined[0]?.reason ?? "was quarantined"}`);
    return EXIT.failed;
  }
  if (stopped || plan.target === undefined || found.reachedTarget) return EXIT.ok;
  terminal.say(
    `the target ${valueText(plan.target)} was not reached within ${plan.evaluations} evaluations of an island`,
  );
  return EXIT.failed;
}

function shownGenes(genes: readonly number[]): string {
  const shown = genes.slice(0, 12).map((gene) => String(Number(gene.toPrecision(9))));
  return `${shown.join(", ")}${genes.length > 12 ? `, … ${genes.length - 12} more` : ""}`;
}

/** What transports and stores note is for the log files of the node, unless something is wrong. */
export function quietEnv(terminal: Terminal): Env {
  const log: Env["log"] = {
    write: (level, message) => {
      if (level === "error") terminal.say(message);
    },
  };
  return { ...systemEnv(), log };
}
