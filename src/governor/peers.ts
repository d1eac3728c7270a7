// The other nodes of the network, as a governor needs them.

import type { Member } from "../discovery/members.ts";
import type { MembershipStats } from "../discovery/options.ts";
import type { DirectoryNode } from "../messages/gen/unum/control/v1/governed_pb.ts";
import type { NetworkLimit, SyncReply, SyncRequest } from "../messages/gen/unum/wire/v1/membership_pb.ts";

export interface LimitClaim {
  readonly told: NetworkLimit | undefined;
  readonly claim: number;
}

export interface Peers {
  /** Those that can be called, by id; suspected ones too. */
  readonly nodes: readonly DirectoryNode[];
  /** All that are remembered, this node first, the dead and those who left too. Empty: this node is in no network. */
  readonly members: readonly Member[];
  /** What the membership has counted; undefined where there is none, or it has not begun. */
  readonly stats: MembershipStats | undefined;
  /** `who` grows with whoever comes, goes or offers something else, `load` with everything. */
  readonly changes: { readonly who: number; readonly load: number };
  /** What this node is from now on, and what it makes of the network's limit. Cheap where nothing changed. */
  tell(own: DirectoryNode, limit: LimitClaim): void;
  /** Tells every node that answers, at once. The others hear it when they are back. */
  push(limit: NetworkLimit): void;
  /** Called after each change of `nodes`. */
  onChange(listener: () => void): void;
  /** For the door. Throws a Fault. */
  answerSync(request: SyncRequest): SyncReply;
  /** Nodes that are no part of the network any more: not told, not heard, not named to anybody. */
  bar(ids: ReadonlySet<string>): void;
  /** What gossip is sealed with: the first is spoken under, all are heard. */
  rekey(keys: readonly Uint8Array[]): void;
  /** Says goodbye. May be called again. */
  leave(): Promise<void>;
}
