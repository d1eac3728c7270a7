// Machines of one computer, each a node of the one before it.

import { join } from "node:path";
import { endLater, ok, until } from "../cli/node.ts";
import { root, scratch, unum } from "../cli/unum.ts";
import { token, twoPorts, view } from "./machine-nodes.ts";

export const TEST_CONTRACTS = "unum.test.v1.*";

/** A machine of its own. Answers with its working folder. */
export async function machine(components: "top" | "middle" | "bottom"): Promise<string> {
  const home = await scratch();
  endLater(home);
  const folder = join(root, "test/machine/stacked", components);
  const open = ["--open", `127.0.0.1:${await twoPorts()}`];
  // One container each: what is tested is between machines.
  const few = ["--containers", "1", "--spares", "0"];
  ok(await unum(["up", "--detach", "--json", "--components", folder, ...open, ...few], { home }));
  return home;
}

/** `args`: what the child allows. Answers with where it is open to the parent. */
export async function stacked(
  parent: string,
  child: string,
  { calls = TEST_CONTRACTS, args = ["--export", TEST_CONTRACTS, "--calls", TEST_CONTRACTS] as readonly string[] } = {},
): Promise<string> {
  const { machine: id } = await view(child);
  const { token: text, joinsAt } = await token(parent, ["--machine", id, "--calls", calls]);
  const open = `127.0.0.1:${await twoPorts()}`;
  ok(await unum(["stack", joinsAt, "--token", text, "--open", open, ...args], { home: child }));
  return open;
}

export interface Passed {
  readonly name: string;
  readonly deep: number;
  readonly ms: number;
  readonly path: number;
  readonly container: string;
}

/** The way of one call, which is asked again until it finds its place. */
export async function way(home: string, contract: string, steps: readonly string[] = []): Promise<readonly Passed[]> {
  const args = [
    "call",
    `unum.test.v1.${contract}/Go`,
    JSON.stringify({ way: steps }),
    "--ttl",
    "60s",
    "--within",
    "50s",
  ];
  const { stdout } = await until(
    `${contract} is called from ${home}`,
    () => unum(args, { home }),
    ({ code }) => code === 0,
  );
  return JSON.parse(stdout).passed.map((text: string) => JSON.parse(text));
}
