// One run from its beginning, or from a checkpoint, to its end: islands driven, figures told and logged, settings and
// commands followed, checkpoints made.
//
// Invariants
//   C1. A checkpoint is made before this ends, however it ends but by a kill.
//   C2. A setting that makes no sense changes nothing, and it is told why.

import { createHash } from "node:crypto";
import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import { Archipelago } from "../../islands/archipelago/archipelago.ts";
import type { Checkpoint } from "../../islands/archipelago/checkpoint.ts";
import { drive } from "../../islands/archipelago/drive.ts";
import type { Hosts } from "../../islands/archipelago/host.ts";
import { changed, DEFAULT_SETTINGS, settingLines } from "../../islands/archipelago/settings.ts";
import type { Quarantined } from "../../islands/evaluator.ts";
import type { Propose } from "../../islands/proposer.ts";
import { type Found, foundIn } from "../../islands/search.ts";
import { Figures, type Host, type Live } from "./figures.ts";
import { type LiveStream, serveLive } from "./live-stream.ts";
import { proposals } from "./proposals.ts";
import { proposerOf } from "./proposer-of.ts";
import {
  type Config,
  liveText,
  type RunRecord,
  type RunStore,
  readJson,
  readLive,
  saveCheckpoint,
  writeJson,
  writeLive,
} from "./run-store.ts";

export interface Conducting {
  readonly record: RunRecord;
  readonly store: RunStore;
  readonly env: Env;
  readonly from: Checkpoint | undefined;
  /** Made when all else is there. */
  readonly places: (told: Told) => Promise<Places>;
  readonly signal: AbortSignal;
  /** Twice a second or so. */
  readonly look: (live: Live) => void;
  readonly say: (text: string) => void;
}

/** Where islands evolve. */
export interface Places extends Hosts {
  /** In words, for who watches. */
  readonly where: string;
  /** Whether a host that has answered is still there, as far as is known. */
  isThere(host: Host): boolean;
  /** Asks the proposer of a problem that is hosted there. */
  readonly propose?: Propose;
}

export interface Told {
  /** A slice was lost and is asked again. */
  readonly recovered: (island: string, why: string) => void;
  /** Something of the run's own was lost and is there again. */
  readonly restored: (what: string) => void;
  /** Nobody takes it yet. */
  readonly waits: (island: string, why: string) => void;
  /** Who worked on a slice. */
  readonly served: (island: string, host: Host) => void;
}

export interface Ending {
  readonly found: Found;
  readonly live: Live;
  readonly stopped: boolean;
  /** SHA-256 of the states of all islands, in their order: the same for the same populations, byte for byte. */
  readonly populations: string;
  /** The first of each reason. */
  readonly quarantined: readonly Quarantined[];
}

const LOOK_EVERY_MS = 500;
/** A message costs its host milliseconds of waiting; who ends the run waits for the slices under way. */
const SLICE_MS = 500;
const EARLY_MS = 20;
/** Notice of a new configuration comes by the store; this is for when it does not. */
const CONFIG_EVERY_MS = 5_000;

export async function conduct(conducting: Conducting): Promise<Ending> {
  const { store, env } = conducting;
  const stream = await serveLive(store.folder, env);
  try {
    return await conducted(conducting, stream);
  } finally {
    await stream.end();
  }
}

async function conducted(conducting: Conducting, stream: LiveStream): Promise<Ending> {
  const { record, store, env, from, signal, say } = conducting;
  const first = changed(DEFAULT_SETTINGS, record.settings);
  const archipelago = new Archipelago(record.plan, from?.changes ?? [{ epoch: 0, settings: first }], from?.cut);
  const before = from === undefined ? undefined : readLive<Live>(store);
  const figures = new Figures(record, archipelago, env.clock, before?.seconds);
  const ending = new AbortController();
  const quarantined: Quarantined[] = [];
  const checkpoint = async () => {
    const cut = archipelago.cut();
    if (cut === undefined) return;
    const { plan, changes } = archipelago;
    const version = await saveCheckpoint(store, { plan, changes, cut });
    figures.checkpointed(version, cut.epoch);
  };
  const log = () => writeLogs(store, figures, archipelago.settings.log.type);
  let began = Number.POSITIVE_INFINITY;
  /** Denser at first, so that a short run has its curves too. */
  const early = (ms: number) => Math.min(ms, Math.max(EARLY_MS, (env.clock.now() - began) / 10));
  let logged = 0;
  let moves = 0;
  const logNews = async () => {
    const evaluations = archipelago.seats.reduce((sum, seat) => sum + (seat.figures?.evaluations ?? 0), 0);
    if (evaluations === logged) return;
    logged = evaluations;
    await log();
  };
  const tasks = new Tasks(say);
  const follow = follower({
    store,
    archipelago,
    checkpoint,
    log,
    say,
    stop: () => ending.abort(new Error("stopped by command")),
  });
  await follow();
  const unwatch = store.objects.watch("config", () => tasks.run(follow));
  const every = repeater(env, [
    {
      ms: () => LOOK_EVERY_MS,
      act: () => {
        for (const { container, pid, node } of figures.lost((host) => places?.isThere(host) ?? true)) {
          const at = node === undefined ? "" : ` of node ${node}`;
          say(
            `container ${container} (process ${pid})${at} has ended; its islands go on elsewhere from where they were`,
          );
        }
        conducting.look(look(store, figures, stream));
      },
    },
    { ms: () => CONFIG_EVERY_MS, act: () => tasks.run(follow) },
    { ms: () => archipelago.settings.checkpoint.every * 1_000, act: () => tasks.run(checkpoint) },
    { ms: () => early(archipelago.settings.log.every * 1_000), act: () => tasks.run(logNews) },
  ]);
  let places: Places | undefined;
  const propose = await proposerOf(record, () => places?.propose);
  const asking = propose && proposals({ store, env, propose, replay: record.replay, figures, say });
  try {
    places = await conducting.places({
      recovered: (island, why) => {
        figures.recovered(island, why);
        say(`${island} lost its host and goes on from where it was: ${why}`);
      },
      restored: (what) => {
        figures.restored();
        say(what);
      },
      waits: (island, why) => say(`${island} waits for a host: ${why}`),
      served: (island, host) => figures.served(island, host),
    });
    await drive({
      ...{ archipelago, hosts: places, width: record.processes, propose: asking?.ask },
      sliceMs: () => Math.round(early(SLICE_MS)),
      signal: AbortSignal.any([signal, ending.signal]),
      told: (island, reply) => {
        began = Math.min(began, env.clock.now());
        const { engine } = reply.figures;
        const before = figures.told(island, reply);
        if (before !== undefined && ++moves <= MOVES_SAID) {
          const rest = moves === MOVES_SAID ? "; further ones are in the log" : "";
          say(`${record.plan.islands[island]} goes over from ${before} to ${engine}${rest}`);
        }
        for (const what of reply.recovered) {
          figures.restored();
          say(`${record.plan.islands[island]}: ${what}`);
        }
        for (const candidate of reply.quarantined) {
          const isNew = !quarantined.some(({ reason }) => reason === candidate.reason);
          if (!isNew || quarantined.length >= REASONS_SAID) continue;
          quarantined.push(candidate);
          say(quarantineText(candidate));
        }
      },
    });
  } finally {
    unwatch();
    every.end();
    await tasks.done();
    await checkpoint();
    await log();
    await places?.close();
    asking?.close();
  }
  const found = foundIn(archipelago);
  const stopped = !archipelago.over;
  figures.ended(stopped ? "stopped" : "done");
  const live = look(store, figures, stream);
  conducting.look(live);
  return { found, live, stopped, populations: populationsOf(archipelago), quarantined };
}

function populationsOf(archipelago: Archipelago): string {
  const hash = createHash("sha256");
  for (const { snapshot } of archipelago.cut()?.islands ?? []) hash.update(snapshot.state);
  return hash.digest("hex");
}

/** Each reason is told with the first candidate it met; candidates are counted. */
const REASONS_SAID = 20;

/** A long search has thousands. */
const MOVES_SAID = 10;

function quarantineText({ genes, reason }: Quarantined): string {
  const shown = genes.slice(0, 4).map((gene) => Number(gene.toPrecision(6)));
  return `quarantined: a candidate ${reason} [${shown.join(", ")}${genes.length > 4 ? ", …" : ""}]`;
}

function look(store: RunStore, figures: Figures, stream: LiveStream): Live {
  const live = figures.live();
  const text = liveText(live);
  writeLive(store, text);
  stream.tell(text);
  return live;
}

async function writeLogs(store: RunStore, figures: Figures, type: "islands" | "summary" | "none"): Promise<void> {
  if (type === "none") return;
  const live = figures.live();
  const { islands, ...summary } = live;
  await writeJson(store.logs, `log/${live.node}`, summary);
  if (type === "summary") return;
  // Together: each is brought to the disk by itself, and many wait for it no longer than one.
  await Promise.all(
    islands.map((island) =>
      writeJson(store.logs, `log/${island.name}`, { at: live.at, seconds: live.seconds, ...island }),
    ),
  );
}

/** What reads the newest configuration and does what is new in it. */
function follower(of: {
  readonly store: RunStore;
  readonly archipelago: Archipelago;
  readonly checkpoint: () => Promise<void>;
  readonly log: () => Promise<void>;
  readonly stop: () => void;
  readonly say: (text: string) => void;
}): () => Promise<void> {
  let doneCommand = -1;
  let refused = "";
  return async () => {
    const config = await readJson<Config>(of.store.objects, "config");
    if (config === undefined) return;
    const newest = config.commands.at(-1)?.id ?? 0;
    if (doneCommand < 0) doneCommand = newest;
    const before = settingLines(of.archipelago.settings);
    const wanted = config.settings.filter((line) => !before.includes(line));
    const key = wanted.join(" ");
    if (wanted.length > 0 && key !== refused) {
      try {
        const epoch = of.archipelago.change(changed(of.archipelago.settings, wanted));
        of.say(`${wanted.join(" ")} from epoch ${epoch} on`);
      } catch (thrown) {
        refused = key;
        of.say(`settings are refused and stay as they are: ${asError(thrown).message}`);
      }
    }
    for (const { id, what } of config.commands) {
      if (id <= doneCommand) continue;
      doneCommand = id;
      if (what === "checkpoint") await of.checkpoint();
      else if (what === "log") await of.log();
      else of.stop();
    }
  };
}

/** One thing at a time, and none twice; what fails is told and does not end the run. */
class Tasks {
  #last: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<() => Promise<void>>();
  readonly #say: (text: string) => void;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  run(task: () => Promise<void>): void {
    if (this.#waiting.has(task)) return;
    this.#waiting.add(task);
    this.#last = this.#last
      .then(() => {
        // What changes from here on it has to look at once more.
        this.#waiting.delete(task);
        return task();
      })
      .catch((thrown: unknown) => {
        if (!(thrown instanceof Fault)) throw thrown;
        this.#say(thrown.message);
      });
  }

  done(): Promise<void> {
    return this.#last;
  }
}

function repeater(
  { clock }: Env,
  actions: readonly { readonly ms: () => number; readonly act: () => void }[],
): { end(): void } {
  let ended = false;
  const cancels = new Map<object, () => void>();
  for (const action of actions) {
    const again = () => {
      const timer = clock.after(action.ms(), () => {
        if (ended) return;
        action.act();
        again();
      });
      cancels.set(action, () => timer.cancel());
    };
    again();
  }
  return {
    end: () => {
      ended = true;
      for (const cancel of cancels.values()) cancel();
    },
  };
}
