// Programs as text, for the verbs that show and change them.

import type { Option } from "commander";
import { limitsIn, termsOf } from "../../machine/programs/terms.ts";
import type { MachineView, OwnerView, ProgramView } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import type { ProgramWanted } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { shortNames } from "../node-names.ts";
import { coloured, type Format, type Look } from "../node-text.ts";
import { durationOption } from "../options.ts";
import { formatSize } from "../size.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";

const STATE_COLOURS: Readonly<Record<string, Format>> = {
  ...{ running: "green", failed: "red", mixed: "yellow", stopping: "yellow", starting: "cyan", loading: "cyan" },
};

export function waitOption(): Option {
  return durationOption("--wait <time>", "how long to wait until it is so on every node that is online", 60_000);
}

export const MACHINE_EXIT_CODES = `
Exit codes:
  0    done, on every node that is online
  1    failed: it does not start, or a node could not do it
  2    usage: no such program, file or capability
  3    unreachable: no node answers at the door
  4    refused: the key may not, callers would break, or the version is not newer
  5    not done in time; it goes on`;

/** `running on 2 of 3 nodes` and the like. */
export function stateAt({ programs }: MachineView, name: string): string {
  const found = programs.find((program) => program.name === name);
  if (found === undefined) return "unloaded";
  const problem = found.nodes.flatMap(({ problems }) => problems)[0];
  return `${found.state}${problem === undefined ? "" : ` (${problem})`}`;
}

export function programLine({ name, version, state, nodes, owner }: ProgramView): string {
  const running = nodes.filter((node) => node.state === "running").length;
  const where = owner === undefined ? `on ${running} of ${nodes.length} nodes` : `on its owner, epoch ${owner.epoch}`;
  return `${name} ${version}: ${state}${running > 0 ? `, ${where}` : ""}`;
}

export function programLines({ programs }: MachineView, look: Look): readonly string[] {
  if (programs.length === 0) return [];
  const columns = [
    { title: "PROGRAM" },
    { title: "VERSION" },
    { title: "STATE" },
    { title: "NODES" },
    { title: "DIGEST" },
    { title: "GRANTED", least: 8 },
  ];
  const rows = programs.map(({ name, version, state, nodes, digest, granted, owner }) => {
    const running = nodes.filter((node) => node.state === "running").length;
    return [
      name,
      version,
      coloured(look.paint, STATE_COLOURS, state),
      `${running}/${nodes.length}${owner === undefined ? "" : `, epoch ${owner.epoch}`}`,
      digest.slice(0, 12),
      granted.join(" "),
    ];
  });
  return table(columns, rows, { width: look.width, title: (text) => look.paint("dim", text) });
}

function ownerText({ node, epoch, home }: OwnerView, short: (node: string) => string): string {
  return `${short(node)}, epoch ${epoch}${home === node ? "" : `, until ${short(home)} is back`}`;
}

/** One program, node by node. */
export function describedProgram(program: ProgramView, { paint }: Pick<Terminal, "paint">): readonly string[] {
  const { name, version, state, loaded, nodes, granted, digest, wanted, owner } = program;
  const short = shortNames([...nodes.map(({ node }) => node), ...(owner ? [owner.node, owner.home] : [])]);
  const versions = loaded.map((each) => {
    const mark = each.digest === digest ? " (runs)" : each.digest === wanted?.fallback ? " (to go back to)" : "";
    return `${each.version} ${each.digest.slice(0, 12)}${program.running || mark !== " (runs)" ? mark : ""}`;
  });
  return [
    `program ${paint("bold", name)} ${version}: ${coloured(paint, STATE_COLOURS, state)}`,
    `  loaded   ${versions.join(", ")}`,
    ...(owner === undefined
      ? []
      : [`  owner    ${ownerText(owner, short)}, kept by ${wanted?.keepers.map(short).join(", ")}`]),
    `  granted  ${granted.length === 0 ? "nothing" : granted.join(", ")}`,
    ...limitLines(wanted?.limits),
    ...nodes.map((node) => {
      const what = `${coloured(paint, STATE_COLOURS, node.state)}, ${node.serving} serving`;
      const serves = node.digest === "" || node.digest === digest ? "" : `, ${node.digest.slice(0, 12)}`;
      const late = isUnderTerms(node, wanted) ? "" : paint("yellow", ", not yet by what is granted and allowed now");
      return `  node     ${short(node.node)}: ${what}${serves}${late}`;
    }),
    ...program.problems.map((text) => `  ${paint("red", "problem")}  ${text}`),
    ...nodes.flatMap((node) => {
      const refused = node.refused === "" ? [] : [`${node.refused.slice(0, 12)} did not pass there`];
      return [...refused, ...node.problems].map((text) => `  ${paint("red", "problem")}  ${short(node.node)}: ${text}`);
    }),
  ];
}

function isUnderTerms({ terms, serving }: ProgramView["nodes"][number], wanted: ProgramView["wanted"]): boolean {
  return serving === 0 || terms === "" || wanted === undefined || terms === termsOf(wanted);
}

function limitLines(limits: ProgramWanted["limits"]): readonly string[] {
  const { memoryBytes, cpuPermille } = limitsIn(limits);
  const all = [
    ...(memoryBytes === 0 ? [] : [formatSize(memoryBytes)]),
    ...(cpuPermille === 0 ? [] : [`${cpuPermille / 1_000} ${cpuPermille === 1_000 ? "processor" : "processors"}`]),
  ];
  return all.length === 0 ? [] : [`  limits   ${all.join(", ")} in each container`];
}
