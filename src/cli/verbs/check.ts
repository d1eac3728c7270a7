// unum check: whether a folder's components can be served, types included, without serving them.

import { systemClock } from "../../system/clock.ts";
import { EXIT } from "../exit-code.ts";
import { failureJson, sayFailure, shown } from "../failure-text.ts";
import { loadChecked } from "../loading.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

interface CheckFlags {
  readonly json?: boolean;
}

export function addCheck({ program, terminal, end }: Stage): void {
  program
    .command("check")
    .summary("whether the components of a folder can be served")
    .description(
      "Loads the components of a folder and has the TypeScript compiler look at them: the one installed for that folder, else Unum's own. Says file, line and column of what is wrong. Ends with 1 where something is.",
    )
    .argument("<folder>", "where the components are")
    .option("--json", "one JSON object")
    .addHelpText("after", examples(["unum check components"]))
    .action(async (folder: string, flags: CheckFlags) => end(await check(folder, flags, terminal)));
}

async function check(folder: string, flags: CheckFlags, terminal: Terminal): Promise<number> {
  const { components, failures } = await loadChecked(folder, systemClock());
  const good = components.map(({ file, component }) => ({
    file,
    contract: component.contract.typeName,
    version: component.version,
  }));
  if (flags.json) terminal.print(JSON.stringify({ components: good, failures: failures.map(failureJson) }));
  else {
    for (const failure of failures) sayFailure(failure, terminal);
    for (const { file, contract, version } of good) {
      terminal.print(`${terminal.paint("green", "good")} ${contract} ${version} (${shown(file)})`);
    }
  }
  return failures.length === 0 ? EXIT.ok : EXIT.failed;
}
