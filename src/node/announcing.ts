// Tells the transports how long functions that run now may keep the loop from turning, before they begin and when they end.

import type { Clock } from "../base/clock.ts";
import type { ContainerParts } from "../container/container.ts";
import type { Transport } from "../transports/transport.ts";

type Began = NonNullable<ContainerParts["began"]>;

/** `also` is told of each as it would be without this. */
export function announcing(clock: Clock, { announceSilence }: Transport, also: Began | undefined): Began {
  const running = new Set<{ readonly until: number }>();
  const announce = () => announceSilence?.(Math.max(...[...running].map(({ until }) => until), clock.now()));
  return (contract, budgetMs) => {
    const one = { until: clock.now() + budgetMs };
    running.add(one);
    announce();
    const ended = also?.(contract, budgetMs);
    return () => {
      running.delete(one);
      announce();
      ended?.();
    };
  };
}
