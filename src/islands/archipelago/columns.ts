// Migrants of many epochs as a few columns of numbers: so they cost a message, a thread and a disk what numbers cost, and not what
// as many objects do.

import type { Individual } from "../engines/engine.ts";
import { Fault } from "../fault.ts";

/** Individuals of one problem, of some epochs one after the other. */
export interface Columns {
  /** Of each epoch, how many. */
  readonly counts: Uint32Array;
  /** As many as the problem has dimensions for each. */
  readonly genes: Float64Array;
  /** One of each objective for each. */
  readonly values: Float64Array;
  /** One for each, NaN where it has none; empty where no one has any. */
  readonly energy: Float64Array;
}

const NONE = new Float64Array(0);
/** Of no epoch. */
export const NOBODY: Columns = { counts: new Uint32Array(0), genes: NONE, values: NONE, energy: NONE };

export function toColumns(epochs: readonly (readonly Individual[])[]): Columns {
  const all = epochs.flat();
  const [first] = all;
  const [dimensions, objectives] = [first?.genes.length ?? 0, first?.values.length ?? 0];
  const genes = new Float64Array(all.length * dimensions);
  const values = new Float64Array(all.length * objectives);
  const hasEnergy = all.some(({ energy }) => energy !== undefined);
  const energy = new Float64Array(hasEnergy ? all.length : 0);
  let k = 0;
  for (const each of all) {
    genes.set(each.genes, k * dimensions);
    values.set(each.values, k * objectives);
    if (hasEnergy) energy[k] = each.energy ?? Number.NaN;
    k++;
  }
  return { counts: Uint32Array.from(epochs, (each) => each.length), genes, values, energy };
}

/** As it travels, little endian; a view of the column. */
export function columnBytes({ buffer, byteOffset, byteLength }: Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Copied, since bytes of a message may lie anywhere. Throws the Fault `invalid` for bytes that are no whole numbers of eight. */
export function columnOf(bytes: Uint8Array): Float64Array {
  if (bytes.length % 8 !== 0)
    throw new Fault("invalid", `a column of numbers has ${bytes.length} bytes, no multiple of 8`);
  return new Float64Array(new Uint8Array(bytes).buffer);
}

/** Of each epoch, as views of the columns. Throws the Fault `invalid` where the columns are not of as many individuals. */
export function fromColumns({ counts, genes, values, energy }: Columns): readonly (readonly Individual[])[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const fits = (length: number) => (total === 0 ? length === 0 : length > 0 && length % total === 0);
  if (!(fits(genes.length) && fits(values.length) && (energy.length === 0 || energy.length === total))) {
    throw new Fault(
      "invalid",
      `${total} migrants have ${genes.length} genes, ${values.length} values and ${energy.length} energies`,
    );
  }
  const [dimensions, objectives] = total === 0 ? [0, 0] : [genes.length / total, values.length / total];
  let k = 0;
  const next = (): Individual => {
    const own = {
      genes: genes.subarray(k * dimensions, (k + 1) * dimensions),
      values: values.subarray(k * objectives, (k + 1) * objectives),
    };
    const held = energy[k] ?? Number.NaN;
    k++;
    return Number.isNaN(held) ? own : { ...own, energy: held };
  };
  return Array.from(counts, (count) => Array.from({ length: count }, next));
}
