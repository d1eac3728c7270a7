// unum token: lets one more computer into the machine.

import { isMachineName } from "../../machine/stacking/links.ts";
import { addDoorOptions, DOOR_EXIT_CODES, type DoorOptions } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { type MachineDoor, withMachine } from "../machine/machine-door.ts";
import { newToken, showToken, TOKEN_MS } from "../machine/new-token.ts";
import { durationOption, repeatable } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface TokenFlags extends DoorOptions {
  readonly for: number;
  readonly controller?: boolean;
  readonly machine?: string;
  readonly calls?: readonly string[];
  readonly json?: boolean;
}

export function addToken({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("token")
      .summary("let one more computer into the machine")
      .description(
        "Prints a token by which one computer may join the machine, once, and the command to do it with. Whoever has it gets in: hand it over as you would a password. It names the machine's root certificate, so that whoever joins knows whom he joins. Needs the role operator.",
      ),
  )
    .addOption(durationOption("--for <time>", "how long it is good", TOKEN_MS))
    .option("--controller", "who joins with it takes commands and lets others in too; only at the machine's first node")
    .option("--machine <id>", "for a whole machine, which joins as one node; 'unum machine' there says its id")
    .addOption(
      repeatable(
        "--calls <contract>",
        "what that machine may call here; NAME* for all that begin so (default: nothing)",
      ),
    )
    .option("--json", "the token as one JSON object")
    .addHelpText(
      "after",
      examples([
        "unum token",
        "unum token --for 10m",
        "unum token --controller",
        "unum token --machine mq3v2mxa --calls 'shop.v1.*'",
      ]),
    )
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (flags: TokenFlags) => {
      if (flags.machine !== undefined && !isMachineName(flags.machine))
        throw new UsageError(`'${flags.machine}' is no machine's id; 'unum machine' there says it`);
      if (flags.machine === undefined && flags.calls !== undefined)
        throw new UsageError("--calls says what a machine may; it goes with --machine");
      if (flags.machine !== undefined && flags.controller)
        throw new UsageError("a machine that is a node commands nothing here; leave --controller out");
      if (flags.for === 0) throw new UsageError("a token for no time lets nobody in; give --for a longer one, as 10m");
      end(await withMachine(flags, (machine) => token(machine, flags, terminal)));
    });
}

async function token(machine: MachineDoor, flags: TokenFlags, terminal: Terminal): Promise<number> {
  const { for: forMs, controller = false, machine: id, calls = [], json } = flags;
  const made = await newToken(machine, {
    ...{ forMs, controller },
    ...(id === undefined ? {} : { stacked: { machine: id, calls } }),
  });
  if (json) terminal.print(JSON.stringify({ token: made.text, joinsAt: made.joinsAt, expiresMs: made.expiresMs }));
  else showToken(made, terminal);
  return EXIT.ok;
}
