// The machine as a governor's process hands it to its node: the founder's key read, and where others are let in.

import { letIn } from "../../machine/identity/joining.ts";
import type { OwnCertificate } from "../../machine/identity/renewing.ts";
import type { Issuing } from "../../machine/identity/renewing-issuer.ts";
import { publicKeyOf } from "../../machine/keys/signing-key.ts";
import type { NodeSettings } from "../../node/run-node.ts";
import { answerQuestions } from "../../system/tls-question.ts";
import { issuerOfThisFolder, readIdentity } from "./identity-folder.ts";
import type { MachineStart } from "./machine-plan.ts";

/** Who comes in knows the root by its hash alone: it is sent along. */
function shown({ key, cert, root }: OwnCertificate): { key: string; certs: string } {
  return { key, certs: `${cert}\n${root}` };
}

type MachineOfNode = NonNullable<NodeSettings["machine"]>;

export async function machineSettingsOf(start: MachineStart): Promise<MachineOfNode> {
  const { folder, machine, controller, founder, seeds = [], open, joins } = start;
  const [key, cert, gossip, root] = await Promise.all(
    ["node.key", "node.crt", "gossip.key", "ca.pem"].map(readIdentity),
  );
  const settings: MachineOfNode = {
    ...{ folder, machine, controller, founder: publicKeyOf(Buffer.from(founder, "base64")) },
    seeds: seeds.map((seed) => `tls://${seed}`),
    ...(key === undefined || cert === undefined || root === undefined ? {} : { own: { key, cert, root } }),
    ...(gossip === undefined ? {} : { gossipKey: new Uint8Array(Buffer.from(gossip.trim(), "base64")) }),
  };
  const issuer = joins === undefined ? undefined : await issuerOfThisFolder();
  if (joins === undefined || issuer === undefined || open === undefined) return settings;
  if (key === undefined || cert === undefined) return settings;
  const rootKey = await readIdentity("root.key");
  // Only who lets others in loads what makes certificates.
  const { issueIssuer, issueLeaf, rootHash } = await import("../../machine/identity/authority.ts");
  let present = issuer;
  const issuing: Issuing = {
    present: () => present,
    take: (fresh) => {
      present = fresh;
    },
    ...(rootKey === undefined ? {} : { sign: (wanted) => issueIssuer({ rootKey, root: issuer.root }, wanted) }),
  };
  return {
    ...{ ...settings, issuing, issue: (wanted) => issueLeaf(present, wanted) },
    joins: {
      at: `${joins.host.includes(":") ? `[${joins.host}]` : joins.host}:${joins.port}`,
      root: rootHash(issuer.root),
    },
    joining: {
      serve: async (node) => {
        const own = node.own ?? { key, cert, root: issuer.root };
        const answering = await answerQuestions({ ...joins, ...shown(own) }, async (question) =>
          JSON.stringify(
            await letIn(question, {
              ...{ machine: node, issuer: present, seeds: [open] },
              ...(rootKey === undefined ? {} : { rootKey }),
            }),
          ),
        );
        return { speak: (fresh) => answering.speak(shown(fresh)), close: () => answering.close() };
      },
    },
  };
}
