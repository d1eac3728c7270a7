// What a governor counts of its containers' processes.

import { counter, type Family, joined } from "../plugins/figures/family.ts";
import { Histogram } from "../plugins/figures/histogram.ts";

export class FleetFigures {
  started = 0;
  /** Ended though nobody told them to. */
  crashed = 0;
  /** Told to end, and ended. */
  drained = 0;
  readonly #new = new Histogram();
  readonly #warm = new Histogram();

  tookToStart(ms: number): void {
    this.#new.add(ms / 1_000);
  }

  tookTheFolder(ms: number): void {
    this.#warm.add(ms / 1_000);
  }

  families(): readonly Family[] {
    const ended = (how: string, count: number) =>
      counter(
        "unum_containers_ended_total",
        "Containers whose process ended, by how: drained as told, or crashed.",
        count,
        { how },
      );
    return joined([
      counter("unum_containers_started_total", "Containers that were started by this governor.", this.started),
      ended("drained", this.drained),
      ended("crashed", this.crashed),
      {
        name: "unum_container_start_seconds",
        help: "From a container's start to its first answer, and from a folder given to a warm one to its components served.",
        type: "histogram",
        samples: [this.#new.sample({ phase: "answers" }), this.#warm.sample({ phase: "serves" })],
      },
    ]);
  }
}
