// The indexes of a machine's nodes as one: a question is mapped over the parts of each node, as one call for each part, which
// the machine places on whatever container has room; the answers are put together by time.

import type { Calls } from "unum";
import { asError, Fault } from "../../base/fault.ts";
import type { Part } from "../find/batch.ts";
import { type FindOptions, factsOfBoth, type Index, type IndexFacts, NO_FACTS } from "../find/index.ts";
import { mergedParts } from "../find/merge.ts";
import { costOfBoth, type Estimate, type Gap, NO_COST, type Query } from "../find/query.ts";
import { Tally, type TallyJson, type TallyWanted } from "../find/tally.ts";
import { LogIndex } from "../gen/unum/logs/v1/log_index_pb.ts";
import { TIME_LIMIT } from "../records/time.ts";
import { decodeFrame } from "../server/columns.ts";
import { readAhead } from "../tree/ahead.ts";

/** A node that serves unum.logs.v1.LogIndex, and calls that go to its containers alone. */
export interface IndexNode {
  readonly name: string;
  readonly calls: Pick<Calls, "call" | "stream">;
}

/** Where nobody said how long an answer is of use. */
const PATIENCE_MS = 30_000;
/** How long a part looks for a container with room. */
const WITHIN_MS = 10_000;

export class NodesIndex implements Index {
  readonly name = "";
  readonly #nodes: readonly IndexNode[];
  #parts: readonly Index[] = [];
  #awake = false;

  constructor(nodes: readonly IndexNode[]) {
    this.#nodes = nodes;
  }

  get awake(): boolean {
    return this.#awake;
  }

  /** Asks every node for its parts. One that does not answer is a part that is missing. */
  async wakeUp(): Promise<void> {
    const parts = await Promise.all(this.#nodes.map((node) => partsOf(node)));
    this.#parts = parts.flat();
    this.#awake = true;
  }

  sleep(): void {
    this.#awake = false;
  }

  map(query: Query): readonly Index[] {
    return this.#parts.filter((part) => !(part instanceof NodePart) || part.touches(query));
  }

  reduce(answers: readonly AsyncIterable<Part>[]): AsyncIterable<Part> {
    return mergedParts(answers);
  }

  async *find(query: Query, options: FindOptions = {}): AsyncGenerator<Part> {
    if (!this.#awake) await this.wakeUp();
    yield* this.reduce(this.map(query).map((part) => part.find(query, options)));
  }

  async tally(query: Query, wanted: TallyWanted, options: FindOptions = {}): Promise<Tally> {
    if (!this.#awake) await this.wakeUp();
    const total = new Tally(wanted);
    for (const tally of await Promise.all(this.map(query).map((part) => part.tally(query, wanted, options))))
      total.merge(tally);
    return total;
  }

  async estimate(query: Query, options: FindOptions = {}): Promise<Estimate> {
    if (!this.#awake) await this.wakeUp();
    const costs = await Promise.all(this.map(query).map((part) => part.estimate(query, options)));
    return { ...costs.reduce(costOfBoth, NO_COST), nodes: this.#nodes.length };
  }

  async facts(): Promise<IndexFacts> {
    if (!this.#awake) await this.wakeUp();
    return (await Promise.all(this.#parts.map((part) => part.facts()))).reduce(factsOfBoth, NO_FACTS);
  }

  async valid(): Promise<readonly string[]> {
    await this.wakeUp();
    return (await Promise.all(this.#parts.map((part) => part.valid()))).flat();
  }
}

async function partsOf(node: IndexNode): Promise<Index[]> {
  try {
    const { parts } = await node.calls.call(LogIndex.method.list, {}, { ttlMs: PATIENCE_MS, withinMs: WITHIN_MS });
    return parts.map(({ path, records, from, to, bytes, isServer }) => {
      const facts = { records: Number(records), bytes: Number(bytes), chunks: 1, from: Number(from), to: Number(to) };
      return new NodePart(node, path, Number(records) > 0 ? facts : NO_FACTS, isServer);
    });
  } catch (error) {
    return [new MissingNode(node.name, asError(error).message)];
  }
}

/** One part of one node's index. */
class NodePart implements Index {
  readonly name: string;
  readonly awake = true;
  readonly #node: IndexNode;
  readonly #path: string;
  readonly #facts: IndexFacts;
  readonly #isServer: boolean;

  constructor(node: IndexNode, path: string, facts: IndexFacts, isServer: boolean) {
    this.name = `${node.name}:${path}`;
    this.#node = node;
    this.#path = path;
    this.#facts = facts;
    this.#isServer = isServer;
  }

  /** It may have grown since it told, so only what lies before its first record is certain not to be there. */
  touches({ to }: Query): boolean {
    return this.#isServer || this.#facts.records === 0 || this.#facts.from < to;
  }

  map(): readonly Index[] {
    return [this];
  }

  reduce(answers: readonly AsyncIterable<Part>[]): AsyncIterable<Part> {
    return mergedParts(answers);
  }

  find(query: Query, options: FindOptions = {}): AsyncIterable<Part> {
    const unwanted = new AbortController();
    const signal = options.signal === undefined ? unwanted.signal : AbortSignal.any([options.signal, unwanted.signal]);
    return readAhead(this.#asked(query, options, signal), () =>
      unwanted.abort(new Fault("cancelled", "no more is wanted")),
    );
  }

  async *#asked(query: Query, { deadlineMs = PATIENCE_MS }: FindOptions, signal: AbortSignal): AsyncGenerator<Part> {
    let at = query.from;
    try {
      const options = { ttlMs: deadlineMs, withinMs: Math.min(WITHIN_MS, deadlineMs), signal };
      for await (const { columns } of this.#node.calls.stream(LogIndex.method.find, this.#question(query), options)) {
        const part = decodeFrame(columns);
        if ("batch" in part) at = part.batch.times[part.batch.count - 1] ?? at;
        yield part;
      }
    } catch (error) {
      yield { gap: { ...gapOf(this.name, query, error), from: at } };
    }
  }

  async tally(
    query: Query,
    wanted: TallyWanted,
    { deadlineMs = PATIENCE_MS, signal }: FindOptions = {},
  ): Promise<Tally> {
    const question = { ...this.#question(query), wanted: JSON.stringify(wanted) };
    const options = {
      ttlMs: deadlineMs,
      withinMs: Math.min(WITHIN_MS, deadlineMs),
      ...(signal === undefined ? {} : { signal }),
    };
    try {
      const { json } = await this.#node.calls.call(LogIndex.method.tally, question, options);
      // Written by the same version's Tally.
      return Tally.fromJson(JSON.parse(json) as TallyJson);
    } catch (error) {
      const tally = new Tally(wanted);
      tally.gaps.push(gapOf(this.name, query, error));
      return tally;
    }
  }

  async estimate(query: Query, { deadlineMs = PATIENCE_MS }: FindOptions = {}): Promise<Estimate> {
    const options = { ttlMs: deadlineMs, withinMs: Math.min(WITHIN_MS, deadlineMs) };
    try {
      const { json } = await this.#node.calls.call(LogIndex.method.estimate, this.#question(query), options);
      // As above.
      return JSON.parse(json) as Estimate;
    } catch (error) {
      return { ...NO_COST, gaps: [gapOf(this.name, query, error)] };
    }
  }

  #question({ from, to, addresses }: Query) {
    return {
      path: this.#path,
      from: BigInt(from),
      to: BigInt(Math.min(to, TIME_LIMIT)),
      hasAddresses: addresses !== undefined,
      addresses: addresses?.items() ?? [],
    };
  }

  async facts(): Promise<IndexFacts> {
    return this.#facts;
  }

  async valid(): Promise<readonly string[]> {
    return [];
  }

  async wakeUp(): Promise<void> {}

  sleep(): void {}
}

/** A node that did not tell its parts: all that is asked of it is missing. */
class MissingNode implements Index {
  readonly name: string;
  readonly awake = false;
  readonly #why: string;

  constructor(name: string, why: string) {
    this.name = name;
    this.#why = why;
  }

  map(): readonly Index[] {
    return [this];
  }

  reduce(answers: readonly AsyncIterable<Part>[]): AsyncIterable<Part> {
    return mergedParts(answers);
  }

  async *find(query: Query): AsyncGenerator<Part> {
    yield { gap: gapOf(this.name, query, new Error(this.#why)) };
  }

  async tally(query: Query, wanted: TallyWanted): Promise<Tally> {
    const tally = new Tally(wanted);
    tally.gaps.push(gapOf(this.name, query, new Error(this.#why)));
    return tally;
  }

  async estimate(query: Query): Promise<Estimate> {
    return { ...NO_COST, gaps: [gapOf(this.name, query, new Error(this.#why))] };
  }

  async facts(): Promise<IndexFacts> {
    return NO_FACTS;
  }

  async valid(): Promise<readonly string[]> {
    return [`${this.name}: ${this.#why}`];
  }

  async wakeUp(): Promise<void> {}

  sleep(): void {}
}

function gapOf(where: string, { from, to }: Query, error: unknown): Gap {
  return { where, from, to, why: asError(error).message };
}
