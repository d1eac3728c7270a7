// Answers of a proposer as versioned objects of a run, and those of another run that is replayed.
//
//   proposals/KEY    what was answered to the parents of that key
//
// Whoever goes on with a run, or replays it, is answered from there: the same is found, and nobody is asked twice.

import type { Env } from "../../base/env.ts";
import { Fault } from "../../base/fault.ts";
import { askOnce, type Recorded, type Recording } from "../../islands/archipelago/ask-once.ts";
import type { Driving } from "../../islands/archipelago/drive.ts";
import type { Propose } from "../../islands/proposer.ts";
import type { Figures } from "./figures.ts";
import { openRunStore, type RunStore, readJson, writeJson } from "./run-store.ts";

export interface Proposing {
  readonly store: RunStore;
  readonly env: Env;
  readonly propose: Propose;
  /** A run whose answers are used, and nobody is asked. */
  readonly replay: string | undefined;
  readonly figures: Pick<Figures, "proposed">;
  readonly say: (text: string) => void;
}

/** Reasons that are told one by one; more of the same are only counted. */
const REASONS_SAID = 20;

export function proposals(of: Proposing): {
  readonly ask: NonNullable<Driving["propose"]>;
  readonly close: () => void;
} {
  const { store, env, propose, replay, figures, say } = of;
  const other = replay === undefined ? undefined : openRunStore(replay, env.log);
  const said = new Set<string>();
  const tell = (text: string) => {
    // Which of them it was, and by how much, makes no other reason.
    const reason = text.replaceAll(/\d+/g, "");
    if (said.has(reason) || said.size >= REASONS_SAID) return;
    said.add(reason);
    say(text);
  };
  const ask = askOnce({
    clock: env.clock,
    recording: other === undefined ? recordingIn(store) : replaying(store, other, replay ?? ""),
    propose,
    told: (_, answer, known) => {
      figures.proposed(answer, known);
      if (answer.failure !== undefined) tell(`the proposer has no answer, and the search goes on: ${answer.failure}`);
      for (const why of answer.refused) tell(`the proposer's answer: ${why}`);
    },
  });
  return { ask, close: () => other?.close() };
}

function recordingIn({ objects }: RunStore): Recording {
  return {
    get: (key) => readJson<Recorded>(objects, `proposals/${key}`),
    put: async (key, answer) => {
      await writeJson(objects, `proposals/${key}`, answer);
    },
  };
}

/** What the other run was answered; copied, so that this one can be replayed too. */
function replaying(store: RunStore, other: RunStore, name: string): Recording {
  const [own, theirs] = [recordingIn(store), recordingIn(other)];
  return {
    get: async (key) => {
      const known = (await own.get(key)) ?? (await theirs.get(key));
      if (known === undefined) {
        throw new Fault(
          "not-found",
          `${name} was never asked what this run asks, so it is another search: replay it with the problem, seed, islands and settings of ${name}`,
        );
      }
      await own.put(key, known);
      return known;
    },
    put: own.put,
  };
}
