// An index over indexes: what a folder has, as its config says: its own chunk, its folders, servers elsewhere.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { LineSearch } from "../asleep/line-search.ts";
import { Chunk } from "../chunk/chunk.ts";
import { manifestVersion } from "../chunk/manifest.ts";
import type { Part } from "../find/batch.ts";
import { type FindOptions, factsOfBoth, type Index, type IndexFacts, NO_FACTS } from "../find/index.ts";
import { mergedParts } from "../find/merge.ts";
import { costOfBoth, type Estimate, NO_COST, type Query } from "../find/query.ts";
import { Tally, type TallyWanted } from "../find/tally.ts";
import type { Claims } from "./claims.ts";
import { CHUNK, type Config, configVersion, notedFacts, readConfig } from "./config.ts";
import { type Fetch, UrlDispatcher } from "./url-dispatcher.ts";

const ALWAYS: Query = { from: 0, to: Number.POSITIVE_INFINITY };

export interface DispatcherSettings {
  readonly folder: string;
  /** "" for the one at the top. */
  readonly name: string;
  readonly clock: Clock;
  readonly fetch: Fetch;
  readonly told?: ((text: string) => void) | undefined;
  readonly search?: LineSearch | undefined;
  /** By which servers know this index again; a question that comes back to it ends. */
  readonly id?: string | undefined;
  /** A name for a question that has none, never given twice. Without it, a server that is reached by two ways answers both. */
  readonly newQuestion?: (() => string) | undefined;
  /** What was answered before, where questions come from others. */
  readonly claims?: Claims | undefined;
}

export class IndexDispatcher implements Index {
  readonly name: string;
  readonly folder: string;
  readonly #settings: DispatcherSettings;
  #awake = false;
  #version: string | undefined;
  #config: Config = { version: 1, folders: [], urls: [] };
  readonly #children = new Map<string, Index>();

  constructor(settings: DispatcherSettings) {
    this.name = settings.name;
    this.folder = settings.folder;
    this.#settings = settings;
  }

  /** Children that the question's span touches; those of whose time nothing certain is noted are asked. */
  map(query: Query): readonly Index[] {
    const config = this.#upToDate();
    const chunkFolder = join(this.folder, CHUNK);
    const chunkVersion = manifestVersion(chunkFolder);
    const chunkFacts = config.chunk?.version === chunkVersion ? config.chunk.facts : undefined;
    const chunk =
      chunkVersion !== "" && touches(chunkFacts, query) ? [this.#child(CHUNK, () => this.#newChunk(chunkFolder))] : [];
    const folders = config.folders
      .filter((child) => touches(notedFacts(this.folder, child), query))
      .map(({ name }) => this.#child(name, () => this.#newFolder(name)));
    return [...chunk, ...folders, ...this.#servers(config)];
  }

  reduce(answers: readonly AsyncIterable<Part>[]): AsyncIterable<Part> {
    return mergedParts(answers);
  }

  find(query: Query, options: FindOptions = {}): AsyncIterable<Part> {
    const asked = this.#asked(options);
    return this.reduce(this.#unclaimed("find", query, asked).map((index) => index.find(query, asked)));
  }

  async tally(query: Query, wanted: TallyWanted, options: FindOptions = {}): Promise<Tally> {
    const asked = this.#asked(options);
    const total = new Tally(wanted);
    const parts = this.#unclaimed("tally", query, asked);
    for (const tally of await Promise.all(parts.map((index) => index.tally(query, wanted, asked)))) total.merge(tally);
    return total;
  }

  async estimate(query: Query, options: FindOptions = {}): Promise<Estimate> {
    const asked = this.#asked(options);
    const parts = this.#unclaimed("estimate", query, asked);
    const costs = await Promise.all(parts.map((index) => index.estimate(query, asked)));
    return costs.reduce(costOfBoth, NO_COST);
  }

  async facts(options: FindOptions = {}): Promise<IndexFacts> {
    const asked = this.#asked(options);
    const parts = this.#unclaimed("facts", ALWAYS, asked);
    const all = await Promise.all(parts.map((index) => index.facts(asked)));
    return all.reduce(factsOfBoth, NO_FACTS);
  }

  #asked(options: FindOptions): FindOptions {
    const { id, newQuestion } = this.#settings;
    const { via = id === undefined ? [] : [id], question = newQuestion?.() } = options;
    return { ...options, via, ...(question === undefined ? {} : { question }) };
  }

  /** Servers see by themselves whether they were asked before. */
  #unclaimed(what: string, query: Query, { question }: FindOptions): readonly Index[] {
    const { claims } = this.#settings;
    const parts = this.map(query);
    if (claims === undefined || question === undefined) return parts;
    return parts.filter((part) => !(part instanceof Chunk) || claims.take(`${what} ${question}`, part.folder));
  }

  async valid(): Promise<readonly string[]> {
    return (await Promise.all(this.#all().map((index) => index.valid()))).flat();
  }

  get awake(): boolean {
    return this.#awake;
  }

  /** What was put to sleep by its config sleeps on. */
  async wakeUp(): Promise<void> {
    this.#awake = true;
    const isAsleep = this.#upToDate().asleep === true;
    await Promise.all(this.#all().map((index) => (isAsleep && index instanceof Chunk ? undefined : index.wakeUp())));
  }

  sleep(): void {
    this.#awake = false;
    for (const child of this.#children.values()) child.sleep();
  }

  /** Names of what can be asked for below it. */
  contents(): { readonly folders: readonly string[]; readonly servers: readonly string[] } {
    const config = this.#upToDate();
    return { folders: config.folders.map(({ name }) => name), servers: config.urls.map(({ name }) => name) };
  }

  get config(): Config {
    return this.#upToDate();
  }

  /** The index at a path such as "nginx/shop"; undefined where there is none. */
  at(path: string): Index | undefined {
    const [first, ...rest] = path.split("/").filter((part) => part !== "");
    if (first === undefined) return this;
    const config = this.#upToDate();
    const server = this.#servers(config).find(({ name }) => name === this.#path(first));
    if (server !== undefined) return rest.length === 0 ? server : undefined;
    if (!config.folders.some(({ name }) => name === first)) return undefined;
    const child = this.#child(first, () => this.#newFolder(first));
    return child instanceof IndexDispatcher ? child.at(rest.join("/")) : undefined;
  }

  /** Its own chunk; undefined where it has none. */
  get chunk(): Chunk | undefined {
    const folder = join(this.folder, CHUNK);
    if (!existsSync(folder)) return undefined;
    const chunk = this.#child(CHUNK, () => this.#newChunk(folder));
    return chunk instanceof Chunk ? chunk : undefined;
  }

  #all(): readonly Index[] {
    return this.map(ALWAYS);
  }

  #servers(config: Config): Index[] {
    return config.urls.map(({ name, url, token }) =>
      this.#child(
        `url ${name} ${url}`,
        () =>
          new UrlDispatcher({
            ...{ name: this.#path(name), url, token, clock: this.#settings.clock },
            ...{ fetch: this.#settings.fetch, via: this.#settings.id === undefined ? [] : [this.#settings.id] },
          }),
      ),
    );
  }

  #newChunk(folder: string): Index {
    const { clock, told, search } = this.#settings;
    return this.#asleepOrNot(new Chunk({ folder, name: this.name === "" ? "." : this.name, clock, told, search }));
  }

  #newFolder(name: string): Index {
    return this.#asleepOrNot(
      new IndexDispatcher({ ...this.#settings, folder: join(this.folder, name), name: this.#path(name) }),
    );
  }

  /** A child that is met later sleeps or wakes as its folder does; what cannot wake answers as it can. */
  #asleepOrNot(child: Index): Index {
    const isAsleep = child instanceof Chunk && this.#config.asleep === true;
    if (this.#awake && !isAsleep)
      child.wakeUp().catch((error: unknown) => this.#settings.told?.(asError(error).message));
    return child;
  }

  #path(name: string): string {
    return this.name === "" ? name : `${this.name}/${name}`;
  }

  #child(key: string, make: () => Index): Index {
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#children.set(key, made);
    return made;
  }

  #upToDate(): Config {
    const version = configVersion(this.folder);
    if (version !== this.#version || version === "") {
      if (!existsSync(this.folder)) {
        throw new Fault("not-found", `there is no index in ${this.folder}; make one with 'unum logs add FOLDER'`);
      }
      this.#config = readConfig(this.folder);
      this.#version = version;
      if (this.#config.asleep === true) this.#children.get(CHUNK)?.sleep();
    }
    return this.#config;
  }
}

/** Undefined facts: it may. */
function touches(facts: IndexFacts | undefined, { from, to }: Query): boolean {
  return facts === undefined || (facts.records > 0 && facts.to >= from && facts.from < to);
}
