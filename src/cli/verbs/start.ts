// unum start: runs a program, or a newer version of it in place of what runs.

import { create } from "@bufbuild/protobuf";
import { Fault } from "../../base/fault.ts";
import { termsOf } from "../../machine/programs/terms.ts";
import type { MachineView, ProgramView } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { ProgramLimitsSchema, type ProgramWanted } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { addDoorOptions, type DoorOptions } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { programMemory, programProcessors } from "../limit-options.ts";
import { type MachineDoor, programNamed, untilSettled, withMachine } from "../machine/machine-door.ts";
import { MACHINE_EXIT_CODES, stateAt, waitOption } from "../machine/program-text.ts";
import { namedBy } from "../node-names.ts";
import { repeatable } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface StartFlags extends DoorOptions {
  readonly grant?: readonly string[];
  readonly memory?: number;
  readonly processors?: number;
  readonly on?: readonly string[];
  readonly keeper?: readonly string[];
  readonly force?: boolean;
  readonly wait: number;
  readonly json?: boolean;
}

export function addStart({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("start")
      .summary("run a program that is loaded")
      .description(
        "Runs the newest version of a program that is loaded, on every node. Where an older one runs it is replaced without a failed call; one that would break callers is refused, and one that does not come to serve gives way to the one before.",
      )
      .argument("<program>", "its name; NAME@VERSION for another version than the newest that is loaded"),
  )
    .addOption(
      repeatable(
        "--grant <capability>",
        "what it may do, of what it asks for: log, net, fs:read=/srv/pictures, …; none for nothing; left out: what it may already",
      ),
    )
    .option(
      "--memory <size>",
      "what each of its containers may use with its cells, as 256MiB; none for no limit but the nodes'; left out: as before",
      programMemory,
    )
    .option(
      "--processors <count>",
      "how many processors each of its containers may use as a mean, as 0.5; none for no limit; left out: as before",
      programProcessors,
    )
    .addOption(
      repeatable("--on <node>", "run it on that node, not on all; one that runs on one node alone: on one of those"),
    )
    .addOption(
      repeatable(
        "--keeper <node>",
        "of a program that runs on one node alone: a controller that decides on which, more than half of them at a time; left out at its first start: all that are known",
      ),
    )
    .option("--force", "also where callers of what runs would break")
    .addOption(waitOption())
    .option("--json", "the program as one JSON object")
    .addHelpText(
      "after",
      examples([
        "unum start thumbnails",
        "unum start thumbnails@1.1.0",
        "unum start ledger --keeper na1 --keeper nb2 --keeper nc3",
        "unum start thumbnails --grant fs:read=/srv/pictures --grant log",
        "unum start thumbnails --memory 256MiB --processors 0.5",
        "unum start thumbnails --grant none                # what it was granted before is taken back",
      ]),
    )
    .addHelpText("after", MACHINE_EXIT_CODES)
    .action(async (name: string, flags: StartFlags) =>
      end(await withMachine(flags, (machine) => start(machine, name, flags, terminal))),
    );
}

async function start(machine: MachineDoor, asked: string, flags: StartFlags, terminal: Terminal): Promise<number> {
  const [name = "", wantedVersion] = asked.split("@");
  const view = await machine.show();
  const program = programNamed(name, view);
  const { wanted } = program;
  if (wanted === undefined) throw new UsageError(`${name} is not loaded`);
  const { version, digest } = versionOf(program, wantedVersion);
  const isReplacement = wanted.running && wanted.digest !== digest;
  const terms = { granted: grantsAsked(flags, wanted), limits: limitsAsked(flags, wanted) };
  const named = termsOf(terms);
  const conflict = await machine.propose(`program/${name}`, {
    case: "program",
    value: {
      ...wanted,
      ...{
        running: true,
        digest,
        fallback: isReplacement ? wanted.digest : wanted.fallback === digest ? "" : wanted.fallback,
      },
      ...placesAsked(flags, wanted, view),
      ...terms,
      mayBreak: flags.force === true,
    },
  });
  if (conflict !== "") terminal.say(terminal.tint("yellow", conflict));
  const settled = await untilSettled(
    machine,
    flags.wait,
    ({ programs }) => {
      const found = programs.find((each) => each.name === name);
      if (found === undefined) throw new Fault("internal", `${name} was unloaded meanwhile`);
      const refusing = found.nodes.find(({ refused }) => refused === digest);
      if (refusing !== undefined) throw refusedThere(name, version, refusing, isReplacement);
      const unable = found.nodes.find(({ termsRefused }) => termsRefused === named);
      if (unable !== undefined) throw notUnderTerms(name, version, unable);
      const own = found.nodes.filter(({ state }) => state !== "elsewhere");
      const isThere =
        own.length > 0 &&
        own.every((node) => node.state === "running" && node.digest === digest && node.terms === named);
      return isThere ? found : undefined;
    },
    (seen) => `${name} ${version} is ${stateAt(seen, name)}`,
  );
  for (const { node, problems } of settled.nodes)
    for (const problem of problems) terminal.say(`${terminal.tint("yellow", "problem")} on node ${node}: ${problem}`);
  if (flags.json)
    terminal.print(JSON.stringify({ name, version, digest, state: settled.state, granted: settled.granted }));
  else {
    const own = settled.nodes.filter(({ state }) => state !== "elsewhere");
    const serving = own.reduce((sum, node) => sum + node.serving, 0);
    terminal.print(
      `${name} ${version} runs: ${serving} ${serving === 1 ? "container" : "containers"} on ${own.length} ${own.length === 1 ? "node" : "nodes"}`,
    );
  }
  return EXIT.ok;
}

function limitsAsked({ memory, processors }: StartFlags, { limits }: ProgramWanted): ProgramWanted["limits"] {
  if (memory === undefined && processors === undefined) return limits;
  return create(ProgramLimitsSchema, {
    memoryBytes: memory === undefined ? (limits?.memoryBytes ?? 0n) : BigInt(memory),
    cpuPermille: processors === undefined ? (limits?.cpuPermille ?? 0) : Math.round(processors * 1_000),
  });
}

function grantsAsked({ grant }: StartFlags, { granted }: ProgramWanted): string[] {
  if (grant?.includes("none") !== true) return [...(grant ?? granted)];
  if (grant.length > 1)
    throw new UsageError("'--grant none' takes back all that it may: no other --grant goes with it");
  return [];
}

/** What is not said stays; who keeps a program is said once, at its first start. */
function placesAsked({ on, keeper }: StartFlags, wanted: ProgramWanted, { nodes }: MachineView) {
  const there = nodes.filter(({ revoked }) => !revoked);
  const controllers = there.filter(({ controller }) => controller).map(({ id }) => id);
  const all = there.map(({ id }) => id);
  const known = wanted.keepers.length > 0 ? wanted.keepers : controllers;
  return {
    nodes: on === undefined ? wanted.nodes : on.map((each) => oneNamed(each, all, "node")),
    keepers: keeper === undefined ? known : keeper.map((each) => oneNamed(each, controllers, "controller")),
  };
}

function oneNamed(name: string, ids: readonly string[], what: string): string {
  const found = namedBy(name, ids, (id) => id);
  if (found !== undefined) return found;
  throw new UsageError(`'${name}' is no ${what} of this machine; there are ${ids.join(", ")}`);
}

function versionOf({ name, loaded }: ProgramView, version: string | undefined) {
  const found = version === undefined ? loaded.at(-1) : loaded.findLast((each) => each.version === version);
  if (found !== undefined) return found;
  throw new UsageError(`${name} ${version} is not loaded; loaded: ${loaded.map((each) => each.version).join(", ")}`);
}

function refusedThere(
  name: string,
  version: string,
  { node, problems, state }: ProgramView["nodes"][number],
  isReplacement: boolean,
): Fault {
  const goesOn = isReplacement && state === "running" ? "; the version before it goes on" : "";
  const why = problems.length === 0 ? "it did not pass its probe" : problems.join("; ");
  return new Fault("internal", `${name} ${version} does not run on node ${node}: ${why}${goesOn}`);
}

/** The version itself runs, as before. */
function notUnderTerms(name: string, version: string, { node, problems }: ProgramView["nodes"][number]): Fault {
  const why = problems.length === 0 ? "it did not pass its probe" : problems.join("; ");
  const goesOn = "it goes on there with what it might before; 'unum start' again says otherwise";
  return new Fault("internal", `${name} ${version} does not run like that on node ${node}: ${why}; ${goesOn}`);
}
