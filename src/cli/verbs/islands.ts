// unum islands: searches that evolve on every core, are watched and changed while they run, and go on after any kill.

import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { NAMED_ENGINES } from "../../islands/engines/make-engine.ts";
import { systemEnv } from "../../system/env.ts";
import { command, config } from "../islands/configure.ts";
import { type LogFlags, log } from "../islands/log-verb.ts";
import { status, watch } from "../islands/observe.ts";
import { hostedSpecOf, isHostedName, type ProblemSpec, type Shape, specOf } from "../islands/problem-spec.ts";
import { report } from "../islands/report.ts";
import { EVALUATION_MS } from "../islands/reproduce.ts";
import { fork, type RunFlags, resume, run } from "../islands/run.ts";
import { durationOption, repeatable } from "../options.ts";
import { liveSockets, ownDoor, runFolder } from "../run-folder.ts";
import { addTlsOptions } from "../tls-files.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

const EXIT_CODES = `
Exit codes:
  0    the search is over, or was stopped by 'islands stop'
  1    failed: the target was not reached, or no candidate could be evaluated
  2    usage: wrong arguments, a problem or settings that make no sense
  3    unreachable: the run that was to do it does not run, or the server that evaluates is away
  4    refused: the run runs already
  5    not done in time
  130  stopped by Ctrl-C, with a checkpoint to go on from`;

interface Json {
  readonly json?: boolean;
}

export function addIslands(stage: Stage): void {
  const islands = stage.program
    .command("islands")
    .summary("an evolutionary search on every core, that goes on after any kill")
    .description(
      "Finds the least value of a function: islands of candidates evolve, one on each core, and exchange their best. The same seed finds the same, whatever is killed meanwhile.",
    )
    .helpCommand(false)
    .addHelpText(
      "after",
      examples([
        "unum islands run problem.ts --seed 7 --target 1e-8",
        "unum islands run bbob:f15:d10",
        "unum islands run --exec ./fitness --dimensions 20 --lower -1 --upper 1",
        "unum islands watch RUN",
      ]),
    )
    .addHelpText("after", EXIT_CODES);
  addRun(islands, stage);
  addObserving(islands, stage);
  addChanging(islands, stage);
}

interface AllRunFlags extends RunFlags {
  readonly exec?: string;
  readonly lines?: boolean;
  readonly http?: string;
  readonly wasm?: string;
  readonly dimensions?: number;
  readonly lower?: number;
  readonly upper?: number;
  readonly objectives?: number;
  readonly genome?: Shape["genome"];
  readonly cache?: number;
}

/** For whoever goes on with a search too. */
function addPlaceOptions(command: Command): Command {
  const to = repeatable(
    "--to <address>",
    "a node's door: islands evolve on containers there that host them, on all its nodes",
  );
  return addTlsOptions(command.addOption(to).option("--in-process", "all islands in this process, without a node"));
}

function addRun(islands: Command, { terminal, end }: Stage): void {
  addPlaceOptions(islands.command("run"))
    .summary("begin a search")
    .description(
      "Begins a search and stays with it. The problem is a file whose default export is problem({ … }), a BBOB function as bbob:f15:d10:i1, or a program, server or module that evaluates. Ctrl-C stops with a checkpoint.",
    )
    .argument(
      "[problem]",
      "a .ts or .js file, bbob:fNUMBER:dDIMENSIONS:iINSTANCE, or the name of a problem that a node hosts",
    )
    .option("--seed <number>", "decides everything that chance decides (default: drawn, and told)", number("a seed"))
    .option("--target <value>", "over once a value is this or less", number("a target"))
    .option(
      "--evaluations <count>",
      "of one island, after which it ends with the epoch it is in (default: 100000 for each dimension)",
      count,
    )
    .option("--islands <count>", "how many (default: one for each core)", count)
    .addOption(
      repeatable(
        "--engine <name>",
        `of the islands in turn, with options as ga:population=50: ${Object.keys(NAMED_ENGINES).join(", ")} (default: a portfolio, reassigned by what works)`,
      ),
    )
    .addOption(repeatable("--set <name=value>", "a setting, as migration.every=500; 'islands config RUN' lists them"))
    .option("--processes <count>", "that evolve at a time (default: one for each core)", count)
    .option("--free", "islands never wait for each other; the same seed may then find something else")
    .addOption(durationOption("--time-out <time>", "how long one candidate may take", EVALUATION_MS))
    .option("--name <run>", "of the run (default: drawn)")
    .option("--exec <command>", "a program that evaluates: binary on its standard input and output")
    .option("--lines", "with --exec: NDJSON in place of binary")
    .option("--http <url>", "a server that evaluates batches")
    .option("--wasm <file>", "a WebAssembly module that evaluates")
    .option("--dimensions <count>", "of candidates, where no file says it", count)
    .option("--lower <value>", "bound of all genes, where no file says it", number("a bound"))
    .option("--upper <value>", "bound of all genes, where no file says it", number("a bound"))
    .option("--objectives <count>", "where no file says it", count)
    .addOption(new Option("--genome <kind>", "where no file says it").choices(["real", "bits", "permutation"]))
    .option("--propose <url>", "a server that is asked for candidates, at most proposer.budget times", urlOf)
    .option("--replay <run>", "use the answers that another run's proposer gave; nobody is asked")
    .option("--cache <count>", "values remembered by each process, where no file says it", count)
    .option("--json", "what was found as one JSON object; figures twice a second as JSON to standard error")
    .addHelpText(
      "after",
      examples([
        "unum islands run problem.ts --seed 7 --target 1e-8",
        "unum islands run bbob:f24:d5 --engine bipop --engine de --islands 4",
        "unum islands run problem.ts --set migration.topology=full --set migration.every=500",
        "unum islands run --exec './fitness --fast' --lines --dimensions 8 --lower 0 --upper 1",
        "unum islands run --http http://127.0.0.1:9000/evaluate --dimensions 8 --lower 0 --upper 1",
        "unum islands run rosenbrock --to tcp://127.0.0.1:7000 --islands 8",
      ]),
    )
    .addHelpText("after", EXIT_CODES)
    .action(async (problem: string | undefined, flags: AllRunFlags) => {
      const given = { ...flags, ...(await nodeHere(problem, flags)) };
      end(await run(await specFrom(problem, given), given, terminal));
    });
  addPlaceOptions(islands.command("resume"))
    .summary("go on with a run that was stopped or killed")
    .description("Goes on from the newest checkpoint that is whole, as if nothing had happened.")
    .argument("<run>")
    .option("--evaluations <count>", "of one island from its beginning, in place of what was asked for", count)
    .option("--json", "as with run")
    .addHelpText("after", examples(["unum islands resume badeki", "unum islands resume badeki --evaluations 5000000"]))
    .addHelpText("after", EXIT_CODES)
    .action(async (name: string, flags: RunFlags) => end(await resume(name, flags, terminal)));
  addPlaceOptions(islands.command("fork"))
    .summary("begin another run from a checkpoint of one")
    .description(
      "Begins a run of its own from the newest checkpoint of another, or the newest up to an epoch. The other stays as it is.",
    )
    .argument("<run@epoch>", "RUN or RUN@EPOCH")
    .option("--name <run>", "of the new run (default: drawn)")
    .option("--evaluations <count>", "of one island from its beginning, in place of what was asked for", count)
    .addOption(repeatable("--set <name=value>", "a setting that the new run has from then on"))
    .option("--json", "as with run")
    .addHelpText("after", examples(["unum islands fork badeki@12 --set migration.topology=full"]))
    .addHelpText("after", EXIT_CODES)
    .action(async (from: string, flags: RunFlags) => end(await fork(from, flags, terminal)));
}

function addObserving(islands: Command, { terminal, end }: Stage): void {
  islands
    .command("status")
    .summary("how runs are")
    .description("All runs of this working folder; or one, with its islands.")
    .argument("[run]")
    .option("--json", "as one JSON object")
    .addHelpText("after", examples(["unum islands status", "unum islands status badeki --json"]))
    .action(async (name: string | undefined, { json }: Json) => end(await status(name, json === true, terminal)));
  islands
    .command("watch")
    .summary("a run, live")
    .description("Shows a run until it ends. Any number may watch; q ends watching, not the run.")
    .argument("<run>")
    .option("--json", "figures as one JSON object a line")
    .addHelpText("after", examples(["unum islands watch badeki", "unum islands watch badeki --json | jq .live.best"]))
    .action(async (name: string, { json }: Json) => end(await watch(name, json === true, terminal)));
  islands
    .command("log")
    .summary("what islands were like, at all times")
    .description("The history of islands, of the named runs or of all: what each logged, in the order it was logged.")
    .argument("[runs...]")
    .option("--csv", "all entries as CSV")
    .option("--plot", "the best value over time")
    .option("--last <count>", "entries of each island, the newest", count)
    .option("--json", "all entries as one JSON object a line")
    .addHelpText(
      "after",
      examples(["unum islands log badeki", "unum islands log --csv > all.csv", "unum islands log badeki --plot"]),
    )
    .action(async (runs: readonly string[], flags: LogFlags) => end(await log(runs, flags, terminal)));
  islands
    .command("report")
    .summary("a run as one HTML file")
    .description(
      "Writes one file with curves, the islands and their migration, energy, settings, and how to do it again. Nothing else is needed to read it.",
    )
    .argument("<run>")
    .option("--out <file>", "where to (default: RUN.html here)")
    .option("--json", "where it is, as one JSON object")
    .addHelpText("after", examples(["unum islands report badeki", "unum islands report badeki --out /tmp/report.html"]))
    .action(async (name: string, { out, json }: Json & { out?: string }) =>
      end(await report(name, out, json === true, terminal)),
    );
}

function addChanging(islands: Command, { terminal, end }: Stage): void {
  islands
    .command("config")
    .summary("settings of a run, shown and changed while it runs")
    .description(
      "Each change is a version. A running search takes it from the next epoch on that no island has begun; values that make no sense are refused.",
    )
    .argument("<run>")
    .argument("[words...]", "set NAME=VALUE …; nothing: show them")
    .option("--json", "as one JSON object")
    .addHelpText(
      "after",
      examples(["unum islands config badeki", "unum islands config badeki set migration.every=500 energy.inflow=20"]),
    )
    .action(async (name: string, words: readonly string[], { json }: Json) =>
      end(await config(name, words, json === true, terminal)),
    );
  islands
    .command("checkpoint")
    .summary("have a run make a checkpoint now")
    .argument("<run>")
    .argument("[now]")
    .option("--json", "as one JSON object")
    .action(async (name: string, _now: string | undefined, { json }: Json) =>
      end(await command(name, "checkpoint", json === true, terminal)),
    );
  islands
    .command("stop")
    .summary("stop a run, with a checkpoint to go on from")
    .argument("<run>")
    .option("--json", "as one JSON object")
    .action(async (name: string, { json }: Json) => end(await command(name, "stop", json === true, terminal)));
}

/** A name that is no file here is asked of the node of this working folder, where one runs. */
async function nodeHere(problem: string | undefined, { to }: AllRunFlags): Promise<Pick<AllRunFlags, "to">> {
  if (to !== undefined) return { to };
  if (problem === undefined || !isHostedName(problem) || existsSync(problem)) return {};
  const door = (await liveSockets(runFolder(), systemEnv().network)).find((address) => address === ownDoor());
  return door === undefined ? {} : { to: [door] };
}

async function specFrom(problem: string | undefined, flags: AllRunFlags): Promise<ProblemSpec> {
  const { exec, http, wasm } = flags;
  const given = [problem, exec, http, wasm].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new UsageError(
      `${given.length === 0 ? "no problem is given" : `${given.length} problems are given`}; give one file, one bbob:fNUMBER:dDIMENSIONS, or one of --exec, --http, --wasm`,
    );
  }
  if (flags.to !== undefined) {
    if (flags.inProcess) throw new UsageError("--to and --in-process exclude each other");
    if (problem !== undefined) return hostedSpecOf(problem);
    throw new UsageError("--exec, --http and --wasm are evaluated by a run's own node; leave out --to");
  }
  if (problem !== undefined) {
    refuseShape(flags);
    return specOf(problem);
  }
  const shape = shapeOf(flags);
  if (exec !== undefined) return { kind: "exec", command: wordsOf(exec), lines: flags.lines === true, shape };
  if (http !== undefined) return { kind: "http", url: urlOf(http), shape };
  return { kind: "wasm", path: wasm ?? "", shape };
}

/** A file or a function says these itself; passed over, they would be missed. */
function refuseShape(flags: AllRunFlags): void {
  const unused = (["dimensions", "lower", "upper", "objectives", "genome", "cache", "lines"] as const).filter(
    (name) => flags[name] !== undefined,
  );
  if (unused.length === 0) return;
  const all = unused.map((name) => `--${name}`).join(", ");
  throw new UsageError(
    `${all}: for --exec, --http and --wasm only; the problem itself says it, as in problem({ dimensions: 10 })`,
  );
}

function shapeOf({ dimensions, lower, upper, objectives, genome, target, cache }: AllRunFlags): Shape {
  if (dimensions === undefined) throw new UsageError("a problem that is evaluated elsewhere needs --dimensions");
  if ((genome ?? "real") === "real" && (lower === undefined || upper === undefined)) {
    throw new UsageError(
      "a problem that is evaluated elsewhere needs its bounds: --lower and --upper, as --lower -5 --upper 5",
    );
  }
  return {
    dimensions,
    ...(lower === undefined ? undefined : { lower }),
    ...(upper === undefined ? undefined : { upper }),
    ...(objectives === undefined ? undefined : { objectives }),
    ...(genome === undefined ? undefined : { genome }),
    ...(target === undefined ? undefined : { target }),
    ...(cache === undefined ? undefined : { cache }),
  };
}

/** As a shell splits them, quotes included. */
function wordsOf(text: string): readonly string[] {
  const words = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? "",
  );
  if (words.length === 0) throw new UsageError("--exec is given no program");
  return words;
}

function urlOf(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UsageError(`'${text}' is no address of a server; write it as http://127.0.0.1:9000/evaluate`);
  }
  return text;
}

function number(what: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value)) return value;
    throw new UsageError(`'${text}' is not ${what}; write a number, as 7 or 1e-8`);
  };
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1e15) return value;
  throw new UsageError(`'${text}' is not a count; write a whole number from 1`);
}
