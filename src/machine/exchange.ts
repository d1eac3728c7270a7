// What two nodes tell each other so that both have the same records, reports and archives.

import { create } from "@bufbuild/protobuf";
import { asError, Fault } from "../base/fault.ts";
import type { Proxies } from "../client/client.ts";
import {
  type ExchangeReply,
  ExchangeReplySchema,
  type ExchangeRequest,
  type Machine,
} from "../messages/gen/unum/machine/v1/machine_pb.ts";
import type { SignedRecord } from "../messages/gen/unum/machine/v1/record_pb.ts";
import { isNewer } from "./identity/gossip-keys.ts";
import type { MachineNode } from "./machine-node.ts";
import { readRecord } from "./records/signed-record.ts";

type MachineCalls = Proxies<typeof Machine>;

const EXCHANGE_TTL_MS = 5_000;
const PIECE_TTL_MS = 30_000;
/** Records in one message: their limit is 64 KiB each, and an envelope's 16 MiB. */
const MOST_RECORDS = 200;

/** The asked one's side. */
export async function exchangeWith(machine: MachineNode, request: ExchangeRequest): Promise<ExchangeReply> {
  const { node } = machine.settings;
  if (machine.isRevoked(request.node)) {
    throw new Fault("denied", `node ${request.node} was revoked; it is no part of this machine any more`);
  }
  if (request.report?.node === request.node) machine.hear([request.report]);
  await takeAll(machine, request.records);
  if (request.gossipKey !== undefined) await machine.gossip.take(request.gossipKey);
  const { digests } = machine.records;
  const records = machine.records.all.filter(({ record, digest }) => request.have[record.name] !== digest);
  const wanted = Object.keys(request.have).filter((name) => digests[name] !== request.have[name]);
  const reports = [machine.report(), ...machine.peers.reports];
  return create(ExchangeReplySchema, {
    node,
    records: records.slice(0, MOST_RECORDS).map(({ signed }) => signed),
    wanted,
    reports,
    ...gossipKeyFor(machine, request.gossipMark),
  });
}

/** The asking one's side: after it both have the same, but for what came meanwhile. */
export async function exchange(machine: MachineNode, other: MachineCalls): Promise<void> {
  const { node, env } = machine.settings;
  const askedAt = env.clock.now();
  const first = await other.exchange(
    { node, have: machine.records.digests, report: machine.report(), gossipMark: machine.gossip.mark },
    { ttlMs: EXCHANGE_TTL_MS },
  );
  await takeAll(machine, first.records);
  machine.hear(first.reports);
  if (first.reports.some((report) => report.node === first.node && report.controller)) machine.silence.reached(askedAt);
  if (first.gossipKey !== undefined) await machine.gossip.take(first.gossipKey);
  const records = first.wanted.slice(0, MOST_RECORDS).flatMap((name) => machine.records.get(name)?.signed ?? []);
  const told = gossipKeyFor(machine, first.gossipMark);
  if (records.length > 0 || told.gossipKey !== undefined)
    await other.exchange({ node, have: machine.records.digests, records, ...told }, { ttlMs: EXCHANGE_TTL_MS });
}

/** The own mark, and the key itself where the other has an older one. */
function gossipKeyFor({ gossip }: MachineNode, theirs: string) {
  const { newest, mark } = gossip;
  const isOlder = theirs !== "" && newest !== undefined && isNewer(mark, theirs);
  return { gossipMark: mark, ...(isOlder ? { gossipKey: newest } : {}) };
}

/** From a node that has it. Answers whether it is here now. */
export async function fetchArchive(machine: MachineNode, digest: string, other: MachineCalls): Promise<boolean> {
  for (let offset = 0; ; ) {
    const piece = await other.getArchive({ digest, offset: BigInt(offset) }, { ttlMs: PIECE_TTL_MS });
    const { bytes, signature, total } = piece;
    const { have, complete } = await machine.archives.put(
      { digest, offset, total: Number(total), bytes, signature },
      machine.signers,
      (archive) => machine.judgeArchive(archive),
    );
    if (complete) return true;
    if (bytes.length === 0 || have <= offset) return false;
    offset = have;
  }
}

/** Refusals that each node has said: who brings such a record brings it again with every exchange. */
const said = new WeakMap<MachineNode, Set<string>>();
const MOST_SAID = 1_000;

function sayRefused(machine: MachineNode, why: string): void {
  const before = said.get(machine) ?? new Set<string>();
  said.set(machine, before);
  if (before.has(why)) return;
  if (before.size >= MOST_SAID) before.clear();
  before.add(why);
  machine.settings.env.log.write("warn", `a record from another node is refused: ${why}`);
}

/** What its signer may not write is not taken, whoever brings it; what hangs on another record may come before it. */
async function takeAll(machine: MachineNode, records: readonly SignedRecord[]): Promise<void> {
  let left = [...records];
  for (let round = 0; round < 3 && left.length > 0; round++) {
    const refused: SignedRecord[] = [];
    for (const signed of left) {
      let name = "one that cannot be read";
      try {
        const known = readRecord(signed);
        name = known.record.name;
        await machine.take(known);
      } catch (error) {
        refused.push(signed);
        if (round === 2) sayRefused(machine, `${name}: ${asError(error).message}`);
      }
    }
    left = refused;
  }
}
