// unum logs sleep, wake: whether a folder's questions are answered from its index or from its raw logs.

import type { Command } from "commander";
import { noteFacts } from "../../log-index/tree/config.ts";
import { IndexDispatcher } from "../../log-index/tree/index-dispatcher.ts";
import { systemEnv } from "../../system/env.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { addHomeOption, type HomeFlags, openIndex } from "./home.ts";
import { counted } from "./numbers.ts";

interface Flags extends HomeFlags {
  readonly json?: boolean;
}

export function addSleep(logs: Command, { terminal, end }: Stage): void {
  addHomeOption(
    logs
      .command("sleep")
      .summary("answer from a folder's raw logs, without opening its index")
      .description(
        "Puts a folder and those below it to sleep: servers give back memory and open files, and questions are answered from the raw logs, by halving where time allows it. The answers are the same.",
      )
      .argument("<folder>", "a name in the index, as nginx or nginx/shop"),
  )
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["unum logs sleep nginx", "unum logs wake nginx"]))
    .action(async (name: string, flags: Flags) => end(await set(name, true, flags, terminal)));
}

export function addWake(logs: Command, { terminal, end }: Stage): void {
  addHomeOption(
    logs
      .command("wake")
      .summary("answer from a folder's index again")
      .description("Wakes a folder and those below it, and tells how long that took.")
      .argument("<folder>", "a name in the index, as nginx or nginx/shop"),
  )
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["unum logs wake nginx"]))
    .action(async (name: string, flags: Flags) => end(await set(name, false, flags, terminal)));
}

async function set(name: string, asleep: boolean, flags: Flags, terminal: Terminal): Promise<number> {
  const { clock } = systemEnv();
  const index = openIndex({ ...flags, in: name }, systemEnv(), terminal);
  if (!(index instanceof IndexDispatcher))
    throw new UsageError(`'${name}' is another server's; what sleeps there is its own matter`);
  const startedAt = clock.now();
  mark(index, asleep);
  if (!asleep) await index.wakeUp();
  const ms = clock.now() - startedAt;
  const { records } = await index.facts();
  index.sleep();
  if (flags.json) terminal.print(JSON.stringify({ name, asleep, records, ms }));
  else
    terminal.print(
      `${name} is ${asleep ? "asleep" : "awake"}: ${counted(records, "record")}${asleep ? "" : `, open in ${formatMs(ms)}`}`,
    );
  return EXIT.ok;
}

function mark(index: IndexDispatcher, asleep: boolean): void {
  for (const name of index.contents().folders) {
    const child = index.at(name);
    if (child instanceof IndexDispatcher) mark(child, asleep);
  }
  noteFacts(index.folder, (config) => ({ ...config, asleep }));
}
