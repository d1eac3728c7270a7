// Comparing two tables, so that what no datagram brought arrives all the same: anti-entropy (A. Demers and others:
// "Epidemic algorithms for replicated database maintenance", PODC 1987).
//
//   asking                                       answering
//   hashes of 64 parts of the table       ──▶    digests of the nodes in the parts that differ
//   ids wanted, rumours the other lacks   ──▶    rumours of the wanted, as many as there is room for
//   … until nothing is wanted
//
// Two tables that agree cost about 600 bytes, however many nodes there are. Every step has a size limit, and steps too:
// what is left is for the next time. Loads have no part in the hashes, since no two tables ever agree on them.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "../base/fault.ts";
import {
  type Digest,
  DigestSchema,
  NodeState,
  type SyncReply,
  SyncReplySchema,
  type SyncRequest,
  SyncRequestSchema,
} from "../messages/gen/unum/wire/v1/membership_pb.ts";
import { statusStatement } from "./gossip.ts";
import { LEAST_LIFETIME_MS } from "./judge.ts";
import { compareContentVersion } from "./knowledge.ts";
import { encodeRumour, isNodeId, readRumour, type Statement } from "./rumour.ts";
import { compareStatus, STATES, type State } from "./status.ts";
import type { NodeRecord, Table } from "./table.ts";

const PARTS = 64;

const ON_WIRE: Readonly<Record<State, NodeState>> = {
  alive: NodeState.ALIVE,
  suspect: NodeState.SUSPECT,
  dead: NodeState.DEAD,
  left: NodeState.LEFT,
};

export const SYNC_LIMITS = {
  /** Of the rumours in one step; a single large entry may exceed it. */
  rumourBytes: 256 * 1024,
  rumours: 8_192,
  digests: 4_096,
  wanted: 1_024,
  steps: 64,
} as const;

export interface SyncSelf {
  readonly network: string;
  readonly id: string;
}

/** What the answering side says. What the request teaches is in `statementsOf(request)`. Throws the Fault `invalid`. */
export function answerSync(table: Table, self: SyncSelf, request: SyncRequest, now: number): SyncReply {
  check(request, self);
  const parts = differing(table, request, now);
  const digests = digestsOf(table, new Set(parts), now);
  const rumours = rumoursOf(table, request.wanted, now);
  const partial = digests.length > SYNC_LIMITS.digests;
  return create(SyncReplySchema, { parts, digests: digests.slice(0, SYNC_LIMITS.digests), partial, rumours });
}

/** One comparison from the asking side. */
export class SyncSession {
  readonly #table: Table;
  readonly #self: SyncSelf;
  readonly #salt: number;
  #wanted: string[] = [];
  #offered: Uint8Array[] = [];
  #steps = 0;

  constructor(table: Table, self: SyncSelf, salt: number) {
    this.#table = table;
    this.#self = self;
    this.#salt = salt;
  }

  first(now: number): SyncRequest {
    this.#steps = 1;
    const rumours = rumoursOf(this.#table, [this.#self.id], now);
    return this.#request({ hashes: hashesOf(this.#table, this.#salt, now), rumours });
  }

  /** After the reply's statements were heard; undefined when there is nothing more to ask or tell. */
  next(reply: SyncReply, now: number): SyncRequest | undefined {
    if (reply.digests.length > SYNC_LIMITS.digests) throw tooMany("digests", reply.digests.length);
    const before = this.#wanted.length;
    if (this.#steps === 1) this.#compare(reply, now);
    else this.#wanted = this.#wanted.filter((id) => !this.#arrived.has(id));
    // A side that does not give what its digests promised is not asked for ever.
    if (this.#steps > 1 && this.#wanted.length === before) this.#wanted = [];
    const done = this.#wanted.length === 0 && this.#offered.length === 0;
    if (done || this.#steps++ >= SYNC_LIMITS.steps) return undefined;
    return this.#request({ wanted: this.#wanted.slice(0, SYNC_LIMITS.wanted), rumours: this.#takeOffered() });
  }

  /** Whose rumours came; to be told before `next`. */
  readonly #arrived = new Set<string>();

  arrived(statement: Statement): void {
    this.#arrived.add(statement.id);
  }

  #compare(reply: SyncReply, now: number): void {
    const theirs = new Map(reply.digests.map((digest) => [digest.id, digest]));
    for (const digest of reply.digests) {
      if (isNodeId(digest.id) && knowsMore(digest, this.#table.find(digest.id))) this.#wanted.push(digest.id);
    }
    // Of a partial reply it is not known what the other side lacks.
    if (reply.partial) return;
    const parts = new Set(reply.parts);
    for (const record of this.#table.records()) {
      if (!parts.has(partOf(record.id)) || !isTold(record, now)) continue;
      const digest = theirs.get(record.id);
      if (digest === undefined || knowsLess(digest, record)) this.#offered.push(...recordRumours(record, now));
    }
  }

  #takeOffered(): Uint8Array[] {
    let room: number = SYNC_LIMITS.rumourBytes;
    let count = 0;
    while (count < this.#offered.length && room > 0) room -= this.#offered[count++]?.length ?? 0;
    return this.#offered.splice(0, count);
  }

  #request(step: MessageInitShape<typeof SyncRequestSchema>): SyncRequest {
    const { network, id: from } = this.#self;
    return create(SyncRequestSchema, { network, from, salt: this.#salt, ...step });
  }
}

/** What a request or reply teaches. Throws the Fault `invalid`. */
export function statementsOf({ rumours }: { rumours: readonly Uint8Array[] }): Statement[] {
  if (rumours.length > SYNC_LIMITS.rumours) throw tooMany("rumours", rumours.length);
  return rumours.map(readRumour);
}

export function syncBytes(message: SyncRequest | SyncReply): number {
  const rumours = message.rumours.reduce((sum, rumour) => sum + rumour.length + 4, 0);
  if ("digests" in message) return rumours + message.digests.reduce((sum, { id }) => sum + id.length + 20, 0);
  return rumours + message.hashes.length * 4 + message.wanted.reduce((sum, id) => sum + id.length + 2, 0) + 60;
}

function check(request: SyncRequest, self: SyncSelf): void {
  if (request.network !== self.network) {
    throw new Fault("denied", `'${request.from}' is of network '${request.network}', this is '${self.network}'`);
  }
  if (!isNodeId(request.from)) throw new Fault("invalid", "a sync from nobody");
  const { hashes, wanted } = request;
  if (hashes.length !== 0 && hashes.length !== PARTS) {
    throw new Fault("invalid", `${hashes.length} hashes of a table; expected ${PARTS}, or none`);
  }
  if (wanted.length > SYNC_LIMITS.wanted) throw tooMany("wanted nodes", wanted.length);
}

function tooMany(what: string, count: number): Fault {
  return new Fault("invalid", `${count} ${what} in one step of a sync, which is more than its limit`);
}

function differing(table: Table, { hashes, salt }: SyncRequest, now: number): number[] {
  if (hashes.length === 0) return [];
  const own = hashesOf(table, salt, now);
  return own.flatMap((hash, part) => (hash === hashes[part] ? [] : [part]));
}

function digestsOf(table: Table, parts: ReadonlySet<number>, now: number): Digest[] {
  const digests: Digest[] = [];
  if (parts.size === 0) return digests;
  for (const record of table.records()) {
    const { id, status, content } = record;
    if (status === undefined || !parts.has(partOf(id)) || !isTold(record, now)) continue;
    digests.push(
      create(DigestSchema, {
        id,
        incarnation: BigInt(status.incarnation),
        state: ON_WIRE[status.state],
        entryIncarnation: BigInt(content?.incarnation ?? 0),
        entryVersion: BigInt(content?.version ?? 0),
      }),
    );
  }
  return digests;
}

function rumoursOf(table: Table, ids: readonly string[], now: number): Uint8Array[] {
  const rumours: Uint8Array[] = [];
  let room: number = SYNC_LIMITS.rumourBytes;
  for (const id of ids) {
    const record = table.find(id);
    if (record === undefined) continue;
    for (const rumour of recordRumours(record, now)) {
      rumours.push(rumour);
      room -= rumour.length;
    }
    if (room <= 0) break;
  }
  return rumours;
}

function recordRumours(record: NodeRecord, now: number): Uint8Array[] {
  const { id, content, load } = record;
  const status = statusStatement(record, now, true);
  if (status === undefined) return [];
  const rumours = [encodeRumour(status)];
  if (content !== undefined) rumours.push(encodeRumour({ kind: "content", id, ...content }));
  if (load !== undefined) rumours.push(encodeRumour({ kind: "load", id, ...load }));
  return rumours;
}

/** The sum of a part's nodes, which does not depend on their order. */
function hashesOf(table: Table, salt: number, now: number): number[] {
  const hashes = new Uint32Array(PARTS);
  for (const record of table.records()) {
    const { status, content } = record;
    if (status === undefined || !isTold(record, now)) continue;
    const part = partOf(record.id);
    let hash = hashText(record.id, salt);
    for (const number of [
      status.incarnation,
      STATES.indexOf(status.state),
      content?.incarnation ?? 0,
      content?.version ?? 0,
    ]) {
      hash = mix(mix(hash, number >>> 0), Math.floor(number / 2 ** 32));
    }
    hashes[part] = (hashes[part] ?? 0) + hash;
  }
  return [...hashes];
}

/** Whoever is about to be forgotten is not taught to others. */
function isTold({ status }: NodeRecord, now: number): boolean {
  return status !== undefined && status.until - now >= LEAST_LIFETIME_MS;
}

function knowsMore(digest: Digest, mine: NodeRecord | undefined): boolean {
  return mine?.status === undefined || compare(digest, mine).theirsIsNewer;
}

function knowsLess(digest: Digest, mine: NodeRecord): boolean {
  return compare(digest, mine).mineIsNewer;
}

function compare(digest: Digest, { status, content }: NodeRecord) {
  const state = STATES[digest.state] ?? "alive";
  const byStatus = status ? compareStatus(status, { incarnation: Number(digest.incarnation), state }) : -1;
  const theirs = { incarnation: Number(digest.entryIncarnation), version: Number(digest.entryVersion) };
  const byContent = compareContentVersion(content ?? { incarnation: 0, version: 0 }, theirs);
  return { theirsIsNewer: byStatus < 0 || byContent < 0, mineIsNewer: byStatus > 0 || byContent > 0 };
}

function partOf(id: string): number {
  return hashText(id, 0) % PARTS;
}

/** FNV-1a, 32 bits, with a final mix: its low bits alone would be poor. */
function hashText(text: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash, text.length);
}

/** The finish of MurmurHash3 (A. Appleby, public domain) over both. */
function mix(hash: number, number: number): number {
  let mixed = Math.imul(hash ^ number, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
