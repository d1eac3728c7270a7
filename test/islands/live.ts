// Figures of a run while it goes on, as its folder has them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

export interface Live {
  readonly state: string;
  readonly pid: number;
  readonly epoch: number;
  readonly recoveries: number;
  readonly checkpoint?: { readonly epoch: number };
  readonly islands: readonly {
    readonly evaluations: number;
    readonly pid?: number;
    readonly container?: string;
    readonly on?: string;
  }[];
}

/** The newest figures of a run once they are such; fails where the run ends without. */
export async function liveWhen(home: string, run: string, holds: (live: Live) => boolean): Promise<Live> {
  const path = join(home, "islands", run, "live.json");
  for (const until = performance.now() + 100_000; performance.now() < until; ) {
    const live: Live | undefined = await readFile(path, "utf8").then(JSON.parse, () => undefined);
    if (live !== undefined) {
      assert.equal(live.state, "running", "the run ended before it was as it should be");
      if (holds(live)) return live;
    }
    await setTimeout(20);
  }
  throw new Error(`no figures of ${run} within 100 s`);
}
