// The machine's answers at a node's door: unum.machine.v1.Machine.

import { create } from "@bufbuild/protobuf";
import { Fault } from "../base/fault.ts";
import { type Component, component } from "../container/component.ts";
import { type ArchivePiece, ArchivePieceSchema, Machine } from "../messages/gen/unum/machine/v1/machine_pb.ts";
import { exchangeWith } from "./exchange.ts";
import { factsFor, variableFor } from "./functions/facts.ts";
import { renewed } from "./identity/renewing.ts";
import { renewedIssuer } from "./identity/renewing-issuer.ts";
import { leave } from "./leaving.ts";
import type { MachineNode } from "./machine-node.ts";
import { readRecord } from "./records/signed-record.ts";
import { viewOf } from "./view.ts";

const AUDIT_PAGE = 500;

export function machineDoorOf(machine: MachineNode): Component {
  return component(Machine, {
    show: () => viewOf(machine),
    head: ({ name }) => {
      const { settings, records } = machine;
      const { machine: id, node } = settings;
      return {
        machine: id,
        node,
        counter: records.counter,
        history: [...records.historyFor(name)],
        guarded: settings.gossipKey !== undefined,
      };
    },
    propose: async ({ record }) => {
      if (record === undefined) throw new Fault("invalid", "nothing is proposed");
      const merged = await machine.propose(record);
      const { digest } = readRecord(record);
      const over = merged.kind === "taken" && merged.conflict ? merged.over : undefined;
      return {
        conflict: over === undefined ? "" : `it replaced what key ${over.signer.id} wrote at the same time`,
        digest,
      };
    },
    hold: (request) => machine.owners.hold(request),
    vote: ({ record }) => machine.owners.vote(record),
    facts: ({ program }) => factsFor(machine, program),
    variable: ({ program, name }) => variableFor(machine, program, name),
    leave: async ({ force }) => {
      const { machine: id, node } = machine.settings;
      return { machine: id, node, told: [...(await leave(machine, { force }))] };
    },
    renew: async (asked) => ({ certificate: await renewed(machine, asked) }),
    renewIssuer: async (asked) => ({ certificate: await renewedIssuer(machine, asked) }),
    exchange: (request) => exchangeWith(machine, request),
    putArchive: async (piece) => {
      const { bytes, digest, signature } = piece;
      const numbers = { offset: Number(piece.offset), total: Number(piece.total) };
      const { have, complete } = await machine.archives.put(
        { bytes, digest, signature, ...numbers },
        machine.signers,
        (archive) => machine.judgeArchive(archive),
      );
      return { have: BigInt(have), complete };
    },
    getArchive: async ({ digest, offset }): Promise<ArchivePiece> => {
      const piece = await machine.archives.pieceOf(digest, Number(offset));
      if (piece === undefined)
        throw new Fault("not-found", `the archive ${digest.slice(0, 12)} is not on node ${machine.settings.node}`);
      return create(ArchivePieceSchema, { ...piece, offset: BigInt(piece.offset), total: BigInt(piece.total) });
    },
    audit: async ({ after, verify }) => {
      const { audit } = machine;
      const { entries, more } = await audit.page(Number(after), AUDIT_PAGE);
      const told = entries.map(({ number, atMs, ...rest }) => ({
        ...rest,
        number: BigInt(number),
        atMs: BigInt(atMs),
      }));
      return { entries: told, more, broken: verify ? await audit.verify() : "" };
    },
  });
}
