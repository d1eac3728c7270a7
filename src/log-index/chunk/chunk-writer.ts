// The writing side of a chunk: files are read into a segment under construction, which is sealed when it is full.
//
//   file ──▶ lines ──▶ builder ──full──▶ segment + postings ──▶ manifest
//
// Invariants (with M1 to M3 of the manifest)
//   W1. The manifest takes in a segment and the offsets of all sources in one step, so a line is in a segment exactly
//       when the offset is behind it.
//   W2. What is read and not yet sealed is read again after a crash: the raw file is the journal.

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parserFor } from "../parsing/format.ts";
import type { Parsed } from "../parsing/parsed.ts";
import { DamagedFile } from "../segment/section-file.ts";
import { SegmentBuilder } from "../segment/segment-builder.ts";
import { WriterScratch, writeSegment } from "../segment/segment-writer.ts";
import { diskFull, isDiskFull } from "./disk-full.ts";
import { LineReader, type LineSink } from "./line-reader.ts";
import { type BadLine, type Manifest, NEW_MANIFEST, readManifest, type SourcePart, writeManifest } from "./manifest.ts";
import { contentOf, fileFacts, fingerprint, headOf, packingOf } from "./source-file.ts";
import { knownSource, LiveSource } from "./sources.ts";
import { type TidySettings, tidied } from "./tidy.ts";
import { lockWriter } from "./writer-lock.ts";

export interface WriterSettings {
  readonly folder: string;
  /** Rows of a segment; fewer in tests. */
  readonly segmentRows?: number;
}

export interface AddSettings {
  /** auto, common, combined, json, pattern:… */
  readonly format: string;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then: bytes of the content, unpacked, that were read since the last time, and records. */
  readonly progress?: ((bytes: number, records: number) => void) | undefined;
}

export type Added =
  | { readonly path: string; readonly outcome: "unchanged" | "no-format" | "truncated" | "empty" }
  | {
      readonly path: string;
      readonly outcome: "read";
      readonly records: number;
      readonly bad: number;
      readonly badLines: readonly BadLine[];
      readonly bytes: number;
      /** Bytes at the end that wait for the end of their line. */
      readonly pending: number;
      readonly format: string;
    };

/** Bytes that a format is guessed from. */
const SAMPLE_BYTES = 64 << 10;

export class ChunkWriter {
  readonly folder: string;
  readonly #segmentRows: number | undefined;
  readonly #unlock: () => void;
  #manifest: Manifest;
  #builder: SegmentBuilder | undefined;
  readonly #scratch = new WriterScratch();
  /** Where the lines of the builder come from; the open one grows. */
  #parts: SourcePart[] = [];
  #open: { readonly live: LiveSource; readonly from: number } | undefined;
  readonly #live = new Map<number, LiveSource>();

  /** `overloaded` while another process writes. A damaged manifest is begun anew: all is read again. */
  constructor({ folder, segmentRows }: WriterSettings) {
    this.folder = folder;
    this.#segmentRows = segmentRows;
    mkdirSync(folder, { recursive: true });
    this.#unlock = lockWriter(folder);
    try {
      this.#manifest = readManifest(folder) ?? NEW_MANIFEST;
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      this.#manifest = NEW_MANIFEST;
    }
    this.#removeLeftovers();
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Reads what of the file was not read before. */
  async addFile(path: string, settings: AddSettings): Promise<Added> {
    const facts = fileFacts(path);
    const sources = [...this.#manifest.sources.filter(({ id }) => !this.#live.has(id)), ...this.#liveEntries()];
    const unchanged = sources.some(
      (source) => source.path === path && source.fileBytes === facts.bytes && source.fileTime === facts.time,
    );
    if (unchanged) return { path, outcome: "unchanged" };
    if (facts.bytes === 0) return { path, outcome: "empty" };
    const packing = packingOf(path);
    const head = await headOf(path, packing);
    const known = await knownSource(path, packing, head, sources);
    if (known === "truncated") return { path, outcome: "truncated" };
    const sample = await headOf(path, packing, SAMPLE_BYTES);
    const parser = parserFor(known?.format ?? settings.format, sample);
    if (parser === undefined) return { path, outcome: "no-format" };
    const id = known?.id ?? this.#nextId();
    const live = new LiveSource({
      id,
      path,
      format: parser.format,
      head: fingerprint(head),
      isPacked: packing !== "none",
      before: known,
    });
    this.#live.set(id, live);
    const started = { offset: live.offset, records: live.records, bad: live.bad };
    this.#open = { live, from: live.offset };
    const reader = new LineReader(parser, this.#sink(live));
    try {
      for await (const bytes of contentOf(path, packing, live.offset)) {
        const before = live.records;
        reader.push(bytes);
        live.tail.push(bytes);
        settings.progress?.(bytes.length, live.records - before);
        if (settings.signal?.aborted) throw settings.signal.reason;
      }
      if (packing !== "none") reader.end();
      live.readToEnd(facts);
    } finally {
      this.#closePart();
      this.#open = undefined;
    }
    return {
      ...{ path, outcome: "read", format: parser.format, badLines: live.badLines, pending: reader.pending },
      ...{ records: live.records - started.records, bad: live.bad - started.bad, bytes: live.offset - started.offset },
    };
  }

  #sink(live: LiveSource): LineSink {
    return {
      hasRoom: () => !this.#building().isFull,
      makeRoom: () => this.#seal(),
      take: (bytes: Uint8Array, from: number, to: number, parsed: Parsed) => {
        this.#building().add(bytes, from, to, parsed);
        live.take(parsed.time);
      },
      refuse: (why) => live.refuse(why),
      passed: (bytes) => {
        live.offset += bytes;
      },
    };
  }

  #building(): SegmentBuilder {
    this.#builder ??= new SegmentBuilder(this.#segmentRows);
    return this.#builder;
  }

  /** What was read so far is found by questions from now on, and survives. */
  flush(): void {
    this.#seal();
  }

  #seal(): void {
    const builder = this.#builder;
    const segments = [...this.#manifest.segments];
    const postings = [...this.#manifest.postings];
    let { next } = this.#manifest;
    if (builder !== undefined && builder.rows > 0) {
      const name = `s${String(next++).padStart(6, "0")}`;
      const written = this.#onDisk(name, () => writeSegment(join(this.folder, name), builder, this.#scratch));
      this.#closePart();
      segments.push({ name, ...written, parts: this.#parts });
      postings.push({ name, segments: [name] });
    }
    this.#replace({ ...this.#manifest, next, segments, postings, sources: this.#sources() });
    builder?.clear();
    this.#parts = [];
    if (this.#open !== undefined) this.#open = { ...this.#open, from: this.#open.live.offset };
  }

  #closePart(): void {
    if (this.#open === undefined) return;
    const { live, from } = this.#open;
    if (live.offset > from) this.#parts.push({ source: live.id, from, to: live.offset });
    this.#open = { live, from: live.offset };
  }

  #liveEntries() {
    return [...this.#live.values()].map((live) => live.entry());
  }

  #sources() {
    const live = new Map(this.#liveEntries().map((entry) => [entry.id, entry]));
    const known = this.#manifest.sources.map((entry) => live.get(entry.id) ?? entry);
    const added = [...live.values()].filter(({ id }) => !known.some((entry) => entry.id === id));
    return [...known, ...added];
  }

  #nextId(): number {
    const ids = [...this.#manifest.sources.map(({ id }) => id), ...this.#live.keys()];
    return Math.max(0, ...ids) + 1;
  }

  /** Joins small segments and postings, and lets go of what is older than `before`. Answers what was done. */
  tidy(settings: TidySettings = {}): { readonly joined: number; readonly dropped: number } {
    this.flush();
    const done = this.#onDisk("", () => tidied(this.folder, this.#manifest, settings));
    if (done.manifest !== this.#manifest) this.#replace(done.manifest);
    this.#removeLeftovers();
    return done;
  }

  /** Another manifest in place of this one, for who repairs. */
  replace(change: (manifest: Manifest) => Manifest): void {
    this.flush();
    this.#replace(this.#onDisk("", () => change(this.#manifest)));
    this.#removeLeftovers();
  }

  #replace(manifest: Manifest): void {
    const next = { ...manifest, generation: this.#manifest.generation + 1 };
    this.#onDisk("manifest.json", () => writeManifest(this.folder, next));
    this.#manifest = next;
  }

  #onDisk<T>(what: string, act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (isDiskFull(error)) {
        this.#removeLeftovers();
        throw diskFull(join(this.folder, what), error);
      }
      throw error;
    }
  }

  #removeLeftovers(): void {
    const named = new Set([
      ...this.#manifest.segments.map(({ name }) => `${name}.seg`),
      ...this.#manifest.postings.map(({ name }) => `${name}.post`),
    ]);
    for (const file of readdirSync(this.folder)) {
      if (/\.(?:seg|post|new)$/.test(file) && !named.has(file)) rmSync(join(this.folder, file), { force: true });
    }
  }

  /** Without a flush: what was not sealed is read again by the next writer. */
  close(): void {
    this.#unlock();
  }
}
