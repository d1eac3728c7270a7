// The command: its verbs, its help, and how every ending becomes an exit code.

import { Command, CommanderError } from "commander";
import { ApplicationError, Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { VERSION } from "../node/version.ts";
import { EXIT, exitCodeOf } from "./exit-code.ts";
import { errorJson, errorText } from "./outcome-text.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage.ts";
import { addCall } from "./verbs/call.ts";
import { addCheck } from "./verbs/check.ts";
import { addCompletion } from "./verbs/completion.ts";
import { addDeploy } from "./verbs/deploy.ts";
import { addDescribe } from "./verbs/describe.ts";
import { addDown } from "./verbs/down.ts";
import { addDrain } from "./verbs/drain.ts";
import { addFlow } from "./verbs/flow.ts";
import { addIslands } from "./verbs/islands.ts";
import { addLimits } from "./verbs/limits.ts";
import { addLogs, componentApart } from "./verbs/logs.ts";
import { MACHINE_VERBS } from "./verbs/machine-verbs.ts";
import { addPs } from "./verbs/ps.ts";
import { addServe } from "./verbs/serve.ts";
import { addStatus } from "./verbs/status.ts";
import { addTop } from "./verbs/top.ts";
import { addTour } from "./verbs/tour.ts";
import { addUp } from "./verbs/up.ts";
import { examples, type Stage } from "./verbs/verb.ts";

/** As --help lists them: a node, programs, then calls and components. */
const VERBS = [
  ...[addUp, addStatus, addPs, addTop, addLimits, addLogs, addDeploy, addDrain, addDown],
  ...MACHINE_VERBS,
  ...[addFlow, addServe, addCall, addDescribe, addCheck, addIslands, addTour, addCompletion],
];

/** Settles with the exit code. Rejects only with what is a defect of this command. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = newProgram(terminal);
  const stage: Stage = {
    program,
    terminal,
    end: (code) => {
      exitCode = code;
    },
  };
  for (const add of VERBS) add(stage);
  if (args.length === 0) {
    program.outputHelp({ error: true });
    return EXIT.usage;
  }
  try {
    await program.parseAsync([...componentApart(args)], { from: "user" });
    return exitCode;
  } catch (error) {
    return ended(error, args, terminal, program);
  }
}

function newProgram(terminal: Terminal): Command {
  return new Command("unum")
    .description("Unum turns many computers into one machine. Components in TypeScript, called by contract.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError()
    .configureOutput({
      writeOut: (text) => terminal.print(text.replace(/\n$/, "")),
      writeErr: (text) => terminal.say(text.replace(/\n$/, "")),
      outputError: (text, write) => write(text.replace(/^error: /, `${terminal.tint("red", "usage")}: `)),
    })
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      "after",
      examples([
        "unum tour                                             # what works, on real files",
        "unum up --components components                       # keep a folder running on all cores",
        "unum serve components                                 # host it in one process; prints its address",
        "unum describe                                         # what it serves",
        `unum call demo.v1.Digest/OfFile '{"path":"README.md"}'`,
        "unum call --help                                      # options, exit codes",
      ]),
    );
}

function ended(error: unknown, args: readonly string[], terminal: Terminal, program: Command): number {
  // Commander has written what there is to say, but for what a verb threw.
  const written = error instanceof CommanderError && !(error instanceof UsageError);
  if (written) {
    const meant = error.code === "commander.unknownOption" ? subcommandMeant(program, args) : undefined;
    if (meant !== undefined) terminal.say(`did you mean 'unum ${meant}'?`);
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  const known = error instanceof Fault || error instanceof ApplicationError || error instanceof UsageError;
  if (!known) throw error;
  terminal.say(terminal.tint("red", errorText(error)));
  if (error instanceof UsageError) terminal.say(`'unum ${args[0]} --help' shows how it is used`);
  if (args.includes("--json")) terminal.print(JSON.stringify({ error: errorJson(error) }));
  return exitCodeOf(error);
}

/** An option that a verb does not have may be one of its subcommand's, whose name has a typing mistake. */
function subcommandMeant(program: Command, [verb = "", word = ""]: readonly string[]): string | undefined {
  const names = program.commands.find((each) => each.name() === verb)?.commands.map((each) => each.name()) ?? [];
  const meant = names.includes(word) ? undefined : nearest(word, names);
  return meant === undefined ? undefined : `${verb} ${meant}`;
}
