// What is asked in the bench of the log index, and how answers are compared: by how many and by sums.

import type { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { AddressSet } from "../../src/log-index/records/address-set.ts";

export interface Question {
  readonly from: number;
  readonly to: number;
  /** Both ends included; none for every address. */
  readonly ranges: readonly (readonly [number, number])[];
}

export interface Checked {
  readonly count: number;
  readonly times: number;
  /** Of the sizes that lines have. */
  readonly sizes: number;
}

export interface Peer {
  readonly names: readonly string[];
  ask(name: string, question: Question): Promise<Checked>;
  distinct(name: string): Promise<number>;
}

export interface Kind {
  readonly name: string;
  readonly goalMs: number;
  readonly questions: readonly Question[];
}

/** Of the goals' 30 million lines; others are scaled. */
const GOAL_LINES = 30e6;

/** Different questions of a kind, asked in one round: a server that runs has its code compiled, and so has one after a round. */
const QUESTIONS = 100;

export async function kindsOf(chunk: Chunk, from: number, to: number, lines: number): Promise<Kind[]> {
  const { addresses } = await chunk.tally({ from, to }, { addresses: true });
  const wanted = (14_500 * lines) / GOAL_LINES;
  const top = addresses.top(2_000);
  const hot = [...top].sort((a, b) => Math.abs(a.count - wanted) - Math.abs(b.count - wanted)).slice(0, 2);
  const few: string[] = [];
  let i = 0;
  for (const { address, count } of addresses.all()) {
    if (count >= 4 && count <= 30 && i++ % 97 === 0 && few.length < QUESTIONS) few.push(address);
  }
  const number = (text: string) => AddressSet.parse([text]).froms[0] ?? 0;
  const one = (text: string): Question => ({ from, to, ranges: [[number(text), number(text)]] });
  const hundred = top
    .slice(0, 50)
    .concat(top.slice(500, 550))
    .map(({ address }) => number(address))
    .sort((a, b) => a - b);
  const hour = (k: number) => from + Math.floor(((to - from - 3_600) * (k + 1)) / (QUESTIONS + 2));
  const each = <T>(make: (k: number) => T): T[] => Array.from({ length: QUESTIONS }, (_, k) => make(k));
  return [
    { name: "one address, month, up to 30 records", goalMs: 0.05, questions: few.map(one) },
    {
      name: "one address, month, many records",
      goalMs: 2.3,
      questions: Array.from({ length: 10 }, () => hot.map(({ address }) => one(address))).flat(),
    },
    {
      name: "100 addresses, 1 h",
      goalMs: 0.6,
      questions: each((k) => ({ from: hour(k), to: hour(k) + 3_600, ranges: hundred.map((ip) => [ip, ip] as const) })),
    },
    { name: "one second", goalMs: 0.02, questions: each((k) => ({ from: hour(k) + 7, to: hour(k) + 8, ranges: [] })) },
    {
      name: "/16, month",
      goalMs: 0.3,
      questions: each((k) => ({ from, to, ranges: [[(40 + k) * 65_536 * 37, (40 + k) * 65_536 * 37 + 65_535]] })),
    },
  ];
}

export async function askIndex(chunk: Chunk, { from, to, ranges }: Question): Promise<Checked> {
  const sum = { count: 0, times: 0, sizes: 0 };
  const addresses = ranges.length === 0 ? undefined : new AddressSet(ranges, []);
  for await (const part of chunk.find({ from, to, addresses })) {
    if ("gap" in part) throw new Error(part.gap.why);
    const { batch } = part;
    sum.count += batch.count;
    for (let i = 0; i < batch.count; i++) {
      sum.times += batch.times[i] ?? 0;
      const size = batch.sizeOf(i);
      if (size > 0) sum.sizes += size;
    }
  }
  return sum;
}
