// A computer comes in: asked over TLS whose server proves itself by the root the token names, answered by a controller.
//
//   token fits, is not over and was never used ──▶ written down as used ──▶ certificate, gossip key, who is there
//
// Invariants
//   J1. A token lets in once: that it was used is on disk before anything is handed out.
//   J2. A token is good only at the controller that it names, so that two controllers cannot both let in by it.

import { z } from "zod";
import type { Disk } from "../../base/disk.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Token } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import type { MachineNode } from "../machine-node.ts";
import { ancestorsOf, knowsAncestors, MOST_DEEP } from "../stacking/links.ts";
import type { Issuer } from "./authority.ts";
import { isSecretOf } from "./token.ts";

export const joinRequestSchema = z.strictObject({
  id: z.string().max(64),
  secret: z.string().max(128),
  node: z.string().max(64),
  hosts: z.array(z.string().max(253)).max(16),
  publicKey: z.string().max(1_000),
  /** Of what it would let others in with, where it is to be a controller. */
  issuerKey: z.string().max(1_000),
});

export const joinReplySchema = z.strictObject({
  machine: z.string().max(64),
  /** Public key of the founder, in base64. */
  founder: z.string().max(64),
  cert: z.string().max(20_000),
  /** Where it is a controller: the certificate of its `issuerKey`. */
  issuer: z.string().max(20_000).optional(),
  root: z.string().max(10_000),
  /** In base64. */
  gossipKey: z.string().max(64),
  /** HOST:PORT of the controller's door, where to ask first. */
  seeds: z.array(z.string().max(300)).max(64),
  /** Of the machine: its parent, the parent's parent and so on. */
  ancestors: z.array(z.string().max(64)).max(MOST_DEEP),
});
export type JoinReply = z.infer<typeof joinReplySchema>;

export interface JoiningParts {
  readonly machine: MachineNode;
  readonly issuer: Issuer;
  /** Only the founder's node has it, and makes controllers. */
  readonly rootKey?: string;
  readonly seeds: readonly string[];
}

const USED_LIMIT_BYTES = 2 ** 20;

/** Throws the Fault `denied` that says what is wrong with the token, or `invalid`. */
export async function letIn(text: string, { machine, issuer, rootKey, seeds }: JoiningParts): Promise<JoinReply> {
  const parsed = joinRequestSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw new Fault("invalid", "what asks to come in does not speak as 'unum join' does");
  const { id, secret, node, hosts, publicKey, issuerKey } = parsed.data;
  const { settings } = machine;
  const what = `join node/${node}`;
  try {
    const { controller, machine: stacked } = checkToken(id, secret, machine);
    checkComer(node, stacked, machine);
    if (controller && rootKey === undefined)
      throw new Fault("denied", `node ${settings.node} cannot make controllers; the machine's first node can`);
    if (machine.isRevoked(node)) {
      throw new Fault("denied", `node ${node} was revoked; another UNUM_HOME has another id`);
    }
    await useUp(id, node, settings.disk, settings.folder);
    // Loaded where it is needed: a node that is no controller never does.
    const { issueIssuer, issueLeaf } = await import("./authority.ts");
    const now = settings.env.clock.wallNow();
    const cert = await issueLeaf(issuer, { node, machine: settings.machine, hosts, publicKey, now });
    const ancestors = [...ancestorsOf(machine)];
    const own =
      controller && rootKey !== undefined
        ? await issueIssuer(
            { rootKey, root: issuer.root },
            { machine: settings.machine, node, publicKey: issuerKey, now },
          )
        : undefined;
    const why = controller ? "as a controller" : "";
    await machine.note({ who: `token ${id}`, what, verdict: "done", why });
    const gossipKey = Buffer.from(machine.gossip.newest?.key ?? new Uint8Array()).toString("base64");
    const founder = Buffer.from(settings.founder.raw).toString("base64");
    const given = own === undefined ? {} : { issuer: own };
    return {
      machine: settings.machine,
      founder,
      cert,
      ...given,
      root: issuer.root,
      gossipKey,
      seeds: [...seeds],
      ancestors,
    };
  } catch (error) {
    await machine.note({ who: `token ${id}`, what, verdict: "refused", why: asError(error).message });
    throw error;
  }
}

function checkToken(id: string, secret: string, { records, settings }: MachineNode): Token {
  const body = records.get(`token/${id}`)?.record.body;
  const refused = (why: string) => new Fault("denied", `the token ${why}; 'unum token' makes another`);
  if (body?.case !== "token" || !isSecretOf(body.value.secretHash, secret)) throw refused("is not known here");
  if (Number(body.value.expiresMs) <= settings.env.clock.wallNow()) throw refused("is over");
  if (body.value.at !== settings.node) throw refused(`is for the controller ${body.value.at}`);
  return body.value;
}

/** A computer is let in as a computer, and the machine that the token names as that machine: never into one of its own descendants. */
function checkComer(node: string, stacked: string, machine: MachineNode): void {
  if (stacked === "") {
    if (/^n/.test(node)) return;
    throw new Fault("denied", "the token is for a computer, not for a machine; 'unum token --machine ID' makes one");
  }
  if (node !== stacked) throw new Fault("denied", `the token is for machine ${stacked}, not for ${node}`);
  const own = machine.settings.machine;
  const above = [own, ...ancestorsOf(machine)];
  if (above.includes(node))
    throw new Fault(
      "denied",
      `machine ${node} would be its own ancestor: machine ${own} is a node of it, or is itself`,
    );
  if (!knowsAncestors(machine))
    throw new Fault("denied", `machine ${own} is a node of another and has not heard yet what stands above; ask again`);
  if (above.length >= MOST_DEEP)
    throw new Fault("denied", `machine ${own} is ${above.length - 1} deep; the limit is ${MOST_DEEP}`);
}

async function useUp(id: string, node: string, disk: Disk, folder: string): Promise<void> {
  const path = `${folder}/tokens-used`;
  await disk.makeFolder(path);
  const line = new TextEncoder().encode(`${node}\n`);
  if (await disk.create(`${path}/${id}`, line)) return;
  const by = await disk.read(`${path}/${id}`, USED_LIMIT_BYTES);
  throw new Fault(
    "denied",
    `the token was used already, by node ${new TextDecoder().decode(by).trim()}; 'unum token' makes another`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
