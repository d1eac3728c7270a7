// unum token: lets one more computer into the machine.

import { randomBytes } from "node:crypto";
import { Fault } from "../../base/fault.ts";
import { newId } from "../../base/random.ts";
import { secretHash, tokenText } from "../../machine/identity/token.ts";
import { isMachineName } from "../../machine/stacking/links.ts";
import { addDoorOptions, DOOR_EXIT_CODES, type DoorOptions } from "../door.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { type MachineDoor, withMachine } from "../machine/machine-door.ts";
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

const SECRET_BYTES = 24;

export function addToken({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("token")
      .summary("let one more computer into the machine")
      .description(
        "Prints a token by which one computer may join the machine, once, and the command to do it with. Whoever has it gets in: hand it over as you would a password. It names the machine's root certificate, so that whoever joins knows whom he joins. Needs the role operator.",
      ),
  )
    .addOption(durationOption("--for <time>", "how long it is good", 3_600_000))
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
  const { joinsAt, root, node } = await machine.show();
  if (joinsAt === "") {
    throw new Fault(
      "denied",
      "this node lets nobody in: it is no controller, or was started without '--open HOST:PORT', which other computers can reach",
    );
  }
  const { clock, random } = machine.door.env;
  const made = { id: newId(random, "t"), secret: randomBytes(SECRET_BYTES).toString("base64url"), root };
  const expiresMs = BigInt(Math.round(clock.wallNow() + flags.for));
  const stacked = flags.machine ?? "";
  if (stacked !== "")
    await machine.propose(`child/${stacked}`, { case: "child", value: { calls: [...(flags.calls ?? [])] } });
  await machine.propose(`token/${made.id}`, {
    case: "token",
    value: {
      ...{ secretHash: secretHash(made.secret), expiresMs, at: node, controller: flags.controller === true },
      machine: stacked,
    },
  });
  const text = tokenText(made);
  if (flags.json) terminal.print(JSON.stringify({ token: text, joinsAt, expiresMs: Number(expiresMs) }));
  else {
    const whom = stacked === "" ? `one ${flags.controller ? "controller" : "computer"}` : `machine ${stacked}`;
    terminal.say(`for ${whom}, for ${formatMs(flags.for)}; there:`);
    const verb = stacked === "" ? "join" : "stack";
    terminal.print(`npx unum ${verb} ${joinsAt} --token ${text} --open HOST:PORT`);
  }
  return EXIT.ok;
}
