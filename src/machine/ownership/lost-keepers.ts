// What an operator is told of a program's keepers: that some are gone for good, or away, and what mends it. Pure.

import { majorityOf } from "./lease.ts";

export interface Controller {
  readonly id: string;
  readonly revoked: boolean;
  readonly online: boolean;
}

/** For people; undefined where all is well. `controllers`: all that the machine ever had and knows of. */
export function keeperTrouble(
  program: string,
  keepers: readonly string[],
  controllers: readonly Controller[],
): string | undefined {
  const known = (id: string) => controllers.find((each) => each.id === id);
  const lost = keepers.filter((id) => known(id)?.revoked !== false);
  const away = keepers.filter((id) => known(id)?.revoked === false && known(id)?.online === false);
  const [left, needed] = [keepers.length - lost.length, majorityOf(keepers.length)];
  const answering = left - away.length;
  if (lost.length === 0 && answering >= needed) return undefined;
  const gone = [
    ...(lost.length === 0 ? [] : [`${lost.join(", ")} no part of the machine any more`]),
    ...(away.length === 0 ? [] : [`${away.join(", ")} away`]),
  ];
  const what = `of its ${keepers.length} keepers ${gone.join(", ")}: ${answering} of them can vote, ${needed} have to`;
  const follows =
    answering < needed
      ? "; without them it ends, and nobody is voted for"
      : answering === needed
        ? "; no other may be lost"
        : "";
  const there = controllers.filter(({ revoked, online }) => !revoked && online).map(({ id }) => id);
  const command = `unum start ${program} ${there.map((id) => `--keeper ${id}`).join(" ")}`;
  return `${what}${follows}; ${lost.length === 0 ? "if they do not come back, " : ""}name those that are there: '${command}'`;
}
