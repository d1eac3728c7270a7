// unum logs remove: takes a folder or a server out of the index.

import type { Command } from "commander";
import { removeIndex } from "../../log-index/tree/remove-index.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { addHomeOption, type HomeFlags, homeOf, openIndex } from "./home.ts";
import { counted } from "./numbers.ts";

interface RemoveFlags extends HomeFlags {
  readonly json?: boolean;
}

export function addRemove(logs: Command, { terminal, end }: Stage): void {
  addHomeOption(
    logs
      .command("remove")
      .summary("take a folder or a server out of the index; its logs stay")
      .description(
        "Takes a folder, with those below it, or another server out of the index. The raw logs stay as they are, and so does the other server: 'unum logs add' takes them in again, from their beginning.",
      )
      .argument("<name>", "in the index, as nginx or nginx/shop"),
  )
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["unum logs remove nginx", "unum logs remove other-server-8080-nginx"]))
    .action((name: string, flags: RemoveFlags) => end(remove(name, flags, terminal)));
}

function remove(name: string, flags: RemoveFlags, terminal: Terminal): number {
  // Says which there are where there is none of that name.
  openIndex({ ...flags, in: name }, systemEnv(), terminal).sleep();
  const { what, records } = removeIndex(homeOf(flags), name);
  if (flags.json) terminal.print(JSON.stringify({ name, what, records }));
  else
    terminal.print(
      what === "server"
        ? `${name} is no longer asked; the server itself goes on`
        : `${name}: ${counted(records, "record")} removed from the index; the logs stay`,
    );
  return EXIT.ok;
}
