// unum grant: what another key may do in the machine.

import { readFile } from "node:fs/promises";
import { didYouMean } from "../../base/nearest.ts";
import { readPublicKey } from "../../machine/archive/minisign.ts";
import { isRole, ROLES } from "../../machine/privileges/roles.ts";
import { addDoorOptions, DOOR_EXIT_CODES, type DoorOptions } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { type MachineDoor, withMachine } from "../machine/machine-door.ts";
import { endWithKey } from "../machine/vouched.ts";
import { durationOption, repeatable } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface GrantFlags extends DoorOptions {
  readonly program?: readonly string[];
  readonly for?: number;
  readonly label?: string;
  readonly json?: boolean;
}

export function addGrant({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("grant")
      .summary("let another key do something")
      .description(
        "Gives another key a role: an operator may do everything, a deployer load, start, stop and unload programs, an observer look. Nobody gives more than he has; 'none' takes the role back, and with it what that key gave. Needs the role operator.",
      )
      .argument("<key>", "a public key, as 'unum keys' prints it, or a file with one")
      .argument("<role>", "operator, deployer, observer or none"),
  )
    .addOption(repeatable("--program <name>", "only this program; NAME* for all that begin so"))
    .addOption(durationOption("--for <time>", "until it ends (default: for ever)"))
    .option("--label <text>", "whose key it is, for people", "")
    .option("--json", "the grant as one JSON object")
    .addHelpText(
      "after",
      examples(["unum grant ada.pub deployer --program thumb* --for 30d", "unum grant ada.pub none"]),
    )
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (key: string, role: string, flags: GrantFlags) => {
      if (!isRole(role) && role !== "none") {
        throw new UsageError(
          `'${role}' is no role${didYouMean(role, [...ROLES, "none"]) || `; there are ${ROLES.join(", ")} and none`}`,
        );
      }
      end(await withMachine(flags, (machine) => grant(machine, key, role, flags, terminal)));
    });
}

/** A key in base64 is no name of a file that anybody would give. */
function lineOf(text: string): string {
  if (!/^\.{0,2}\/|\.[a-z]{1,5}$/.test(text)) return text;
  throw new UsageError(`there is no file ${text}; give a public key, as 'unum keys' prints it, or a file with one`);
}

async function grant(
  machine: MachineDoor,
  text: string,
  role: string,
  flags: GrantFlags,
  terminal: Terminal,
): Promise<number> {
  const key = readPublicKey(await readFile(text, "utf8").catch(() => lineOf(text)));
  const { program: programs = [], for: forMs, label = "", json } = flags;
  const expiresMs = forMs === undefined ? 0n : BigInt(Math.round(machine.door.env.clock.wallNow() + forMs));
  const conflict = await machine.propose(
    `grant/${key.id}`,
    role === "none"
      ? { case: "removed", value: { reason: "taken back" } }
      : { case: "grant", value: { key: key.raw, role, programs: [...programs], expiresMs, label } },
  );
  if (conflict !== "") terminal.say(terminal.tint("yellow", conflict));
  // Whoever was an operator and is less may have said of programs that they are trusted.
  if (role !== "operator")
    for (const text of endWithKey(await machine.show(), key.id)) terminal.say(terminal.tint("yellow", text));
  if (json) terminal.print(JSON.stringify({ key: key.id, role, programs, expiresMs: Number(expiresMs), label }));
  else terminal.print(role === "none" ? `key ${key.id} may nothing any more` : `key ${key.id} is ${role}`);
  return EXIT.ok;
}
