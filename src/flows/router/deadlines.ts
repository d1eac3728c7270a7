// When attempts are over: by their time, or by the silence of a step that must report.
//
// All attempts of one step have the same time, so each step's deadlines come in the order in which its attempts began: one timer for
// the earliest of all is enough, however many are under way.

import type { Clock, Timer } from "../../base/clock.ts";
import type { Work } from "../workers/workers.ts";

interface Watched {
  readonly work: Work;
  readonly deadline: number;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #isOpen: (work: Work) => boolean;
  readonly #over: (work: Work, why: string) => void;
  readonly #lines = new Map<number, { list: Watched[]; head: number }>();
  /** Of steps that must report: when each was heard of last. */
  readonly #heard = new Map<Work, number>();
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, isOpen: (work: Work) => boolean, over: (work: Work, why: string) => void) {
    this.#clock = clock;
    this.#isOpen = isOpen;
    this.#over = over;
  }

  began(work: Work): void {
    const now = this.#clock.now();
    const { timeoutMs, heartbeatMs } = work.node.policy;
    let line = this.#lines.get(work.node.id);
    if (line === undefined) {
      line = { list: [], head: 0 };
      this.#lines.set(work.node.id, line);
    }
    line.list.push({ work, deadline: now + timeoutMs });
    this.#forget(line);
    if (heartbeatMs !== Number.POSITIVE_INFINITY) {
      this.#heard.set(work, now);
      this.#arm(now + heartbeatMs);
    }
    this.#arm(line.list[line.head]?.deadline ?? now + timeoutMs);
  }

  /** What is over at the front is given back, not only when time is up: its values would stay so long. */
  #forget(line: { list: Watched[]; head: number }): void {
    for (
      let first = line.list[line.head];
      first !== undefined && !this.#isOpen(first.work);
      first = line.list[line.head]
    )
      line.head++;
    if (line.head < 1024 || line.head * 2 < line.list.length) return;
    line.list.splice(0, line.head);
    line.head = 0;
  }

  heard(work: Work): void {
    if (this.#heard.has(work)) this.#heard.set(work, this.#clock.now());
  }

  ended(work: Work): void {
    this.#heard.delete(work);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.at(at, () => this.#fire());
  }

  #fire(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    const late: [Work, string][] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const line of this.#lines.values()) {
      for (; line.head < line.list.length; line.head++) {
        const watched = line.list[line.head];
        if (watched === undefined) continue;
        const isOpen = this.#isOpen(watched.work);
        if (isOpen && watched.deadline > now) break;
        if (isOpen) late.push([watched.work, `no outcome within ${watched.work.node.policy.timeoutMs} ms`]);
      }
      line.list.splice(0, line.head);
      line.head = 0;
      next = Math.min(next, line.list[0]?.deadline ?? next);
    }
    for (const [work, heardAt] of this.#heard) {
      const { heartbeatMs } = work.node.policy;
      if (heardAt + heartbeatMs > now) next = Math.min(next, heardAt + heartbeatMs);
      else late.push([work, `not heard of for ${heartbeatMs} ms`]);
    }
    if (next !== Number.POSITIVE_INFINITY) this.#arm(next);
    for (const [work, why] of late) if (this.#isOpen(work)) this.#over(work, why);
  }
}
