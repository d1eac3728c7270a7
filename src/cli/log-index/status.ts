// unum logs status: what is in the index, what could not be read, and whether all of it is whole.

import type { Command } from "commander";
import { readManifest, type SourceEntry } from "../../log-index/chunk/manifest.ts";
import type { IndexFacts } from "../../log-index/find/index.ts";
import { formatTime } from "../../log-index/records/time.ts";
import { IndexDispatcher } from "../../log-index/tree/index-dispatcher.ts";
import { systemEnv } from "../../system/env.ts";
import { EXIT } from "../exit-code.ts";
import { formatSize } from "../size.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "../verbs/verb.ts";
import { addPlaceOptions, openIndex, type PlaceFlags } from "./home.ts";
import { counted, thousands } from "./numbers.ts";

interface StatusFlags extends PlaceFlags {
  readonly check?: boolean;
  readonly bad?: boolean;
  readonly json?: boolean;
}

const COLUMNS = [
  { title: "NAME", least: 12 },
  { title: "RECORDS", align: "right" },
  { title: "FROM" },
  { title: "TO" },
  { title: "FILES", align: "right", spare: 2 },
  { title: "BAD", align: "right", spare: 1 },
  { title: "SIZE", align: "right" },
  { title: "STATE" },
] as const;

export function addStatus(logs: Command, { terminal, end }: Stage): void {
  addPlaceOptions(
    logs
      .command("status")
      .summary("what is in the index, and whether it is whole")
      .description(
        "Lists every folder and server of the index: how many records, of which time, how much on the disk, what could not be read.",
      ),
  )
    .option("--check", "read and check every byte")
    .option("--bad", "the lines that could not be read: file, line and why; the first 20 of each file")
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      examples(["unum logs status", "unum logs status --check", "unum logs status --bad --in nginx"]),
    )
    .addHelpText(
      "after",
      "\nExit codes:\n  0    ok\n  1    failed: --check found damage, or a server does not answer\n  2    usage: no such index",
    )
    .action(async (flags: StatusFlags) => end(await status(flags, terminal)));
}

interface Row {
  readonly name: string;
  readonly facts: IndexFacts;
  readonly sources: readonly SourceEntry[];
  readonly state: string;
}

async function status(flags: StatusFlags, terminal: Terminal): Promise<number> {
  const index = openIndex(flags, systemEnv(), terminal);
  const rows = index instanceof IndexDispatcher ? await rowsOf(index) : [];
  if (flags.bad) for (const row of rows) sayBad(row, flags, terminal);
  else show(rows, flags, terminal);
  const unreachable = rows.filter(({ state }) => state === "no answer");
  const wrong = flags.check ? await index.valid() : [];
  for (const what of wrong) terminal.say(terminal.tint("red", what));
  if (flags.check && wrong.length === 0) terminal.say("every byte is as it was written");
  return wrong.length > 0 || unreachable.length > 0 ? EXIT.failed : EXIT.ok;
}

/** Of every folder that has a chunk, and every server. */
async function rowsOf(index: IndexDispatcher): Promise<Row[]> {
  const { chunk } = index;
  const manifest = chunk === undefined ? undefined : readManifest(chunk.folder);
  const own =
    chunk === undefined
      ? []
      : [
          {
            name: chunk.name,
            facts: await chunk.facts(),
            sources: manifest?.sources ?? [],
            state: index.config.asleep ? "asleep" : "awake",
          },
        ];
  const { folders, servers } = index.contents();
  const below = await Promise.all(
    folders.map(async (name) => {
      const child = index.at(name);
      return child instanceof IndexDispatcher ? rowsOf(child) : [];
    }),
  );
  const remote = await Promise.all(
    servers.map(async (name) => {
      const child = index.at(name);
      const wrong = (await child?.valid()) ?? [];
      const facts = await (child ?? index).facts();
      return { name: child?.name ?? name, facts, sources: [], state: stateOf(wrong, facts) };
    }),
  );
  return [...own, ...below.flat(), ...remote];
}

function stateOf(wrong: readonly string[], { loops = [] }: IndexFacts): string {
  if (wrong.length > 0) return "no answer";
  return loops.length === 0 ? "server" : `server; ${loops.join(", ")} lead${loops.length === 1 ? "s" : ""} back`;
}

function show(rows: readonly Row[], { json }: StatusFlags, terminal: Terminal): void {
  if (json) {
    for (const { name, facts, sources, state } of rows) {
      const times = facts.records === 0 ? {} : { from: formatTime(facts.from), to: formatTime(facts.to) };
      const { records, bytes, chunks } = facts;
      terminal.print(
        JSON.stringify({ name, records, ...times, bytes, chunks, files: sources.length, bad: badOf(sources), state }),
      );
    }
    return;
  }
  const cells = rows.map(({ name, facts, sources, state }) => [
    ...[name, thousands(facts.records)],
    ...(facts.records === 0 ? ["–", "–"] : [formatTime(facts.from), formatTime(facts.to)]),
    ...[String(sources.length), thousands(badOf(sources)), formatSize(facts.bytes), state],
  ]);
  terminal.print(
    table(COLUMNS, cells, { width: process.stdout.columns, title: (text) => terminal.paint("dim", text) }).join("\n"),
  );
}

function badOf(sources: readonly SourceEntry[]): number {
  return sources.reduce((sum, { bad }) => sum + bad, 0);
}

function sayBad({ sources }: Row, { json }: StatusFlags, terminal: Terminal): void {
  for (const { path, bad, badLines } of sources) {
    if (json) for (const { line, why } of badLines) terminal.print(JSON.stringify({ path, line, why }));
    else {
      for (const { line, why } of badLines) terminal.print(`${path}:${line}: ${why}`);
      if (bad > badLines.length) terminal.print(`${path}: ${counted(bad - badLines.length, "more line")}`);
    }
  }
}
