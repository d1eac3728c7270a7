// What a node says of itself: it alone raises its incarnation, counts the versions of its entry and may say that it left.
//
// Load changes with every call, and telling each change would fill any budget: what is published is limited by the
// allowance (budget.ts), and what changes meanwhile is published as it is then. Containers that come or go wait shortly
// at most; running out of room, or having room again, may overdraw the allowance, since placement decides by it.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Fault } from "../base/fault.ts";
import type { Random } from "../base/random.ts";
import { ContainerEntrySchema, type Entry, EntrySchema } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import type { Allowance } from "./budget.ts";
import type { Contact, Content, Load } from "./knowledge.ts";
import { RUMOUR_LIMITS } from "./rumour.ts";

/** What is published of one node is at least this far apart. */
const LEAST_APART_MS = 250;

/** The longest that a change of containers waits for the allowance. */
const CONTENT_WAIT_MS = 2_000;

/** About what a rumour needs besides the entry or the numbers. */
const RUMOUR_BYTES = 36;

/** Numbers of a load before those of its containers: spares and startable. */
const HEAD = 2;
/** Where a container's free places stand, of three. */
const FREE = (HEAD + 2) % 3;

export class OwnNode {
  readonly id: string;
  /** How long others are to remember that it left. */
  readonly leftLifetimeMs: number;
  incarnation: number;
  state: "alive" | "left" = "alive";
  contact: Contact;
  readonly #allowance: Allowance;
  readonly #random: Random;
  /** Drawn for each load: nodes that start together do not go on speaking all at once. */
  #patience = 1;
  #entry: Entry = create(EntrySchema);
  #structure: Uint8Array = new Uint8Array();
  #numbers: readonly number[] = [];
  #content: Content | undefined;
  #load: Load | undefined;
  #publishedStructure: Uint8Array | undefined;
  #publishedNumbers: readonly number[] = [];
  #publishedAt = Number.NEGATIVE_INFINITY;

  constructor(of: {
    id: string;
    incarnation: number;
    contact: Omit<Contact, "incarnation">;
    allowance: Allowance;
    random: Random;
    leftLifetimeMs: number;
  }) {
    this.id = of.id;
    this.leftLifetimeMs = of.leftLifetimeMs;
    this.incarnation = of.incarnation;
    this.contact = { ...of.contact, incarnation: of.incarnation };
    this.#allowance = of.allowance;
    this.#random = of.random;
  }

  get isLeaving(): boolean {
    return this.state === "left";
  }

  get entry(): Entry {
    return this.#entry;
  }

  /** As published last; undefined before the first time. */
  get content(): Content | undefined {
    return this.#content;
  }

  get load(): Load | undefined {
    return this.#load;
  }

  /** Throws the Fault `invalid` where the entry is larger than others take. */
  update(entry: MessageInitShape<typeof EntrySchema>): void {
    const whole = create(EntrySchema, entry);
    const structure = toBinary(EntrySchema, withoutLoad(whole));
    if (structure.length > RUMOUR_LIMITS.entryBytes / 2) {
      const most = RUMOUR_LIMITS.entryBytes / 2;
      throw new Fault("invalid", `an entry of ${structure.length} bytes; at most ${most} are told`);
    }
    this.#entry = whole;
    this.#structure = structure;
    this.#numbers = numbersOf(whole);
  }

  /**
   * What was said in this node's name cannot stand: a later incarnation overrides it. What it has published stays as
   * it is, unless somebody knows more of it than it does itself, from a former life: then it is published anew.
   */
  raiseIncarnation(heard: { incarnation: number; ofFormerLife: boolean }): void {
    this.incarnation = Math.max(this.incarnation, heard.incarnation) + 1;
    this.contact = { ...this.contact, incarnation: this.incarnation };
    if (heard.ofFormerLife) this.#publishedStructure = undefined;
  }

  /** When something is to be published, were nothing else to change; Infinity: nothing. */
  dueAt(nodes: number, now: number): number {
    const wait = this.#waitMs(nodes, now);
    if (wait === undefined) return Number.POSITIVE_INFINITY;
    // What is left of a millisecond is not waited for.
    return Math.max(this.#publishedAt + LEAST_APART_MS, wait < 1 ? now : now + wait);
  }

  /** The part that is new now. */
  publish(now: number): "content" | "load" | undefined {
    if (!this.#structureIsNew()) return this.#numbersAreNew() ? this.#publishLoad(now) : undefined;
    const entry = toBinary(EntrySchema, this.#entry);
    this.#content = { incarnation: this.incarnation, version: (this.#content?.version ?? 0) + 1, entry };
    this.#load = undefined;
    this.#publishedStructure = this.#structure;
    this.#publishedNumbers = this.#numbers;
    this.#paid(RUMOUR_BYTES + entry.length, now);
    return "content";
  }

  #publishLoad(now: number): "load" {
    const { incarnation = this.incarnation, version: of = 0 } = this.#content ?? {};
    this.#load = { incarnation, of, version: (this.#load?.version ?? 0) + 1, numbers: this.#numbers };
    this.#publishedNumbers = this.#numbers;
    this.#paid(RUMOUR_BYTES + this.#numbers.length, now);
    return "load";
  }

  #paid(bytes: number, now: number): void {
    this.#allowance.spend(bytes);
    this.#publishedAt = now;
    this.#patience = 0.5 + this.#random.float();
  }

  #waitMs(nodes: number, now: number): number | undefined {
    if (this.#structureIsNew()) {
      return Math.min(CONTENT_WAIT_MS, this.#allowance.waitMs(RUMOUR_BYTES + this.#structure.length, nodes, now));
    }
    if (!this.#numbersAreNew()) return undefined;
    const bytes = RUMOUR_BYTES + this.#numbers.length;
    const urgent = hasRoom(this.#numbers) !== hasRoom(this.#publishedNumbers);
    return this.#allowance.waitMs(urgent ? 0 : bytes * this.#patience, nodes, now);
  }

  #structureIsNew(): boolean {
    return this.#publishedStructure === undefined || Buffer.compare(this.#structure, this.#publishedStructure) !== 0;
  }

  #numbersAreNew(): boolean {
    const published = this.#publishedNumbers;
    return this.#numbers.some((number, place) => number !== published[place]);
  }
}

/** In the order that `withNumbers` reads. */
export function numbersOf({ spares, startable, containers }: Entry): number[] {
  return [spares, startable, ...containers.flatMap(({ waiting, running, free }) => [waiting, running, free])];
}

/** The entry with these numbers instead of its own; undefined where they are of other containers. */
export function withNumbers(entry: Entry, numbers: readonly number[]): Entry | undefined {
  if (numbers.length !== HEAD + 3 * entry.containers.length) return undefined;
  const containers = entry.containers.map((container, place) => {
    const [waiting = 0, running = 0, free = 0] = numbers.slice(HEAD + 3 * place, HEAD + 3 + 3 * place);
    return create(ContainerEntrySchema, { ...container, waiting, running, free });
  });
  const [spares = 0, startable = 0] = numbers;
  return create(EntrySchema, { ...entry, spares, startable, containers });
}

function withoutLoad(entry: Entry): Entry {
  const nothing = numbersOf(entry).fill(0);
  return withNumbers(entry, nothing) ?? entry;
}

/** A spare, a container that could be started, or a place in one that runs. */
function hasRoom(numbers: readonly number[]): boolean {
  return numbers.some((number, place) => (place < HEAD || place % 3 === FREE) && number > 0);
}
