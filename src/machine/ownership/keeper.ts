// One controller as a keeper of programs that have one owner: it votes, grants, and has the next owner voted for when the one
// before is away. What it says is pure (ballot.ts, next-owner.ts); this brings it to disk and to the others.
//
//   look ──▶ what I granted is over, and nobody was voted for just now? ──▶ votes of all keepers ──more than half──▶ the record
//
// Invariants
//   K1. A vote is on disk before anybody hears of it.
//   K2. A record of an owner is written only where more than half of the keepers voted for it.

import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { HoldReply, HoldRequest, VoteReply } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import type { SignedRecord } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { readRecord } from "../records/signed-record.ts";
import { adopt, type Ballot, hold, isOver, vote } from "./ballot.ts";
import type { Ballots } from "./ballots.ts";
import { majorityOf } from "./lease.ts";
import { type Candidate, mustGiveUp, nextOwner, type Place } from "./next-owner.ts";
import type { OwnedProgram } from "./owned-program.ts";
import { type Owner, ownerOf } from "./ownership.ts";

type Answer<T> = Omit<T, "$typeName" | "$unknown">;

export interface KeeperParts {
  readonly env: Pick<Env, "clock" | "random" | "log">;
  readonly ballots: Ballots;
  readonly node: string;
  readonly programs: () => readonly OwnedProgram[];
  readonly owner: (program: string) => Owner | undefined;
  readonly candidates: (program: string) => readonly Candidate[];
  readonly sign: (program: string, owner: Owner) => SignedRecord;
  /** Throws the Fault that refuses a record whose signer may not write it. */
  readonly admit: (record: SignedRecord) => void;
  readonly ask: (keeper: string, record: SignedRecord) => Promise<Answer<VoteReply>>;
  readonly elected: (record: SignedRecord, owner: Owner) => Promise<void>;
  /** Somebody acts by an epoch that is past. */
  readonly refused: (node: string, program: string, why: string) => void;
}

/** A keeper whose name is further down waits so much longer, so that one asks and the others answer. */
const RANK_MS = 400;
/** How long who was voted for may take until it asks for its lease. */
const TAKE_UP_MS = 5_000;
const AGAIN_MS = 500;
/** Looks that come so much too late: this process stood still, and what it was asked meanwhile is yet to be read. */
const STOOD_STILL_MS = 1_000;
const HEAR_MS = 2_000;

interface Watch {
  overSince: number | undefined;
  votedAt: number;
  notBefore: number;
  isAsking: boolean;
  /** The highest epoch that anybody answered with. */
  heard: number;
}

export class Keeper {
  readonly #parts: KeeperParts;
  readonly #watches = new Map<string, Watch>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** To be called again and again, `everyMs` apart. */
  look(everyMs: number): void {
    const { clock } = this.#parts.env;
    const now = clock.now();
    const stoodStill = this.#lookedAt > 0 && now - this.#lookedAt > everyMs + STOOD_STILL_MS;
    this.#lookedAt = now;
    for (const owned of this.#kept) {
      const watch = this.#watchOf(owned.program);
      if (stoodStill) watch.notBefore = now + HEAR_MS;
      if (this.#isDue(owned, watch, now)) void this.#elect(owned, watch);
    }
  }

  /** Whoever asks says himself who he is: nobody's lease ends sooner for it. */
  async hold({ node, program, epoch, leaseMs, release }: Answer<HoldRequest>): Promise<Answer<HoldReply>> {
    const { env, ballots, refused } = this.#parts;
    const owned = this.#kept.find((each) => each.program === program);
    if (owned === undefined) return { granted: false, giveUp: false, epoch: 0n };
    const now = env.clock.now();
    const ballot = this.#ballotOf(owned, now);
    const known = BigInt(ballot?.epoch ?? 0);
    if (epoch < known) refused(node, program, `it acts by epoch ${epoch}, and ${known} is known`);
    const isOwner = ballot?.owner === node && known === epoch;
    const giveUp = isOwner && !release && owned.running && this.#mustGiveUp(owned, ballot);
    if (giveUp) return { granted: false, giveUp, epoch: known };
    const answer = hold(ballot, { epoch: Number(epoch), node, leaseMs, release }, now);
    if (answer.ballot !== undefined) await ballots.put(program, answer.ballot);
    return { granted: answer.granted, giveUp: false, epoch: known };
  }

  /** Throws the Fault `denied` or `invalid` where the record is none that a controller may write. */
  async vote(record: SignedRecord | undefined): Promise<Answer<VoteReply>> {
    const { env, ballots, admit } = this.#parts;
    if (record === undefined) throw new Fault("invalid", "nobody is proposed");
    admit(record);
    const { name, body } = readRecord(record).record;
    const owned = this.#kept.find(({ program }) => name === `owner/${program}`);
    if (owned === undefined || body.case !== "owner") return { granted: false, epoch: 0n };
    const now = env.clock.now();
    const before = this.#ballotOf(owned, now);
    const answer = vote(before, ownerOf(body.value), { now, afterMs: owned.afterMs });
    if (answer.ballot !== undefined && answer.ballot !== before) {
      await ballots.put(owned.program, answer.ballot); // K1
      this.#watchOf(owned.program).votedAt = now;
    }
    return { granted: answer.granted, epoch: BigInt(answer.ballot?.epoch ?? 0) };
  }

  get #kept(): readonly OwnedProgram[] {
    const { programs, node } = this.#parts;
    return programs().filter(({ keepers }) => keepers.includes(node));
  }

  #ballotOf({ program, afterMs }: OwnedProgram, now: number): Ballot | undefined {
    const { ballots, owner } = this.#parts;
    const present = ballots.get(program);
    const ballot = adopt(present, owner(program), { now, afterMs });
    if (ballot !== undefined && ballot !== present) void ballots.put(program, ballot).catch(() => {});
    return ballot;
  }

  #isDue(owned: OwnedProgram, watch: Watch, now: number): boolean {
    const ballot = this.#ballotOf(owned, now);
    if (!owned.running || !isOver(ballot, { now, afterMs: owned.afterMs })) {
      watch.overSince = undefined;
      return false;
    }
    watch.overSince ??= now;
    const isTakingUp = ballot?.granted === undefined && !ballot?.released && now < watch.votedAt + TAKE_UP_MS;
    const rank = owned.keepers.indexOf(this.#parts.node);
    return !watch.isAsking && !isTakingUp && now >= Math.max(watch.notBefore, watch.overSince + rank * RANK_MS);
  }

  async #elect(owned: OwnedProgram, watch: Watch): Promise<void> {
    const { env, candidates, sign, elected, owner } = this.#parts;
    const { program, keepers } = owned;
    const ballot = this.#ballotOf(owned, env.clock.now());
    const next = nextOwner(candidates(program), placeOf(owned, ballot));
    if (next === undefined) return;
    watch.isAsking = true;
    try {
      const epoch = Math.max(ballot?.epoch ?? 0, owner(program)?.epoch ?? 0, watch.heard) + 1;
      const proposed = { ...next, epoch };
      const record = sign(program, proposed);
      const votes = await Promise.all(keepers.map((keeper) => this.#voteOf(keeper, record)));
      watch.heard = Math.max(watch.heard, ...votes.map((each) => Number(each.epoch)));
      const count = votes.filter(({ granted }) => granted).length;
      if (count >= majorityOf(keepers.length)) await elected(record, proposed); // K2
    } catch (error) {
      env.log.write("error", `an owner of ${program}: ${asError(error).message}`);
    } finally {
      watch.isAsking = false;
      watch.notBefore = env.clock.now() + AGAIN_MS + env.random.below(AGAIN_MS);
    }
  }

  async #voteOf(keeper: string, record: SignedRecord): Promise<Answer<VoteReply>> {
    if (keeper === this.#parts.node) return this.vote(record);
    // Who is away, or keeps nothing yet, has not voted.
    return this.#parts.ask(keeper, record).catch(() => ({ granted: false, epoch: 0n }));
  }

  #mustGiveUp(owned: OwnedProgram, ballot: Ballot | undefined): boolean {
    return mustGiveUp(this.#parts.candidates(owned.program), placeOf(owned, ballot));
  }

  #watchOf(program: string): Watch {
    let watch = this.#watches.get(program);
    if (watch === undefined) {
      watch = { overSince: undefined, votedAt: Number.NEGATIVE_INFINITY, notBefore: 0, isAsking: false, heard: 0 };
      this.#watches.set(program, watch);
    }
    return watch;
  }
}

function placeOf({ nodes, takesBack }: OwnedProgram, ballot: Ballot | undefined): Place {
  const { owner = "", home = "", released = false } = ballot ?? {};
  return { owner, home, released, nodes, takesBack };
}
