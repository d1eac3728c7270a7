// What is counted over records without bringing them: how many, of each address, how many different ones, over time.
//
// Tallies of parts add up to the tally of the whole, in any order and grouping.

import { Sketch } from "../segment/sketch.ts";
import { AddressTally, type AddressTallyJson } from "./address-tally.ts";
import type { Batch } from "./batch.ts";
import type { Gap } from "./query.ts";

export interface TallyWanted {
  /** First, last and count of each address: top, times, exact distinct. */
  readonly addresses?: boolean;
  /** How many different addresses, within half a per cent. */
  readonly sketch?: boolean;
  /** Records in each span of so many seconds. */
  readonly bucketSeconds?: number | undefined;
  /** Records of each status. */
  readonly statuses?: boolean;
}

export class Tally {
  readonly wanted: TallyWanted;
  count = 0;
  readonly addresses = new AddressTally();
  readonly sketch = new Sketch();
  /** By the number of the span since 1970. */
  readonly buckets = new Map<number, number>();
  readonly statuses = new Map<number, number>();
  readonly gaps: Gap[] = [];

  constructor(wanted: TallyWanted) {
    this.wanted = wanted;
  }

  add(batch: Batch, keyOf: (text: string) => string): void {
    const { addresses, sketch, bucketSeconds, statuses } = this.wanted;
    this.count += batch.count;
    for (let i = 0; i < batch.count; i++) {
      const time = batch.times[i] ?? 0;
      if (addresses === true || sketch === true) {
        const address = batch.addresses[i] ?? 0;
        if (batch.isOther(i)) {
          const key = keyOf(batch.addressText(i));
          if (addresses === true) this.addresses.addOther(key, time);
          if (sketch === true) this.sketch.addOther(key);
        } else {
          if (addresses === true) this.addresses.addV4(address, time);
          if (sketch === true) this.sketch.addV4(address);
        }
      }
      if (bucketSeconds !== undefined) bump(this.buckets, Math.floor(time / bucketSeconds), 1);
      if (statuses === true) bump(this.statuses, batch.statusOf(i), 1);
    }
  }

  merge(other: Tally): void {
    this.count += other.count;
    this.gaps.push(...other.gaps);
    if (this.wanted.addresses === true) this.addresses.merge(other.addresses);
    if (this.wanted.sketch === true) this.sketch.merge(other.sketch);
    for (const [bucket, count] of other.buckets) bump(this.buckets, bucket, count);
    for (const [status, count] of other.statuses) bump(this.statuses, status, count);
  }

  toJson(): TallyJson {
    return {
      wanted: this.wanted,
      count: this.count,
      gaps: this.gaps,
      buckets: [...this.buckets],
      statuses: [...this.statuses],
      ...(this.wanted.addresses === true ? { addresses: this.addresses.toJson() } : {}),
      ...(this.wanted.sketch === true ? { sketch: Buffer.from(this.sketch.registers).toString("base64") } : {}),
    };
  }

  static fromJson(json: TallyJson): Tally {
    const tally = new Tally(json.wanted);
    tally.count = json.count;
    tally.gaps.push(...json.gaps);
    for (const [bucket, count] of json.buckets) tally.buckets.set(bucket, count);
    for (const [status, count] of json.statuses) tally.statuses.set(status, count);
    if (json.addresses !== undefined) tally.addresses.merge(AddressTally.fromJson(json.addresses));
    if (json.sketch !== undefined) tally.sketch.merge(new Sketch(new Uint8Array(Buffer.from(json.sketch, "base64"))));
    return tally;
  }
}

export interface TallyJson {
  readonly wanted: TallyWanted;
  readonly count: number;
  readonly gaps: readonly Gap[];
  readonly buckets: readonly (readonly [number, number])[];
  readonly statuses: readonly (readonly [number, number])[];
  readonly addresses?: AddressTallyJson;
  readonly sketch?: string;
}

export function bump(counts: Map<number, number>, key: number, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
