// What a container that serves, a warm one and the governor hold, at rest.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { pagesOf } from "../../harness/memory.ts";
import type { Figure, Row } from "../figure.ts";
import { inState, withNode } from "../node.ts";

const LIMITS = { node: { containers: 4, spares: 2 } };
/** After which heaps have been collected and code that is not used is let go. */
const REST_MS = 5_000;
const MB_KB = 1_024;

export const memoryRow: Row = async ({ rounds, quick }, progress) => {
  const found = new Map<string, { pss: number[]; own: number[] }>();
  const note = (what: string, pid: number) => {
    const { pssKb, privateKb } = pagesOf(pid);
    const into = found.get(what) ?? { pss: [], own: [] };
    into.pss.push(pssKb / MB_KB);
    into.own.push(privateKb / MB_KB);
    found.set(what, into);
  };
  const times = quick ? 1 : Math.min(rounds, 3);
  for (let round = 1; round <= times; round++) {
    progress(`memory, ${round} of ${times}`);
    await withNode(LIMITS, async (node) => {
      const isWhole = (status: Awaited<ReturnType<typeof node.status>>) =>
        inState("serving", status).length >= 1 && inState("spare", status).length === 2;
      await node.until(isWhole);
      await new Promise((rested) => setTimeout(rested, REST_MS));
      const status = await node.status();
      if (!isWhole(status)) throw new Error("a container came or went while they were at rest");
      for (const { pid } of inState("serving", status)) note("a container that serves", pid);
      for (const { pid } of inState("spare", status)) note("a warm spare", pid);
      note("the governor", status.pid);
      const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
      await new Promise((rested) => setTimeout(rested, REST_MS / 5));
      note("beside them: a bare Node process", bare.pid ?? 0);
      bare.kill("SIGKILL");
      await once(bare, "exit");
    });
  }
  return [...found].flatMap(([what, { pss, own }]): Figure[] => [
    { says: `${what}, proportional`, unit: "MB", rounds: pss },
    { says: `${what}, private`, unit: "MB", rounds: own },
  ]);
};
