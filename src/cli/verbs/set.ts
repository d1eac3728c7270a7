// unum set: a machine variable, set by an operator and read by the programs it is for.

import { didYouMean } from "../../base/nearest.ts";
import { addDoorOptions, DOOR_EXIT_CODES, type DoorOptions } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { type MachineDoor, withMachine } from "../machine/machine-door.ts";
import { unknownName } from "../node-names.ts";
import { repeatable } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface SetFlags extends DoorOptions {
  readonly for?: readonly string[];
  readonly remove?: boolean;
  readonly json?: boolean;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;

export function addSet({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("set")
      .summary("set a machine variable")
      .description(
        "Sets a variable of the machine. Programs that are granted 'machine' read it, or only those named with --for. Needs the role operator. 'unum machine' shows all.",
      )
      .argument("<name>", "letters, digits, '.', '_' and '-'")
      .argument("[value]", "text"),
  )
    .addOption(repeatable("--for <program>", "only this program may read it"))
    .option("--remove", "take the variable away")
    .option("--json", "the variable as one JSON object")
    .addHelpText(
      "after",
      examples(["unum set region north", "unum set quality 80 --for thumbnails", "unum set region --remove"]),
    )
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (name: string, value: string | undefined, flags: SetFlags) => {
      if (!NAME.test(name))
        throw new UsageError(`'${name}' is no name of a variable; write letters, digits, '.', '_' and '-'`);
      if ((value === undefined) !== (flags.remove === true)) {
        throw new UsageError("give a value, or --remove to take the variable away, and not both");
      }
      end(await withMachine(flags, (machine) => set(machine, name, value, flags, terminal)));
    });
}

async function set(
  machine: MachineDoor,
  name: string,
  value: string | undefined,
  { for: programs = [], json }: SetFlags,
  terminal: Terminal,
): Promise<number> {
  if (value === undefined) {
    const known = (await machine.show()).variables.map((variable) => variable.name);
    if (!known.includes(name)) throw unknownName(name, "no variable of the machine", known);
  }
  const loaded = programs.length === 0 ? [] : (await machine.show()).programs.map((program) => program.name);
  for (const program of programs) {
    if (loaded.includes(program)) continue;
    const note = `no program '${program}' is loaded, and nobody reads it before one is${didYouMean(program, loaded)}`;
    terminal.say(terminal.tint("yellow", note));
  }
  const conflict = await machine.propose(
    `variable/${name}`,
    value === undefined
      ? { case: "removed", value: { reason: "removed" } }
      : { case: "variable", value: { value, programs: [...programs] } },
  );
  if (conflict !== "") terminal.say(terminal.tint("yellow", conflict));
  if (json) terminal.print(JSON.stringify({ name, value: value ?? null, programs }));
  else terminal.print(value === undefined ? `${name} is gone` : `${name} = ${value}`);
  return EXIT.ok;
}
