// Lets one more computer, or machine, in: a token is made and written down, and the command to join with is shown.

import { randomBytes } from "node:crypto";
import { Fault } from "../../base/fault.ts";
import { newId } from "../../base/random.ts";
import { secretHash, tokenText } from "../../machine/identity/token.ts";
import { formatMs } from "../duration.ts";
import type { Terminal } from "../terminal.ts";
import type { MachineDoor } from "./machine-door.ts";

export interface TokenAsked {
  readonly forMs: number;
  readonly controller?: boolean;
  /** For a whole machine, by its id, which may call these here. */
  readonly stacked?: { readonly machine: string; readonly calls: readonly string[] };
}

export interface NewToken extends TokenAsked {
  readonly text: string;
  /** HOST:PORT */
  readonly joinsAt: string;
  /** Wall clock. */
  readonly expiresMs: number;
}

export const TOKEN_MS = 3_600_000;
const SECRET_BYTES = 24;

export async function newToken(machine: MachineDoor, asked: TokenAsked): Promise<NewToken> {
  const { joinsAt, root, node } = await machine.show();
  if (joinsAt === "") {
    throw new Fault(
      "denied",
      "this node lets nobody in: it is no controller, or was started without '--open HOST:PORT', which other computers can reach",
    );
  }
  const { clock, random } = machine.door.env;
  const made = { id: newId(random, "t"), secret: randomBytes(SECRET_BYTES).toString("base64url"), root };
  const expiresMs = Math.round(clock.wallNow() + asked.forMs);
  const { machine: stacked = "", calls = [] } = asked.stacked ?? {};
  if (stacked !== "") await machine.propose(`child/${stacked}`, { case: "child", value: { calls: [...calls] } });
  await machine.propose(`token/${made.id}`, {
    case: "token",
    value: {
      ...{ secretHash: secretHash(made.secret), expiresMs: BigInt(expiresMs), at: node },
      ...{ controller: asked.controller === true, machine: stacked },
    },
  });
  return { ...asked, text: tokenText(made), joinsAt, expiresMs };
}

/** `print`: where the command goes. */
export function showToken(
  { text, joinsAt, forMs, controller, stacked }: NewToken,
  { say, print }: Pick<Terminal, "say" | "print">,
): void {
  const whom = stacked === undefined ? `one ${controller ? "controller" : "computer"}` : `machine ${stacked.machine}`;
  say(`for ${whom}, for ${formatMs(forMs)}; there:`);
  print(`npx unum ${stacked === undefined ? "join" : "stack"} ${joinsAt} --token ${text} --open HOST:PORT`);
}
