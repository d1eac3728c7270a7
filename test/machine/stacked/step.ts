// One step of a way through stacked machines: says where it was taken and how long it has to live, and goes on to the next.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Call, component } from "unum";
import { First, Second, type Step, Third } from "../../gen/unum/test/v1/chain_pb.ts";

const CONTRACTS = { First, Second, Third } as const;
type Name = keyof typeof CONTRACTS;

async function go(name: Name, { way, passed }: Step, call: Call): Promise<{ way: string[]; passed: string[] }> {
  const { ancestors } = await call.machine.describe({});
  const [deep, ms, path] = [ancestors.length, Math.floor(call.msLeft), call.from.length];
  const here = [...passed, JSON.stringify({ name, deep, ms, path, container: call.container })];
  const [next, ...rest] = way;
  if (next === undefined) return { way: [], passed: here };
  if (next.startsWith("/")) {
    await together(next, call);
    return { way: rest, passed: here };
  }
  const contract = CONTRACTS[next.replace("!", "") as Name];
  // With a mark: the call stays within its own network.
  const scope = next.endsWith("!") ? "network" : "anywhere";
  const reply = await call.of(contract).go({ way: rest, passed: here }, { ttlMs: 600_000, scope });
  return { way: reply.way, passed: reply.passed };
}

/** Until as many calls as the folder's name ends with are at work side by side. */
async function together(folder: string, { container, signal }: Call): Promise<void> {
  const count = Number(/\d+$/.exec(folder)?.[0]);
  writeFileSync(join(folder, container), "");
  while (readdirSync(folder).length < count && !signal.aborted) await new Promise((soon) => setTimeout(soon, 20));
}

export function step(name: Name) {
  return component(CONTRACTS[name], { go: (input: Step, call: Call) => go(name, input, call) }, { version: "1.0.0" });
}
