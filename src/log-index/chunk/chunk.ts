// A chunk as an index: a folder of segments, asked awake from what is open, asleep from the raw files.
//
// Invariants
//   K1. A question is answered from one snapshot, whatever a writer does meanwhile.
//   K2. Asleep or awake, the answer is the same.
//   K3. What is damaged is made again where its raw files are still there, and the question goes on; else it is a gap.

import type { Clock } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { LineSearch } from "../asleep/line-search.ts";
import { findRaw, Located, rawFilesOf } from "../asleep/raw-chunk.ts";
import type { Batch, Part } from "../find/batch.ts";
import { gatherPostings, gatherRows } from "../find/gather.ts";
import type { HitBatch } from "../find/hits.ts";
import { type FindOptions, type Index, type IndexFacts, NO_FACTS } from "../find/index.ts";
import { mergedParts } from "../find/merge.ts";
import { costsOf, slicesOf, stretchesOf } from "../find/plan.ts";
import type { Estimate, Gap, Query } from "../find/query.ts";
import { Tally, type TallyWanted } from "../find/tally.ts";
import { parseAddress } from "../records/address.ts";
import { DamagedFile } from "../segment/section-file.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { type Manifest, manifestVersion, readManifest } from "./manifest.ts";
import { rebuildPostings, rebuildSegment } from "./rebuild.ts";
import { closeSnapshot, type OpenSnapshot, openSnapshot, without } from "./snapshot.ts";

export interface ChunkSettings {
  readonly folder: string;
  readonly name: string;
  readonly clock: Clock;
  /** Told of what was damaged and what became of it. */
  readonly told?: ((text: string) => void) | undefined;
  /** What looks through long raw logs for one address, asleep. */
  readonly search?: LineSearch | undefined;
}

/** How long an awake chunk believes that its manifest is the newest. */
const BELIEVED_MS = 100;

export class Chunk implements Index {
  readonly name: string;
  readonly folder: string;
  readonly #clock: Clock;
  readonly #told: (text: string) => void;
  readonly #search: LineSearch | undefined;
  #snapshot: OpenSnapshot | undefined;
  #lookedAt = 0;
  // Asleep: where its raw files are, and what of them it has.
  readonly #located = new Located();
  #read: { readonly version: string; readonly manifest: Manifest | undefined } | undefined;
  /** Questions under way on a snapshot that another took the place of; closed when they are done. */
  readonly #users = new Map<OpenSnapshot, number>();

  constructor({ folder, name, clock, told = () => {}, search }: ChunkSettings) {
    this.#search = search;
    this.folder = folder;
    this.name = name;
    this.#clock = clock;
    this.#told = told;
  }

  map(): readonly Index[] {
    return [this];
  }

  reduce(answers: readonly AsyncIterable<Part>[]): AsyncIterable<Part> {
    return mergedParts(answers);
  }

  get awake(): boolean {
    return this.#snapshot !== undefined;
  }

  async wakeUp(): Promise<void> {
    this.#fresh();
  }

  sleep(): void {
    this.#put(undefined);
  }

  /** The newest snapshot. */
  #fresh(): OpenSnapshot {
    const now = this.#clock.now();
    const known = this.#snapshot;
    if (known !== undefined && now - this.#lookedAt < BELIEVED_MS) return known;
    this.#lookedAt = now;
    if (known !== undefined && manifestVersion(this.folder) === known.version) return known;
    const opened = openSnapshot(this.folder);
    this.#put(opened);
    return opened;
  }

  #put(next: OpenSnapshot | undefined): void {
    const before = this.#snapshot;
    this.#snapshot = next;
    if (before !== undefined && !this.#users.has(before)) closeSnapshot(before);
  }

  #use(snapshot: OpenSnapshot): void {
    this.#users.set(snapshot, (this.#users.get(snapshot) ?? 0) + 1);
  }

  #unuse(snapshot: OpenSnapshot): void {
    const left = (this.#users.get(snapshot) ?? 1) - 1;
    if (left > 0) this.#users.set(snapshot, left);
    else {
      this.#users.delete(snapshot);
      if (snapshot !== this.#snapshot) closeSnapshot(snapshot);
    }
  }

  async *find(query: Query, options: FindOptions = {}): AsyncGenerator<Part> {
    if (!this.awake) {
      const batches = await this.#findAsleep(query);
      if (batches !== undefined) {
        for (const batch of batches) yield { batch };
        return;
      }
    }
    let opened: OpenSnapshot;
    try {
      opened = await this.#healed();
    } catch (error) {
      yield { gap: this.#gap(query, error) };
      return;
    }
    yield* this.#findAwake(opened, query, options);
  }

  async #findAsleep(query: Query): Promise<Batch[] | undefined> {
    try {
      const manifest = this.#manifest();
      const files = manifest === undefined ? undefined : await rawFilesOf(manifest, query, this.#located);
      return files === undefined ? undefined : await findRaw(files, query, this.#search);
    } catch (error) {
      // The index answers what the raw files cannot.
      if (error instanceof Fault || error instanceof DamagedFile) return undefined;
      throw error;
    }
  }

  /** The newest, as it was read last. */
  #manifest(): Manifest | undefined {
    const version = manifestVersion(this.folder);
    if (this.#read?.version !== version) this.#read = { version, manifest: readManifest(this.folder) };
    return this.#read.manifest;
  }

  async *#findAwake(
    opened: OpenSnapshot,
    query: Query,
    { signal, withoutLines = false }: FindOptions,
  ): AsyncGenerator<Part> {
    let snapshot = opened;
    let used = opened;
    this.#use(used);
    try {
      let at = query.from;
      for (;;) {
        try {
          for (const { batch, until } of batchesOf(snapshot, { ...query, from: at })) {
            // Once it is given out, nothing that is damaged can be mended any more.
            if (!withoutLines) batch.checkLines();
            at = until;
            if (batch.count > 0) yield { batch };
            if (signal?.aborted) {
              yield { gap: { where: this.name, from: at, to: query.to, why: asError(signal.reason).message } };
              return;
            }
          }
          break;
        } catch (error) {
          if (!(error instanceof DamagedFile)) throw error;
          const reduced = without(snapshot, error);
          if (reduced === undefined) throw error;
          snapshot = reduced;
          if (!(await this.#heal(reduced))) continue;
          snapshot = openSnapshot(this.folder);
          this.#use(snapshot);
          this.#put(snapshot);
          this.#unuse(used);
          used = snapshot;
        }
      }
      yield* gapsOf(snapshot, query, this.name).map((gap) => ({ gap }));
    } finally {
      this.#unuse(used);
    }
  }

  /** A snapshot without damage, as far as it can be had. Throws where there is none. */
  async #healed(): Promise<OpenSnapshot> {
    let snapshot: OpenSnapshot;
    try {
      snapshot = this.#fresh();
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      this.#told(`${error.message}; 'unum logs add' with its log reads it again`);
      throw error;
    }
    if (snapshot.damaged.length === 0 && snapshot.damagedPostings.length === 0) return snapshot;
    if (!(await this.#heal(snapshot))) return snapshot;
    this.#lookedAt = Number.NEGATIVE_INFINITY;
    return this.#fresh();
  }

  /** Makes again what is damaged. False where nothing could be. */
  async #heal(snapshot: OpenSnapshot): Promise<boolean> {
    let writer: ChunkWriter;
    try {
      writer = new ChunkWriter({ folder: this.folder });
    } catch (error) {
      this.#told(`${this.name} is damaged and cannot be repaired now: ${asError(error).message}`);
      return false;
    }
    let isHealed = false;
    try {
      for (const { entry, why } of snapshot.damaged) {
        const isMade = await rebuildSegment(writer, entry);
        isHealed ||= isMade;
        this.#told(`${why}; ${isMade ? "made again from its raw files" : "its raw files are gone or changed"}`);
      }
      for (const name of snapshot.damagedPostings) {
        try {
          rebuildPostings(writer, name);
          isHealed = true;
          this.#told(`${name}.post of ${this.name} is damaged; made again from its segments`);
        } catch (error) {
          if (!(error instanceof DamagedFile)) throw error;
        }
      }
    } catch (error) {
      // Without room nothing can be made again: what is damaged is missing, and the rest is answered.
      if (!(error instanceof Fault)) throw error;
      this.#told(`${this.name} is damaged and cannot be repaired now: ${error.message}`);
    } finally {
      writer.close();
    }
    return isHealed;
  }

  /** Reads every byte, and makes again what is damaged and can be. Answers what is still wrong. */
  async repair(): Promise<readonly string[]> {
    for (;;) {
      let snapshot = openSnapshot(this.folder);
      const files = [...snapshot.segments, ...snapshot.postings].map(({ file }) => file);
      for (const file of files) {
        try {
          file.verify();
        } catch (error) {
          if (!(error instanceof DamagedFile)) throw error;
          snapshot = without(snapshot, error) ?? snapshot;
        }
      }
      for (const file of files) file.close();
      const wrong = [...snapshot.damaged.map(({ why }) => why), ...snapshot.damagedPostings];
      if (wrong.length === 0 || !(await this.#heal(snapshot))) return wrong;
    }
  }

  #gap(query: Query, error: unknown): Gap {
    return { where: this.name, from: query.from, to: query.to, why: asError(error).message };
  }

  async tally(query: Query, wanted: TallyWanted, options: FindOptions = {}): Promise<Tally> {
    const tally = new Tally(wanted);
    if (this.awake && query.addresses === undefined) {
      const snapshot = this.#fresh();
      if (snapshot.damaged.length === 0 && quickTally(snapshot, query, tally)) return tally;
    }
    for await (const part of this.find(query, { ...options, withoutLines: true })) {
      if ("gap" in part) tally.gaps.push(part.gap);
      else tally.add(part.batch, (text) => parseAddress(text)?.other ?? "");
    }
    return tally;
  }

  async estimate(query: Query): Promise<Estimate> {
    const snapshot = openOrUse(this.#snapshot, this.folder);
    try {
      const stretches = stretchesOf(snapshot, query.from, query.to);
      const { records, ns, road } = costsOf(snapshot, query, stretches);
      return {
        ...{ records, bytes: road === "rows" ? records * 10 : records * 10, chunks: stretches.length, nodes: 1 },
        ...{ ms: ns / 1e6, memoryBytes: Math.min(records, 1 << 19) * 40, gaps: gapsOf(snapshot, query, this.name) },
      };
    } finally {
      if (snapshot !== this.#snapshot) closeSnapshot(snapshot);
    }
  }

  async facts(): Promise<IndexFacts> {
    return factsOf(readManifest(this.folder));
  }

  async valid(): Promise<readonly string[]> {
    let snapshot: OpenSnapshot;
    try {
      snapshot = openSnapshot(this.folder);
    } catch (error) {
      return [asError(error).message];
    }
    try {
      const wrong = [
        ...snapshot.damaged.map(({ why }) => why),
        ...snapshot.damagedPostings.map((name) => `${name}.post is damaged`),
      ];
      for (const { file } of [...snapshot.segments, ...snapshot.postings]) {
        try {
          file.verify();
        } catch (error) {
          wrong.push(asError(error).message);
        }
      }
      return wrong;
    } finally {
      closeSnapshot(snapshot);
    }
  }
}

/** Batches in order of time; after one, everything before `until` is answered. */
function* batchesOf(
  snapshot: OpenSnapshot,
  query: Query,
): Generator<{ readonly batch: HitBatch; readonly until: number }> {
  const { addresses, to } = query;
  if (addresses !== undefined) {
    const stretches = stretchesOf(snapshot, query.from, to);
    const { road, records } = costsOf(snapshot, query, stretches);
    if (road === "postings") {
      yield { batch: gatherPostings(snapshot, stretches, addresses, records), until: to };
      return;
    }
  }
  for (const slice of slicesOf(snapshot, query.from, to))
    yield { batch: gatherRows(snapshot, slice, addresses), until: slice.to };
}

function gapsOf({ damaged }: OpenSnapshot, { from, to }: Query, name: string): Gap[] {
  return damaged
    .filter(({ entry }) => entry.to >= from && entry.from < to)
    .map(({ entry, why }) => ({
      ...{ where: `${name}/${entry.name}`, from: Math.max(from, entry.from), to: Math.min(to, entry.to + 1), why },
    }));
}

/** From times and sketches alone; false where records must be looked at. */
function quickTally(snapshot: OpenSnapshot, query: Query, tally: Tally): boolean {
  const { addresses, sketch, statuses, bucketSeconds } = tally.wanted;
  if (addresses === true || statuses === true) return false;
  const stretches = stretchesOf(snapshot, query.from, query.to);
  for (const { ordinal, first, end } of stretches) {
    const segment = snapshot.segments[ordinal];
    if (segment === undefined) continue;
    tally.count += end - first;
    if (sketch === true) {
      if (first === 0 && end === segment.rows) tally.sketch.merge(segment.sketch);
      else {
        const batch = gatherRows(
          snapshot,
          { from: query.from, to: query.to, stretches: [{ ordinal, first, end }] },
          undefined,
        );
        for (let i = 0; i < batch.count; i++) {
          if (batch.isOther(i)) tally.sketch.addOther(parseAddress(batch.addressText(i))?.other ?? "");
          else tally.sketch.addV4(batch.addresses[i] ?? 0);
        }
      }
    }
    if (bucketSeconds !== undefined) {
      for (let row = first; row < end; ) {
        const bucket = Math.floor(segment.times.timeOf(row) / bucketSeconds);
        const next = Math.min(end, segment.times.firstAt((bucket + 1) * bucketSeconds));
        tally.buckets.set(bucket, (tally.buckets.get(bucket) ?? 0) + next - row);
        row = next;
      }
    }
  }
  return true;
}

function openOrUse(known: OpenSnapshot | undefined, folder: string): OpenSnapshot {
  return known ?? openSnapshot(folder);
}

export function factsOf(manifest: Manifest | undefined): IndexFacts {
  return (manifest?.segments ?? []).reduce<IndexFacts>(
    (facts, { rows, from, to, bytes }) => ({
      records: facts.records + rows,
      from: Math.min(facts.from, from),
      to: Math.max(facts.to, to),
      bytes: facts.bytes + bytes,
      chunks: facts.chunks + 1,
    }),
    NO_FACTS,
  );
}
