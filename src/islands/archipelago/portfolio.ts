// Which engine each island runs, decided anew now and then by what has worked. Pure: figures in, engines out.
//
//   standing ──review: best value of each island──▶ standing …
//
// A portfolio of algorithms whose shares follow their credit, as in Peng, Tang, Chen, Yao (2010): Population-Based Algorithm
// Portfolios for Numerical Optimization, IEEE Transactions on Evolutionary Computation 14(5), and the decaying credit of adaptive
// operator selection, Fialho, Da Costa, Schoenauer, Sebag (2010), Annals of Mathematics and Artificial Intelligence 60.
//
// Invariants
//   P1. The first island keeps its engine: the archipelago is never worse off than that one alone by more than its other islands.
//   P2. An engine that was not tried lately counts as one that works half of the time: none is given up for good.

/** What is known after a review. Plain, so that a checkpoint can hold it as it is. */
export interface Standing {
  /** The review was of the state after this epoch; 0: before the first. */
  readonly epoch: number;
  /** Of each island, from then on. */
  readonly engines: readonly string[];
  /** Least value of each island at the review. */
  readonly bests: readonly number[];
  readonly credit: Readonly<Record<string, Credit>>;
}

export interface Credit {
  /** Islands that ran it, each review counting four fifths of the one after. */
  readonly given: number;
  /** How many of them got on, counted the same way. */
  readonly worked: number;
}

const DECAY = 0.8;
/** Getting on by itself, while others are ahead, is a sign, and a weak one. */
const OWN_PROGRESS = 0.2;
/** An engine has to be better by so much for an island to go over to it. */
const MARGIN = 0.1;

export function firstStanding(engines: readonly string[]): Standing {
  return { epoch: 0, engines, bests: engines.map(() => Number.POSITIVE_INFINITY), credit: {} };
}

/** `bests`: the least value that each island has found by itself; `pool`: engines that may be given. */
export function reviewed(
  before: Standing,
  {
    epoch,
    bests,
    pool,
  }: { readonly epoch: number; readonly bests: readonly number[]; readonly pool: readonly string[] },
): Standing {
  const least = Math.min(...before.bests);
  const progress = bests.map((best, i) => {
    if (best < least) return 1;
    return best < (before.bests[i] ?? Number.POSITIVE_INFINITY) ? OWN_PROGRESS : 0;
  });
  const credit = Object.fromEntries(
    pool.map((engine) => {
      const known = before.credit[engine] ?? { given: 0, worked: 0 };
      const own = progress.filter((_, i) => before.engines[i] === engine);
      const worked = own.reduce((sum, each) => sum + each, DECAY * known.worked);
      return [engine, { given: DECAY * known.given + own.length, worked }];
    }),
  );
  const engines = [...before.engines];
  const scoreOf = (engine: string | undefined) => score(credit[engine ?? ""]);
  // The first of equals: the pool's order is one of preference.
  const wanted = pool.reduce((best, engine) => (scoreOf(engine) > scoreOf(best) ? engine : best));
  const movable = engines
    .map((engine, i) => ({ i, engine, value: bests[i] ?? Number.POSITIVE_INFINITY }))
    .filter(({ i, engine }) => i > 0 && progress[i] !== 1 && scoreOf(wanted) > scoreOf(engine) + MARGIN)
    .sort((a, b) => scoreOf(a.engine) - scoreOf(b.engine) || b.value - a.value || a.i - b.i);
  // A quarter at a time: what has just begun is not judged by one review.
  for (const { i } of movable.slice(0, Math.max(1, engines.length >> 2))) engines[i] = wanted;
  return { epoch, engines, bests, credit };
}

/** P2 */
function score(credit: Credit | undefined): number {
  return ((credit?.worked ?? 0) + 0.5) / ((credit?.given ?? 0) + 1);
}
