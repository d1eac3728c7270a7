// What a membership is made from, and what it answers.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../base/clock.ts";
import { addressText, type DatagramAddress, type Datagrams, isLoopback, readAddress } from "../base/datagrams.ts";
import { Fault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { EntrySchema, SyncReply, SyncRequest } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import type { Member, MembersListener } from "./members.ts";
import type { PortStats } from "./port.ts";
import { isNodeId, RUMOUR_LIMITS } from "./rumour.ts";
import { isKey } from "./seal.ts";
import type { MembershipSettings } from "./settings.ts";

export interface MembershipOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly datagrams: Datagrams;
  readonly self: SelfOptions;
  /** HOST:PORT of nodes to ask first; names are looked up. */
  readonly seeds: readonly string[];
  /** 32 bytes, the same on all nodes. Without it only nodes of this computer are spoken to. */
  readonly key?: Uint8Array;
  /** The multicast group where nodes say that they are there, so that they need no seeds. Off unless given. */
  readonly beacon?: DatagramAddress;
  readonly settings?: Partial<MembershipSettings>;
  /** Brings the request to the node's door and answers with the reply, or rejects. */
  readonly sync: (peer: Member, request: SyncRequest) => Promise<SyncReply>;
}

export interface SelfOptions {
  readonly id: string;
  /** Greater than in any former life of this id: counted in the state folder, or the wall clock's milliseconds. */
  readonly incarnation: number;
  readonly listen: DatagramAddress;
  /** Where others reach it, where that is not where it listens. */
  readonly advertise?: DatagramAddress;
  /** Control addresses, at most four, as transports read them. */
  readonly doors: readonly string[];
}

export interface Membership {
  /** Opens the socket and begins. Rejects with a Fault where the address cannot be had. */
  start(): Promise<void>;
  /** The first is spoken under from now on, all are heard. Of no effect where the membership was made without a key. */
  rekey(keys: readonly Uint8Array[]): void;
  /** Nothing that these say is heard any more. */
  bar(ids: ReadonlySet<string>): void;
  /** What this node offers from now on; must not change afterwards. Throws the Fault `invalid` where it is too large. */
  update(entry: MessageInitShape<typeof EntrySchema>): void;
  /** This node first; the dead and those who left too, while they are remembered. */
  members(): readonly Member[];
  /** Tells who has changed, once per turn. Answers how to stop it. */
  onChange(listener: MembersListener): () => void;
  /** For the door: another node compares its table with this one. Throws a Fault. */
  answerSync(request: SyncRequest): SyncReply;
  /** Says that this node goes, waits until that has left, and closes. */
  leave(): Promise<void>;
  /** Without a word, as in a crash. */
  close(): Promise<void>;
  /** Where others reach it, once it has started. */
  readonly address: DatagramAddress;
  stats(): MembershipStats;
}

export interface MembershipStats extends PortStats {
  readonly alive: number;
  readonly suspect: number;
  readonly dead: number;
  readonly left: number;
  readonly probes: number;
  readonly indirectProbes: number;
  readonly failedProbes: number;
  readonly suspicions: number;
  readonly deaths: number;
  readonly refutations: number;
  readonly syncs: number;
  readonly failedSyncs: number;
  /** Of requests and replies that this node sent. */
  readonly syncBytes: number;
  /** 0 healthy to 8. */
  readonly localHealth: number;
  /** What the budget stretches the probe interval by: 1 to 4. */
  readonly pressure: number;
  readonly waitingRumours: number;
  /** Rumours about nodes for which there was no place. */
  readonly refusedNodes: number;
}

/** Throws a Fault for whoever wrote the settings. */
export function checkOptions({ self, seeds, key, beacon }: MembershipOptions): void {
  const { id, incarnation, listen, advertise, doors } = self;
  if (!isNodeId(id)) throw new Fault("invalid", `the node id '${id}'; expected 1 to 64 of A-Z a-z 0-9 . _ -`);
  if (!Number.isInteger(incarnation) || incarnation < 1 || incarnation > RUMOUR_LIMITS.incarnation / 2) {
    throw new Fault("invalid", `incarnation ${incarnation}; expected 1 to 2^49`);
  }
  if (doors.length > RUMOUR_LIMITS.doors || doors.some((door) => Buffer.byteLength(door) > RUMOUR_LIMITS.doorBytes)) {
    throw new Fault("invalid", `at most ${RUMOUR_LIMITS.doors} doors of ${RUMOUR_LIMITS.doorBytes} bytes are told`);
  }
  for (const seed of seeds) {
    if (readAddress(seed) === undefined) throw new Fault("invalid", `the seed '${seed}'; expected HOST:PORT`);
  }
  if (isAny(listen.host) && advertise === undefined) {
    throw new Fault("invalid", `${listen.host} is no address that others could reach; say which one to advertise`);
  }
  if (key !== undefined) {
    if (!isKey(key)) throw new Fault("invalid", `a key of ${key.length} bytes; expected 32`);
    return;
  }
  const reachable = [listen, advertise ?? listen, ...seeds.flatMap((seed) => readAddress(seed) ?? [])];
  const outside = [...reachable, ...(beacon === undefined ? [] : [listen])].find(({ host }) => !isLoopback(host));
  if (outside === undefined) return;
  const address = addressText(outside);
  throw new Fault(
    "denied",
    `${address} is not on this computer, and without a key anybody there could speak; give a key`,
  );
}

function isAny(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
