// How far another computer's clock is from this one, from questions and answers (Cristian, 1989).
//
//   this side   asked ────────────────── answered
//                    \                  /
//   other side        ─── its time ────
//
// Its time was read somewhere between asked and answered, so half of the way there is wrong by at most half of it.
// The best answer is kept until a later one is surer, where being sure fades: no two clocks run alike.

export interface ClockOffset {
  /** The other clock minus this one, milliseconds. */
  readonly offsetMs: number;
  /** The offset was wrong by at most so much when it was measured. */
  readonly errorMs: number;
  /** When, on this clock. */
  readonly measuredAt: number;
}

/** What two clocks may drift apart: 100 ppm each. */
const DRIFT = 200e-6;

/** The promise for every link: a message's age is never taken for less than it is by more than this. */
export const AGE_ERROR_LIMIT_MS = 50;

export function measure(sample: { askedAt: number; theirTime: number; answeredAt: number }): ClockOffset {
  return {
    offsetMs: sample.theirTime - (sample.askedAt + sample.answeredAt) / 2,
    errorMs: Math.max(0, sample.answeredAt - sample.askedAt) / 2,
    measuredAt: sample.answeredAt,
  };
}

/** How wrong it may be by now. */
export function errorAt(offset: ClockOffset, now: number): number {
  return offset.errorMs + DRIFT * Math.max(0, now - offset.measuredAt);
}

/** The surer of the two; the later where they cannot both be true, since a clock stood still in between. */
export function better(known: ClockOffset, later: ClockOffset): ClockOffset {
  const faded = errorAt(known, later.measuredAt);
  if (later.errorMs <= faded) return later;
  const apart = Math.abs(later.offsetMs - known.offsetMs);
  return apart > faded + later.errorMs ? later : known;
}

/**
 * How old a message is that was sent at `sentAt` on the other clock, at least 0.
 * Where the offset is less sure than AGE_ERROR_LIMIT_MS, the rest of its error counts as age.
 */
export function ageOf(offset: ClockOffset, sentAt: number, now: number): number {
  const likely = now - (sentAt - offset.offsetMs);
  const unsure = errorAt(offset, now) - AGE_ERROR_LIMIT_MS;
  return Math.max(0, unsure > 0 ? likely + unsure : likely);
}
