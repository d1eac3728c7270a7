// unum audit: what was asked of a controller, by whom, and what came of it.

import { addDoorOptions, DOOR_EXIT_CODES, type DoorOptions } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { type MachineDoor, withMachine } from "../machine/machine-door.ts";
import { messageJson } from "../node-json.ts";
import { plain } from "../plain-text.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

interface AuditFlags extends DoorOptions {
  readonly verify?: boolean;
  readonly json?: boolean;
}

export function addAudit({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("audit")
      .summary("who asked for what, and what came of it")
      .description(
        "Shows a controller's audit log: every command, done or refused, by whose key. Each entry is bound to the one before it by a hash; --verify reads the file again and says whether all of them are as they were written.",
      ),
  )
    .option("--verify", "also check that no entry was changed, left out or put in; exit 1 where one was")
    .option("--json", "one JSON object a line, one for each entry; with --verify a last one that says what was found")
    .addHelpText(
      "after",
      examples(["unum audit", "unum audit --verify", "unum audit --json | jq 'select(.verdict == \"refused\")'"]),
    )
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (flags: AuditFlags) => end(await withMachine(flags, (machine) => audit(machine, flags, terminal))));
}

async function audit({ ask }: MachineDoor, { verify = false, json }: AuditFlags, terminal: Terminal): Promise<number> {
  let broken = "";
  for (let after = 0n, more = true; more; ) {
    const page = await ask((machine, options) => machine.audit({ after, verify: verify && after === 0n }, options));
    if (after === 0n) broken = page.broken;
    for (const entry of page.entries) {
      const { number, atMs, who, what, verdict, why } = entry;
      if (json) terminal.print(JSON.stringify(messageJson(entry)));
      else {
        const time = new Date(Number(atMs)).toISOString().replace(/\.\d+Z$/, "Z");
        const end = verdict === "done" ? terminal.paint("green", verdict) : terminal.paint("red", verdict);
        terminal.print(
          `${number} ${time} key ${who || "unknown"} ${end} ${plain(what)}${why === "" ? "" : `: ${plain(why)}`}`,
        );
      }
      after = number;
    }
    more = page.more;
  }
  if (!verify) return EXIT.ok;
  if (json) terminal.print(JSON.stringify({ verified: broken === "", broken }));
  if (broken === "") terminal.say(terminal.tint("green", "every entry is as it was written"));
  else terminal.say(terminal.tint("red", `the log was tampered with or damaged: ${broken}`));
  return broken === "" ? EXIT.ok : EXIT.failed;
}
