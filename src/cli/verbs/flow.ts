// unum flow: durable work through a graph, begun, watched and steered.

import type { Command } from "commander";
import { parseDuration } from "../duration.ts";
import { type CheckFlags, checkVerb } from "../flow/check-flow.ts";
import { commandVerb, retryVerb } from "../flow/command-flow.ts";
import { type EstimateFlags, estimateVerb } from "../flow/estimate-flow.ts";
import { JOURNAL_VARIABLE, type JournalFlag } from "../flow/kept-runs.ts";
import { type RunFlags, runVerb } from "../flow/run-flow.ts";
import { deadVerb, graphVerb, listVerb, numberOf, type StatusFlags, statusVerb } from "../flow/show-flow.ts";
import { repeatable } from "../options.ts";
import { parseSize } from "../size.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

const EXIT_CODES = `Exit codes:
  0    ok: of run, everything came to its end
  1    failed: something is dead, a line could not be read, or a join waits for a part that is dead
  2    usage: wrong arguments, a graph that is wrong, no such edge or step
  3    unreachable: nobody answers at the address
  4    refused: no such run, another process runs it, nobody serves a step
  5    no outcome in time
  130  interrupted by Ctrl-C; a run can be resumed`;

export function addFlow({ program, terminal, end }: Stage): void {
  const flow = program
    .command("flow")
    .summary("durable work through a typed graph")
    .description(
      "Runs flows: items go through a graph of steps, each a call of a component. Every step is written down before the next begins, so a run goes on where it stood after any crash. Runs are kept in $UNUM_HOME/flows, or in a PostgreSQL that several hosts share (--journal).",
    )
    .addHelpText(
      "after",
      examples([
        "unum flow run examples/06-flow",
        "unum flow status last --watch",
        "unum flow graph examples/06-flow",
        "unum flow dead last; unum flow retry last",
      ]),
    )
    .addHelpText("after", `\n${EXIT_CODES}`);
  const verb = (name: string, summary: string, description: string): Command =>
    flow.command(name).summary(summary).description(description).option("--json", "as JSON, one object a line");
  /** One that asks or changes what is kept of runs. */
  const ofRuns = (name: string, summary: string, description: string): Command =>
    verb(name, summary, description).option(
      "--journal <address>",
      `a PostgreSQL that keeps the runs, as postgres://user@host/database (default: $${JOURNAL_VARIABLE}, else this folder)`,
    );

  ofRuns(
    "run",
    "begin a run, or go on with one",
    "Runs the flow of a folder (its flow.ts) or of a file. Steps are worked on by the node of this working folder where it serves them, else by containers that the run starts from the folder's components.",
  )
    .argument("<place>", "folder or file of the flow")
    .option("--flow <name>", "which flow, where the file has several")
    .option(
      "--input <file>",
      "items, one JSON object a line; - for standard input (default: what the file exports as 'input')",
    )
    .option("--output <file>", "what comes to sinks, one JSON object a line; - for standard output")
    .option("--resume <run>", "go on with this run")
    .option("--key <key>", "the same key again is the same run: it is gone on with, not begun again")
    .option("--id <id>", "the run's id (default: a new one)")
    .option("--workers <count>", "containers of its own, at most so many, whether or not a node runs", parseCount)
    .option("--within <time>", "the whole run, from its beginning; then it is cancelled", parseDuration)
    .addOption(repeatable("--map <old=new>", "of a run that is gone on with: a step that has another name now"))
    .option("--in-process", "work in this process: for a debugger")
    .addOption(repeatable("--to <address>", "a node's door, or a container, that works for it"))
    .addHelpText(
      "after",
      examples([
        "unum flow run examples/06-flow",
        "unum flow run my-flow --input items.ndjson --output -",
        "unum flow run my-flow --resume last",
      ]),
    )
    .addHelpText("after", `\n${EXIT_CODES}`)
    .action(async (place: string, flags: RunFlags) => end(await runVerb(place, flags, terminal)));

  ofRuns("list", "the runs there are", "Lists the runs of this working folder, the newest first.").action(
    async (flags: JournalFlag & { json?: boolean }) => end(await listVerb(flags, terminal)),
  );

  ofRuns(
    "status",
    "how a run or one of its tasks stands",
    "Shows a run node by node, or with RUN/TASK everything that has happened to one task. 'last' is the newest run; the beginning of an id will do.",
  )
    .argument("<run|run/task>", "as 'unum flow list' shows it")
    .option("-w, --watch", "go on as it changes, until it is over or Ctrl-C")
    .addHelpText("after", examples(["unum flow status last", "unum flow status last/42 --watch"]))
    .action(async (run: string, flags: StatusFlags) => end(await statusVerb(run, flags, terminal)));

  ofRuns("graph", "what a flow looks like", "Draws the graph of a folder, a file or a run, with what is where.")
    .argument("<place|run>", "folder or file of the flow, or a run")
    .option("--flow <name>", "which flow, where the file has several")
    .option("--dot", "in the language of Graphviz")
    .addHelpText(
      "after",
      examples([
        "unum flow graph examples/06-flow",
        "unum flow graph last",
        "unum flow graph my-flow --dot | dot -Tsvg > flow.svg",
      ]),
    )
    .action(async (place: string, flags: JournalFlag & { flow?: string; dot?: boolean; json?: boolean }) =>
      end(await graphVerb(place, flags, terminal)),
    );

  verb(
    "estimate",
    "what a flow will bear, before it is built",
    "Works out from the graph, and from what is known or supposed of its steps, how many items go through in a second, and what is full first. Averages only, as good as the times it is given.",
  )
    .argument("<place>", "folder or file of the flow")
    .option("--flow <name>", "which flow, where the file has several")
    .addOption(repeatable("--time <step=time>", "from a step's call to its result, as hash=5ms"))
    .addOption(repeatable("--cpu <step=time>", "of which it keeps a processor busy"))
    .addOption(repeatable("--at-once <step=count>", "calls that one container works on at a time (default 1)"))
    .addOption(repeatable("--parts <step=count>", "what a STREAM step puts out for one item"))
    .addOption(repeatable("--failures <step=share>", "of its attempts, 0 to 1"))
    .addOption(repeatable("--share <edge=share>", "of what a router sends this way, 0 to 1"))
    .option("--workers <count>", "containers", parseCount)
    .option("--cores <count>", "processors", parseCount)
    .option("--in-flight <count>", "items that are under way at one time", parseCount)
    .option("--items <count>", "how long so many take", parseCount)
    .addHelpText(
      "after",
      examples(["unum flow estimate examples/06-flow --cpu compress=3ms --cpu hash=1ms --items 20000"]),
    )
    .action(async (place: string, flags: EstimateFlags) => end(await estimateVerb(place, flags, terminal)));

  ofRuns(
    "check",
    "which runs may go on with this version",
    "Says of every run of a flow that is not over whether it goes on with the version in the folder, needs to be told which steps were renamed, or stays on the version it began with.",
  )
    .argument("<place>", "folder or file of the flow")
    .option("--flow <name>", "which flow, where the file has several")
    .addOption(repeatable("--map <old=new>", "a step that has another name now"))
    .addHelpText("after", examples(["unum flow check my-flow", "unum flow check my-flow --map fetch=download"]))
    .addHelpText("after", `\n${EXIT_CODES}`)
    .action(async (place: string, flags: CheckFlags) => end(await checkVerb(place, flags, terminal)));

  ofRuns("dead", "what ended without a result, and why", "Lists dead tasks: number, node, attempt, reason.")
    .argument("<run>")
    .option("--limit <count>", "at most so many", parseCount, 1_000)
    .action(async (run: string, flags: JournalFlag & { json?: boolean; limit: number }) =>
      end(await deadVerb(run, flags, terminal)),
    );

  for (const command of ["pause", "resume", "stop"] as const) {
    ofRuns(command, SUMMARIES[command], DESCRIPTIONS[command])
      .argument("<run>")
      .action(async (run: string, flags: JournalFlag & { json?: boolean }) =>
        end(await commandVerb(run, { command }, flags, terminal)),
      );
  }

  ofRuns(
    "cancel",
    "end a run, or one of its items",
    "Ends a run, or with RUN/TASK one item with all its parts. Workers are told.",
  )
    .argument("<run|run/task>")
    .option("--reason <text>", "kept with what is cancelled")
    .action(async (text: string, flags: JournalFlag & { json?: boolean; reason?: string }) => {
      const [run = "", task] = text.split("/", 2);
      const command = {
        command: "cancel" as const,
        ...(task !== undefined && { task: numberOf(task) }),
        ...(flags.reason !== undefined && { reason: flags.reason }),
      };
      end(await commandVerb(run, command, flags, terminal));
    });

  ofRuns("retry", "let dead tasks try again", "Lets a dead task try again at its step, or with RUN alone all of them.")
    .argument("<run|run/task>")
    .action(async (text: string, flags: JournalFlag & { json?: boolean }) => {
      const [run = "", task] = text.split("/", 2);
      end(await retryVerb(run, task === undefined ? undefined : numberOf(task), flags, terminal));
    });

  ofRuns(
    "replay",
    "send an item through again from a step",
    "Takes what a task once brought to a step and sends it through the flow again from there, as a new item.",
  )
    .argument("<run/task>")
    .requiredOption("--from <step>", "the step")
    .action(async (text: string, flags: JournalFlag & { json?: boolean; from: string }) => {
      const [run = "", task = ""] = text.split("/", 2);
      end(await commandVerb(run, { command: "replay", task: numberOf(task), at: flags.from }, flags, terminal));
    });

  ofRuns("limits", "what an edge may hold, live", "Changes the policy of an edge while the run goes on.")
    .argument("<run>")
    .argument("<edge>", "as FROM→TO; FROM->TO will do")
    .option("--capacity <items>", "items that may wait", parseCount)
    .option("--capacity-bytes <size>", "bytes that may wait, as 64MB", parseSize)
    .option("--expiry <time>", "how long an item may wait", parseDuration)
    .option("--priority <number>", "higher goes first", parseNumber)
    .option("--per-second <items>", "items that may be started in a second", parseNumber)
    .option("--durability <how>", "none, group, each or commit")
    .option("--balance <how>", "least, round-robin, key or local")
    .addHelpText(
      "after",
      examples([
        "unum flow limits last 'read→hash' --capacity 500",
        "unum flow limits last 'read->hash' --per-second 20",
      ]),
    )
    .action(async (run: string, edge: string, flags: LimitFlags) =>
      end(
        await commandVerb(
          run,
          { command: "limits", at: edge.replace("->", "→"), policy: policyOf(flags) },
          flags,
          terminal,
        ),
      ),
    );
}

const SUMMARIES = {
  pause: "begin nothing new; what runs goes on",
  resume: "go on after a pause",
  stop: "end a run's router, and leave the run for later",
} as const;

const DESCRIPTIONS = {
  pause:
    "Lets a run begin nothing new. What is being worked on goes on, and items are still taken in as far as there is room.",
  resume: "Lets a run go on after a pause.",
  stop: "Ends the process that routes a run, as Ctrl-C there does. The run can be gone on with by 'unum flow run FOLDER --resume RUN'.",
} as const;

interface LimitFlags extends JournalFlag {
  readonly json?: boolean;
  readonly capacity?: number;
  readonly capacityBytes?: number;
  readonly expiry?: number;
  readonly priority?: number;
  readonly perSecond?: number;
  readonly durability?: string;
  readonly balance?: string;
}

function policyOf({ expiry, json: _, journal: __, ...flags }: LimitFlags): Record<string, number | string> {
  const policy = { ...flags, ...(expiry !== undefined && { expiryMs: expiry }) };
  if (Object.keys(policy).length === 0)
    throw new UsageError("nothing is to change; give --capacity, --per-second, --priority or another one of --help");
  // All that are left are numbers and names.
  return policy as Record<string, number | string>;
}

function parseNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number)) throw new UsageError(`'${text}' is not a number`);
  return number;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new UsageError(`'${text}' is not a whole number of at least 1`);
  return count;
}
