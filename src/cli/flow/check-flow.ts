// unum flow check: which runs of a flow go on with the version in a folder, and what the others need.

import { graphChange, graphRecord, type Journals, readRun } from "../../flows/index.ts";
import { EXIT } from "../exit-code.ts";
import { outputWidth } from "../screen.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { loadFlow } from "./flow-file.ts";
import { type JournalFlag, keptRuns } from "./kept-runs.ts";

export interface CheckFlags extends JournalFlag {
  readonly flow?: string;
  readonly map?: readonly string[];
  readonly json?: boolean;
}

/** OLD=NEW of nodes that have another name now. */
export function renamedBy(map: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    map.map((text) => {
      const [old = "", now = "", more] = text.split("=");
      if (old === "" || now === "" || more !== undefined)
        throw new UsageError(`--map '${text}': say the old name and the new one, as in --map fetch=download`);
      return [old, now];
    }),
  );
}

export async function checkVerb(place: string, flags: CheckFlags, terminal: Terminal): Promise<number> {
  const { flow } = await loadFlow(place, flags.flow);
  const after = graphRecord(flow.graph);
  const renamed = renamedBy(flags.map);
  const { journals } = await keptRuns(flags);
  const runs = (await journals.list()).filter(({ record }) => record.flow === after.name);
  const found = [];
  for (const { record, problem } of runs) {
    if (problem !== undefined || (await isOver(journals, record.id))) continue;
    const { verdict, differences, version: says } = graphChange(record.graph, after, renamed);
    found.push({ run: record.id, version: record.version, verdict, differences, says });
  }
  if (flags.json) for (const each of found) terminal.print(JSON.stringify({ ...each, to: after.version }));
  else if (found.length === 0) terminal.say(`no run of '${after.name}' is under way`);
  else {
    const columns = [{ title: "RUN" }, { title: "BEGAN WITH" }, { title: `WITH ${after.version}` }];
    const rows = found.map(({ run, version, verdict }) => [run, version, SAID[verdict]]);
    const look = { width: outputWidth(), title: (text: string) => terminal.paint("dim", text) };
    terminal.print(table(columns, rows, look).join("\n"));
    for (const { run, differences } of found) for (const each of differences) terminal.print(`${run}: ${each}`);
    for (const says of new Set(found.flatMap((each) => each.says ?? []))) terminal.say(says);
  }
  return found.every(({ verdict }) => verdict === "continues") ? EXIT.ok : EXIT.failed;
}

const SAID = {
  continues: "continues",
  "needs mapping": "needs a mapping",
  stays: "stays on the version it began with",
} as const;

async function isOver(journals: Journals, id: string): Promise<boolean> {
  const reader = await journals.read(id);
  try {
    return (await readRun(reader)).finished !== undefined;
  } finally {
    await reader.close();
  }
}
