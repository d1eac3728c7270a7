// A node that goes on without this command: the same command without --detach, in a session of its own, writing to a file.

import { join } from "node:path";
import type { Env } from "../../base/env.ts";
import { systemProcesses } from "../../system/processes.ts";
import { openDoor } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { livingKeeper } from "../keeper-lock.ts";
import { LogTail } from "../log-tail.ts";
import type { Terminal } from "../terminal.ts";
import { announce, inviteFirst, sayFailed, sayHeld } from "./announce.ts";
import { beginningOf, ownEnvironment, SETTLE_LIMIT_MS, START_LIMIT_MS } from "./beginning.ts";
import type { Plan } from "./plan.ts";

const COMMAND = join(import.meta.dirname, "../../../bin/unum.mjs");

/** What the keeper's own process may take to be there. */
const SLACK_MS = 15_000;

/** `args`: of this command, which are that one's too. */
export async function keepApart(plan: Plan, args: readonly string[], env: Env, terminal: Terminal): Promise<number> {
  const processes = systemProcesses(env.clock);
  const held = livingKeeper(processes);
  if (held !== undefined) return sayHeld(held, plan, terminal);
  const logPath = join(plan.logs, "keeper.log");
  const said = new LogTail(logPath);
  await said.last(0);
  const keeper = await processes.spawn({
    program: process.execPath,
    arguments: [COMMAND, ...args.filter((arg) => arg !== "--detach" && arg !== "--json")],
    environment: ownEnvironment(),
    folder: process.cwd(),
    logPath,
  });
  const interrupt = onInterrupt(() => process.exit(EXIT.interrupted));
  const door = await openDoor();
  try {
    // Its own governor, and from then on kept: one that is killed the moment after is started again.
    const isKept = () => {
      const living = livingKeeper(processes);
      return living?.pid === keeper.id.pid && living.up === true;
    };
    const limitMs = START_LIMIT_MS + SETTLE_LIMIT_MS + SLACK_MS;
    const beginning = await beginningOf(door, keeper, { isNew: isKept, signal: interrupt.signal, limitMs });
    if (beginning.kind === "answers") {
      announce(beginning.status, keeper.id.pid, plan, terminal);
      await inviteFirst(plan, door, terminal);
      if (!plan.json) terminal.say(`it goes on in the background and logs to ${plan.logs}; 'unum down' ends it`);
      return EXIT.ok;
    }
    keeper.signal("SIGTERM");
    const { code } = await keeper.exited;
    if (beginning.kind === "interrupted") return EXIT.interrupted;
    for (const line of await said.more()) terminal.say(line);
    sayFailed("the node does not come up", plan, terminal);
    return code ?? EXIT.failed;
  } finally {
    await door.close();
    interrupt.release();
  }
}
