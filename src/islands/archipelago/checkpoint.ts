// A cut of an archipelago as bytes, and back.

import type { Individual } from "../engines/engine.ts";
import { readIndividual, saveIndividual } from "../engines/individuals.ts";
import { Fault } from "../fault.ts";
import type { IslandFigures } from "../island.ts";
import { decodeState, encodeState, type State, type StateRecord } from "../state/codec.ts";
import { Fields } from "../state/fields.ts";
import type { Cut, Plan, SettingsChange } from "./archipelago.ts";
import type { Standing } from "./portfolio.ts";
import { NOTHING_PROPOSED, type ProposalCounts } from "./questions.ts";
import type { CutIsland, Snapshot } from "./seat.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

/** Of what is written here; one that is newer is refused. */
const FORMAT = 1;

export interface Checkpoint {
  readonly plan: Plan;
  readonly changes: readonly SettingsChange[];
  readonly cut: Cut;
}

export function encodeCheckpoint({ plan, changes, cut }: Checkpoint): Uint8Array {
  return encodeState({
    format: FORMAT,
    plan: JSON.stringify(plan, infinityAsText),
    changes: JSON.stringify(changes),
    epoch: cut.epoch,
    standings: cut.standings === undefined ? undefined : JSON.stringify(cut.standings, infinityAsText),
    islands: cut.islands.map(islandState),
  });
}

/** Throws the Fault `invalid` for bytes that are none, or of a later version. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const fields = new Fields(decodeState(bytes));
  const format = fields.number("format");
  if (format !== FORMAT) {
    throw new Fault(
      "invalid",
      `the checkpoint has format ${format}, and this version reads ${FORMAT}; use a newer unum`,
    );
  }
  // Written above, and kept with a checksum.
  const plan = JSON.parse(fields.text("plan"), textAsInfinity) as Plan;
  const written = JSON.parse(fields.text("changes")) as readonly SettingsChange[];
  // Settings that its version did not have are as they are by default.
  const changes = written.map(({ epoch, settings }) => ({ epoch, settings: { ...DEFAULT_SETTINGS, ...settings } }));
  const standings =
    fields.maybe("standings") === undefined
      ? undefined
      : // As written above.
        { standings: JSON.parse(fields.text("standings"), textAsInfinity) as readonly Standing[] };
  const islands = fields.list("islands").map((each) => readIsland(new Fields(each)));
  return { plan, changes, cut: { epoch: fields.number("epoch"), islands, ...standings } };
}

function infinityAsText(_: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? "Infinity" : value;
}

function textAsInfinity(_: string, value: unknown): unknown {
  return value === "Infinity" ? Number.POSITIVE_INFINITY : value;
}

function islandState({ epoch, snapshot, mail }: CutIsland): StateRecord {
  const { state, figures, best, front, emigrants, quarantinedCount, migrants, parents, proposals } = snapshot;
  return {
    ...{ epoch, state, quarantinedCount },
    figures: figuresState(figures),
    best: best === undefined ? undefined : saveIndividual(best),
    front: front.map(saveIndividual),
    emigrants: emigrants.map(saveIndividual),
    mail: mail.map((each) => ({ epoch: each.epoch, emigrants: each.emigrants.map(saveIndividual) })),
    ...migrants,
    parents: parents.map(saveIndividual),
    proposals: { ...proposals },
  };
}

function readIsland(fields: Fields): CutIsland {
  const state = fields.maybe("state");
  if (!(state instanceof Uint8Array)) throw new Fault("invalid", "the checkpoint lacks an island's state");
  const snapshot: Snapshot = {
    state,
    figures: readFigures(fields.of("figures")),
    best: fields.maybe("best") === undefined ? undefined : readIndividual(fields.of("best")),
    front: individuals(fields.list("front")),
    emigrants: individuals(fields.list("emigrants")),
    quarantinedCount: fields.number("quarantinedCount"),
    parents: fields.maybe("parents") === undefined ? [] : individuals(fields.list("parents")),
    proposals: fields.maybe("proposals") === undefined ? NOTHING_PROPOSED : readCounts(fields.of("proposals")),
    migrants: { received: fields.number("received"), sent: fields.number("sent"), stale: fields.number("stale") },
  };
  const mail = fields.list("mail").map((each) => {
    const own = new Fields(each);
    return { epoch: own.number("epoch"), emigrants: individuals(own.list("emigrants")) };
  });
  return { epoch: fields.number("epoch"), snapshot, mail };
}

function readCounts(fields: Fields): ProposalCounts {
  return { asked: fields.number("asked"), candidates: fields.number("candidates"), cost: fields.number("cost") };
}

export function individuals(list: readonly State[]): readonly Individual[] {
  return list.map((each) => readIndividual(new Fields(each)));
}

export function figuresState(figures: IslandFigures): StateRecord {
  return { ...figures, own: { ...figures.own } };
}

export function readFigures(fields: Fields): IslandFigures {
  const own = fields.maybe("own");
  return {
    engine: fields.text("engine"),
    evaluations: fields.number("evaluations"),
    generations: fields.number("generations"),
    best: fields.number("best"),
    spread: fields.number("spread"),
    restarts: fields.number("restarts"),
    // Names with numbers, as `figures` of an engine gives them.
    own: (own ?? {}) as Readonly<Record<string, number>>,
  };
}
