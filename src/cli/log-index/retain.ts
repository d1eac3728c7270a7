// unum logs retain: for how long a folder's records are kept in the index.

import type { Command } from "commander";
import { formatTime } from "../../log-index/records/time.ts";
import { IndexDispatcher } from "../../log-index/tree/index-dispatcher.ts";
import { retainLogs } from "../../log-index/tree/retain.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import { formatSize } from "../size.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { addHomeOption, type HomeFlags, openIndex } from "./home.ts";
import { counted } from "./numbers.ts";

interface RetainFlags extends HomeFlags {
  readonly days?: number;
  readonly forever?: boolean;
  readonly json?: boolean;
}

export function addRetain(logs: Command, { terminal, end }: Stage): void {
  addHomeOption(
    logs
      .command("retain")
      .summary("let go of what is older than so many days, now and with every add")
      .description(
        "Lets go of the records of a folder, and of those below it, that are older than so many days: now, and whenever 'unum logs add' reads new ones. They go in blocks of up to a million, each once its last record is too old. The raw logs stay as they are; what was let go of is read again only after 'unum logs remove'.",
      )
      .argument("<folder>", "a name in the index, as nginx or nginx/shop"),
  )
    .option("--days <count>", "how many days are kept", Number)
    .option("--forever", "nothing is let go of any more")
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["unum logs retain nginx --days 90", "unum logs retain nginx --forever"]))
    .action((name: string, flags: RetainFlags) => end(retain(name, flags, terminal)));
}

function retain(name: string, { days, forever, ...flags }: RetainFlags, terminal: Terminal): number {
  if ((days === undefined) === (forever === undefined)) throw new UsageError("say how long: --days 90, or --forever");
  if (days !== undefined && !(days > 0)) throw new UsageError(`--days needs a number above 0, as --days 90`);
  const env = systemEnv();
  const index = openIndex({ ...flags, in: name }, env, terminal);
  if (!(index instanceof IndexDispatcher))
    throw new UsageError(`'${name}' is another server's; how long it keeps records is its own matter`);
  const { dropped, facts } = retainLogs({ folder: index.folder, days, now: env.clock.wallNow() / 1000 });
  const { records, bytes, from } = facts;
  if (flags.json) terminal.print(JSON.stringify({ name, days: days ?? null, dropped, records, bytes }));
  else {
    const since = records === 0 ? "" : ` since ${formatTime(from)}`;
    terminal.print(
      `${name}: ${counted(dropped, "record")} let go of; ${counted(records, "record")}${since} (${formatSize(bytes)}) ${days === undefined ? "are kept" : `are there, ${counted(days, "day")} are kept`}`,
    );
  }
  return EXIT.ok;
}
