// unum islands run, resume and fork: from what was asked for to a run that is conducted.

import { availableParallelism } from "node:os";
import type { Env } from "../../base/env.ts";
import { changed, DEFAULT_SETTINGS, settingLines, settingsFor } from "../../islands/archipelago/settings.ts";
import { engineOf, makeEngine } from "../../islands/engines/make-engine.ts";
import type { PlannedProblem } from "../../islands/host/hosted-problem.ts";
import { RandomStream } from "../../islands/random-stream.ts";
import { planOf } from "../../islands/search.ts";
import { VERSION } from "../../node/version.ts";
import { systemResources } from "../../system/resources.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { begin, quietEnv } from "./begin.ts";
import { loadProblem } from "./load-problem.ts";
import { islandName, nodeName, runName } from "./names.ts";
import { openNetwork } from "./network-hosts.ts";
import type { PlaceFlags } from "./places.ts";
import { type ProblemSpec, sourceOf } from "./problem-spec.ts";
import { endedUnsaid, holderOf } from "./run-lock.ts";
import {
  type Config,
  keptEpochs,
  loadCheckpoint,
  openRunStore,
  type RunRecord,
  recordOf,
  runNames,
  saveCheckpoint,
  writeJson,
} from "./run-store.ts";

export interface RunFlags extends PlaceFlags {
  readonly seed?: number;
  readonly target?: number;
  readonly evaluations?: number;
  readonly islands?: number;
  readonly engine?: readonly string[];
  readonly set?: readonly string[];
  readonly processes?: number;
  readonly free?: boolean;
  readonly timeOut: number;
  readonly name?: string;
  readonly json?: boolean;
  /** A server that is asked for proposals. */
  readonly propose?: string;
  /** A run whose proposals are used. */
  readonly replay?: string;
}

/** One for each CPU that may be used, whole. */
function cpus(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(systemResources().available().cpus)));
}

export async function run(spec: ProblemSpec, flags: RunFlags, terminal: Terminal): Promise<number> {
  const env = quietEnv(terminal);
  const record = await recordFor(spec, flags, env);
  const store = openRunStore(record.name, env.log);
  await writeJson(store.objects, "run", record);
  await writeJson(store.objects, "config", { settings: record.settings, commands: [] } satisfies Config);
  return begin({ record, store, env, terminal, from: undefined, flags });
}

export async function resume(
  name: string,
  flags: PlaceFlags & Pick<RunFlags, "json" | "evaluations">,
  terminal: Terminal,
): Promise<number> {
  const env = quietEnv(terminal);
  const store = openRunStore(name, env.log);
  const known = placedBy(flags, await recordOf(store, name));
  const record = withEvaluations(known, flags.evaluations);
  const damaged = (why: string) =>
    terminal.say(`${terminal.tint("yellow", "damaged")}: ${why}; the one before it is used`);
  const from = await loadCheckpoint(store, { damaged });
  // What was asked for last is what is gone on with, and what a report says.
  if (record !== known && holderOf(store.folder, env) === undefined) await writeJson(store.objects, "run", record);
  terminal.say(
    from === undefined
      ? `${name} has no checkpoint yet; it begins anew`
      : `${name} goes on after epoch ${from.cut.epoch}`,
  );
  if (flags.inProcess && endedUnsaid(store.folder, env)) {
    terminal.say(
      "the process that conducted it ended without a word: killed, or taken along by a candidate. If it ends so again, leave out --in-process: a candidate that ends its process is then found and quarantined",
    );
  }
  return begin({ record, store, env, terminal, from, flags });
}

/** `from`: RUN or RUN@EPOCH. */
export async function fork(
  from: string,
  flags: PlaceFlags & Pick<RunFlags, "json" | "name" | "set" | "evaluations">,
  terminal: Terminal,
): Promise<number> {
  const [name = "", epochText] = from.split("@");
  const epoch = epochText === undefined ? Number.POSITIVE_INFINITY : Number(epochText);
  if (Number.isNaN(epoch)) throw new UsageError(`'${from}' is not RUN@EPOCH, as ${name}@12`);
  const env = quietEnv(terminal);
  const old = openRunStore(name, env.log);
  const known = await recordOf(old, name);
  const checkpoint = await loadCheckpoint(old, { epoch, damaged: (why) => terminal.say(why) });
  const kept = checkpoint === undefined ? await keptEpochs(old) : [];
  old.close();
  if (checkpoint === undefined) {
    const there = kept.length === 0 ? "none is kept" : `kept are those after epochs ${kept.join(", ")}`;
    throw new UsageError(`no checkpoint of ${name} is from epoch ${epochText ?? "any"} or before; ${there}`);
  }
  const own = await freeName(flags.name, env);
  const forkOf = `${name}@${checkpoint.cut.epoch}`;
  const record: RunRecord = {
    ...withEvaluations(placedBy(flags, known), flags.evaluations),
    name: own,
    forkOf,
    startedAt: new Date(env.clock.wallNow()).toISOString(),
  };
  const store = openRunStore(own, env.log);
  await writeJson(store.objects, "run", record);
  const settings = settingLines(changed(checkpoint.changes.at(-1)?.settings ?? DEFAULT_SETTINGS, flags.set ?? []));
  await writeJson(store.objects, "config", { settings, commands: [] } satisfies Config);
  await saveCheckpoint(store, checkpoint);
  terminal.say(`${own} goes on from ${forkOf}`);
  return begin({ record, store, env, terminal, from: checkpoint, flags });
}

function withEvaluations(record: RunRecord, evaluations: number | undefined): RunRecord {
  return evaluations === undefined ? record : { ...record, plan: { ...record.plan, evaluations } };
}

/** Where a run goes on may be said anew. */
function placedBy({ to }: PlaceFlags, record: RunRecord): RunRecord {
  return to === undefined ? record : { ...record, to };
}

async function recordFor(spec: ProblemSpec, flags: RunFlags, env: Env): Promise<RunRecord> {
  const { space, target, hosts, problem, proposes, noisy } = await lookedAt(spec, flags);
  if (flags.replay !== undefined) await mustBeThere(flags.replay, env);
  const settings = settingLines(changed(settingsFor(space), flags.set ?? []));
  const islands = flags.islands ?? Math.max(hosts, flags.engine?.length ?? 1);
  const atOnce = flags.to === undefined ? cpus() : islands;
  const processes = flags.inProcess ? 1 : (flags.processes ?? atOnce);
  const node = nodeName();
  const basic = planOf(
    { space, target, noisy },
    {
      ...{ seed: flags.seed ?? env.random.u32(), islands },
      ...(flags.engine === undefined ? undefined : { engines: flags.engine }),
      ...(flags.evaluations === undefined ? undefined : { evaluations: flags.evaluations }),
      ...(flags.target === undefined ? undefined : { target: flags.target }),
    },
  );
  // What an engine cannot do with this problem is said before anything is started.
  for (const engine of basic.engines) makeEngine(engineOf(engine), space, RandomStream.seeded(0));
  const names = basic.engines.map(() => islandName(node, env.random));
  return {
    name: await freeName(flags.name, env),
    ...{ node, problem, source: await sourceOf(spec), settings, processes },
    ...(flags.to === undefined ? undefined : { to: flags.to }),
    ...(flags.propose === undefined ? undefined : { propose: flags.propose }),
    ...(flags.replay === undefined ? undefined : { replay: flags.replay }),
    plan: {
      ...{ ...basic, islands: names, free: flags.free === true },
      ...(flags.propose === undefined && !proposes ? undefined : { proposes: true }),
    },
    evaluationMs: flags.timeOut,
    unum: VERSION,
    startedAt: new Date(env.clock.wallNow()).toISOString(),
  };
}

/** What the plan needs of the problem, and how many islands there is room for at once. */
async function lookedAt(
  spec: ProblemSpec,
  flags: RunFlags,
): Promise<PlannedProblem & { readonly hosts: number; readonly problem: ProblemSpec }> {
  if (flags.to !== undefined) {
    const network = await openNetwork(flags);
    try {
      const { version, ...planned } = await network.problem(spec);
      const problem = spec.kind === "served" ? { ...spec, version } : spec;
      return { ...planned, problem, hosts: network.hosts() };
    } finally {
      await network.close();
    }
  }
  const problem = await loadProblem(spec, { evaluationMs: flags.timeOut });
  await problem.evaluator.close();
  const { space, target, propose, noisy } = problem;
  return { space, target, noisy, proposes: propose !== undefined, problem: spec, hosts: cpus() };
}

/** Throws a UsageError for a run there is none of. */
async function mustBeThere(name: string, env: Env): Promise<void> {
  const store = openRunStore(name, env.log);
  await recordOf(store, name);
  store.close();
}

async function freeName(wanted: string | undefined, env: Env): Promise<string> {
  const taken = await runNames();
  if (wanted !== undefined) {
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(wanted)) {
      throw new UsageError(`'${wanted}' cannot name a run; use small letters, digits and '-', a letter first`);
    }
    if (taken.includes(wanted))
      throw new UsageError(`there is a run '${wanted}' already; resume it, or take another name`);
    return wanted;
  }
  for (;;) {
    const name = runName(env.random);
    if (!taken.includes(name)) return name;
  }
}
