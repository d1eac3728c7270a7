// unum stop and unum unload: end a program; take it away.

import type { ProgramWanted } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { addDoorOptions, type DoorOptions } from "../door.ts";
import { graceOption } from "../drain-node.ts";
import { EXIT } from "../exit-code.ts";
import { type MachineDoor, programNamed, untilSettled, withMachine } from "../machine/machine-door.ts";
import { MACHINE_EXIT_CODES, stateAt, waitOption } from "../machine/program-text.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface StopFlags extends DoorOptions {
  readonly grace: number;
  readonly wait: number;
  readonly json?: boolean;
}

export function addStop({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("stop")
      .summary("end a program after its calls")
      .description(
        "Ends a program on every node: new calls are refused at once, those under way have the grace to end, then its containers end. It stays loaded.",
      )
      .argument("<program>", "its name"),
  )
    .addOption(graceOption("how long calls may take to end"))
    .addOption(waitOption())
    .option("--json", "the program as one JSON object")
    .addHelpText("after", examples(["unum stop thumbnails", "unum stop thumbnails --grace 1m"]))
    .addHelpText("after", MACHINE_EXIT_CODES)
    .action(async (name: string, flags: StopFlags) =>
      end(await withMachine(flags, (machine) => stop(machine, name, flags, terminal))),
    );
}

export function addUnload({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("unload")
      .summary("take a program away from the machine")
      .description(
        "Takes all versions of a program away from every node: processes, files, all. One that runs is stopped first, after its calls. A node that is away does it when it is back.",
      )
      .argument("<program>", "its name"),
  )
    .addOption(waitOption())
    .option("--json", "what was unloaded as one JSON object")
    .addHelpText("after", examples(["unum unload thumbnails"]))
    .addHelpText("after", MACHINE_EXIT_CODES)
    .action(async (name: string, flags: StopFlags) =>
      end(await withMachine(flags, (machine) => unload(machine, name, flags, terminal))),
    );
}

async function stop(machine: MachineDoor, name: string, flags: StopFlags, terminal: Terminal): Promise<number> {
  const { wanted, running } = programNamed(name, await machine.show());
  if (wanted === undefined) throw new UsageError(`${name} is not loaded`);
  if (running) await propose(machine, name, { ...wanted, running: false, graceMs: flags.grace }, terminal);
  await untilSettled(
    machine,
    flags.wait + flags.grace,
    ({ programs }) => {
      const found = programs.find((each) => each.name === name);
      const ended =
        found === undefined || found.nodes.every(({ state }) => !["running", "starting", "stopping"].includes(state));
      return ended ? true : undefined;
    },
    (seen) => `${name} is ${stateAt(seen, name)}`,
  );
  if (flags.json) terminal.print(JSON.stringify({ name, state: "stopped", already: !running }));
  else terminal.print(running ? `${name} has stopped; it stays loaded` : `${name} does not run`);
  return EXIT.ok;
}

async function unload(machine: MachineDoor, name: string, flags: StopFlags, terminal: Terminal): Promise<number> {
  const program = programNamed(name, await machine.show());
  const conflict = await machine.propose(`program/${name}`, { case: "removed", value: { reason: "unloaded" } });
  if (conflict !== "") terminal.say(terminal.tint("yellow", conflict));
  await untilSettled(
    machine,
    flags.wait + (program.wanted?.graceMs ?? 0),
    ({ programs }) => (programs.some((each) => each.name === name) ? undefined : true),
    (seen) => `${name} is ${stateAt(seen, name)}`,
  );
  const versions = program.loaded.map(({ version }) => version);
  if (flags.json) terminal.print(JSON.stringify({ name, versions }));
  else terminal.print(`${name} ${versions.join(", ")} is gone from every node that is online`);
  return EXIT.ok;
}

async function propose(machine: MachineDoor, name: string, value: ProgramWanted, terminal: Terminal): Promise<void> {
  const conflict = await machine.propose(`program/${name}`, { case: "program", value });
  if (conflict !== "") terminal.say(terminal.tint("yellow", conflict));
}
