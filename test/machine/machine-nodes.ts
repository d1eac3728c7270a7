// Nodes of one machine for tests, each a process with a working folder of its own.

import { createServer } from "node:net";
import { endLater, ok } from "../cli/node.ts";
import { scratch, unum } from "../cli/unum.ts";

/** The first of two ports in a row that are free now. */
export async function twoPorts(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A machine's first node. Answers with its working folder. */
export async function founded(): Promise<string> {
  const home = await scratch();
  endLater(home);
  ok(await unum(["up", "--detach", "--json", "--open", `127.0.0.1:${await twoPorts()}`], { home }));
  return home;
}

/** A machine of one node, which no other may join. Answers with where it lives. */
export async function alone(): Promise<string> {
  const home = await scratch();
  endLater(home);
  ok(await unum(["up", "--detach", "--json"], { home }));
  return home;
}

export async function token(home: string, args: readonly string[] = []): Promise<{ token: string; joinsAt: string }> {
  return JSON.parse(ok(await unum(["token", "--json", ...args], { home })));
}

/** One more node, let in by a token of `controller`. */
export async function joined(controller: string, args: readonly string[] = []): Promise<string> {
  const home = await scratch();
  endLater(home);
  const { token: text, joinsAt } = await token(controller, args);
  const own = `127.0.0.1:${await twoPorts()}`;
  ok(await unum(["join", joinsAt, "--token", text, "--open", own, "--detach", "--json"], { home }));
  return home;
}

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what the command printed
export async function view(home: string): Promise<any> {
  return JSON.parse(ok(await unum(["machine", "--json"], { home })));
}

export const online = (count: number) => (machine: { nodes: { online: boolean }[] }) =>
  machine.nodes.filter((node) => node.online).length === count;
