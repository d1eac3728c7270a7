// Individuals on their way into an engine's state, out of it, and to other islands.

import type { RandomStream } from "../random-stream.ts";
import type { StateRecord } from "../state/codec.ts";
import type { Fields } from "../state/fields.ts";
import type { Individual, Selection } from "./engine.ts";

export function copyOf({ genes, values, energy }: Individual): Individual {
  const copy = { genes: genes.slice(), values: values.slice() };
  return energy === undefined ? copy : { ...copy, energy };
}

export function saveIndividual(individual: Individual): StateRecord {
  return { genes: individual.genes, values: individual.values, energy: individual.energy };
}

export function readIndividual(fields: Fields): Individual {
  const own = { genes: fields.floats("genes"), values: fields.floats("values") };
  return fields.maybe("energy") === undefined ? own : { ...own, energy: fields.number("energy") };
}

/** So many indices of a population whose values these are, none twice. `count` is cut to what there is. */
export function selected(
  values: Float64Array,
  {
    count,
    selection,
    random,
  }: { readonly count: number; readonly selection: Selection; readonly random: RandomStream },
): readonly number[] {
  const better = (a: number, b: number) => (values[a] as number) - (values[b] as number) || a - b;
  if (selection === "best" && count <= FEW) return best(values, count, better);
  const all = Array.from(values.keys());
  if (selection === "best") return all.sort(better).slice(0, count);
  const chosen: number[] = [];
  while (chosen.length < count && all.length > 0) {
    let place = random.below(all.length);
    if (selection === "tournament") {
      const other = random.below(all.length);
      if (better(all[other] as number, all[place] as number) < 0) place = other;
    }
    chosen.push(...all.splice(place, 1));
  }
  return chosen;
}

const FEW = 16;

/** Few of many, once an epoch: kept in their order while all are looked at, and not sorted. */
function best({ length }: Float64Array, count: number, better: (a: number, b: number) => number): readonly number[] {
  const found: number[] = [];
  for (let i = 0; i < length; i++) {
    let place = found.length;
    while (place > 0 && better(i, found[place - 1] as number) < 0) place--;
    if (place >= count) continue;
    found.splice(place, 0, i);
    if (found.length > count) found.pop();
  }
  return found;
}

/** Mean distance of genes from their mean, as a share of the start region; where none says anything, the share of different rows. */
export function spreadOf(rows: readonly Float64Array[], widths: Float64Array): number {
  const n = widths.length;
  if (rows.length === 0) return 0;
  if (widths.every((width) => width === 0)) return (new Set(rows.map((row) => row.join())).size - 1) / rows.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const width = widths[i] as number;
    if (width === 0) continue;
    let mean = 0;
    for (const row of rows) mean += row[i] as number;
    mean /= rows.length;
    let squares = 0;
    for (const row of rows) squares += ((row[i] as number) - mean) ** 2;
    sum += Math.sqrt(squares / rows.length) / width;
  }
  return sum / n;
}
