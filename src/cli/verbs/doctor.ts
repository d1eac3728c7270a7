// unum doctor: what of confinement this system has, and what to install for the rest.

import { confinementLayers } from "../../system/confinement.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

export function addDoctor({ program, terminal, end }: Stage): void {
  program
    .command("doctor")
    .summary("what this system has to confine programs with")
    .description(
      "Says which layers of confinement this system has for programs that are not trusted ('trust: confined', the default in program.json), and what is missing. Without name spaces such programs do not run here; those with 'trust: operator' do.",
    )
    .option("--json", "the layers as one JSON object")
    .addHelpText("after", examples(["unum doctor", "unum doctor --json | jq '.layers[] | select(.present | not)'"]))
    .addHelpText("after", "\nExit codes:\n  0    every layer is there\n  1    one is missing")
    .action(({ json }: { json?: boolean }) => end(doctor(json === true, terminal)));
}

function doctor(json: boolean, { print, paint }: Terminal): number {
  const layers = confinementLayers();
  if (json) print(JSON.stringify({ layers }));
  else {
    for (const { name, present, text } of layers) {
      print(`${present ? paint("green", "there  ") : paint("red", "missing")}  ${name.padEnd(12)}  ${text}`);
    }
  }
  return layers.every(({ present }) => present) ? EXIT.ok : EXIT.failed;
}
