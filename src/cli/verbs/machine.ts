// unum machine: what the machine is: controllers, nodes, who is away since when, programs, variables, who may do what.

import type { MachineView } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { addDoorOptions, DOOR_EXIT_CODES, type DoorOptions } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { type MachineDoor, programNamed, withMachine } from "../machine/machine-door.ts";
import { describedProgram, programLines } from "../machine/program-text.ts";
import { messageJson } from "../node-json.ts";
import { shortNames } from "../node-names.ts";
import { formatLong, type Look, sections } from "../node-text.ts";
import { look } from "../screen.ts";
import { formatSize } from "../size.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

export function addMachine({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("machine")
      .summary("the machine: nodes, programs, variables, grants")
      .description(
        "Shows the machine as one of its nodes knows it: controllers and nodes, who is offline and since when, programs, messages kept for other nodes and what became of those, variables, which keys may do what, and what was written at the same time by two.",
      ),
  )
    .argument("[program]", "one program instead, node by node")
    .option("--json", "all of it as one JSON object")
    .addHelpText(
      "after",
      examples([
        "unum machine",
        "unum machine thumbnails",
        "unum machine --json | jq '.nodes[] | select(.online | not)'",
      ]),
    )
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (name: string | undefined, flags: DoorOptions & { json?: boolean }) =>
      end(
        await withMachine(flags, (machine) =>
          name === undefined
            ? show(machine, flags.json === true, terminal)
            : describe(machine, name, flags.json === true, terminal),
        ),
      ),
    );
}

async function describe(machine: MachineDoor, name: string, json: boolean, terminal: Terminal): Promise<number> {
  const program = programNamed(name, await machine.show());
  terminal.print(json ? JSON.stringify(messageJson(program)) : describedProgram(program, terminal).join("\n"));
  return EXIT.ok;
}

async function show(machine: MachineDoor, json: boolean, terminal: Terminal): Promise<number> {
  const view = await machine.show();
  if (json) {
    const founder = Buffer.from(view.founder).toString("base64");
    terminal.print(JSON.stringify({ ...messageJson(view), founder }));
    return EXIT.ok;
  }
  const shown = look(terminal);
  terminal.print(
    sections([
      [
        `machine ${shown.paint("bold", view.machine)}, asked at ${view.controller ? "its controller" : "its node"} ${view.node}`,
      ],
      parentLines(view, shown),
      nodeLines(view, shown),
      programLines(view, shown),
      problemLines(view, shown),
      boxLines(view, shown),
      variableLines(view, shown),
      grantLines(view, shown),
      view.conflicts.map((text) => `${shown.paint("yellow", "conflict")} ${text}`),
    ]),
  );
  return EXIT.ok;
}

function problemLines({ programs }: MachineView, { paint }: Look): readonly string[] {
  return programs.flatMap(({ name, problems }) =>
    problems.map((text) => `${paint("red", "problem")} ${name}: ${text}`),
  );
}

function parentLines({ ancestors, link }: MachineView, { paint }: Look): readonly string[] {
  if (link === undefined) return [];
  const list = (names: readonly string[]) => names.join(", ") || "nothing";
  const { state, exports, calls, capabilities, trusted, node, key, problems } = link;
  const known = state === "" ? "" : `, ${state === "joined" ? paint("green", state) : paint("yellow", state)}`;
  const may = [...capabilities, ...(trusted ? ["inline"] : [])];
  return [
    `a node of machine ${paint("bold", link.machine)}${known}; ${ancestors.length} deep: ${ancestors.join(" in ")}`,
    `  it calls here: ${list(exports)}; is called for: ${list(calls)}; its programs get: ${list(may)}`,
    `  by node ${node}, commands under key ${key}`,
    ...problems.map((text) => `  ${paint("yellow", text)}`),
  ];
}

function nodeLines({ nodes }: MachineView, { paint, width }: Look): readonly string[] {
  const short = shortNames(nodes.map(({ id }) => id));
  const rows = nodes.map(({ id, controller, machine, calls, online, offlineMs, revoked, left, doors }) => {
    const state = revoked
      ? paint("red", left ? "left" : "revoked")
      : online
        ? paint("green", "online")
        : paint("yellow", `offline for ${formatLong(offlineMs)}`);
    const role = machine ? `machine, calls ${calls.join(", ") || "nothing"}` : controller ? "controller" : "node";
    return [short(id), role, state, doors.join(" ")];
  });
  const columns = [{ title: "NODE" }, { title: "ROLE" }, { title: "STATE" }, { title: "DOORS", least: 10 }];
  return table(columns, rows, { width, title: (text) => paint("dim", text) });
}

/** Messages on their way, as far as this node keeps them. */
function boxLines({ boxes, nodes }: MachineView, { paint, width }: Look): readonly string[] {
  if (boxes.length === 0) return [];
  const short = shortNames([...nodes.map(({ id }) => id), ...boxes.map(({ node }) => node)]);
  const rows = boxes.map(({ node, inward, waiting, bytes, passed, expired, superseded, purged, refused, failed }) => {
    const lost = { expired, superseded, purged, refused, failed };
    const told = Object.entries(lost).flatMap(([what, count]) => (count === 0n ? [] : [`${count} ${what}`]));
    return [
      `${inward ? "from" : "for"} ${short(node)}`,
      `${waiting}`,
      formatSize(Number(bytes)),
      `${passed}`,
      told.join(", "),
    ];
  });
  const columns = ["MESSAGES", "WAITING", "SIZE", "DELIVERED", "ELSE"].map((title) => ({ title }));
  return table(columns, rows, { width, title: (text) => paint("dim", text) });
}

function variableLines({ variables }: MachineView, { paint, width }: Look): readonly string[] {
  if (variables.length === 0) return [];
  const rows = variables.map(({ name, value, programs }) => [
    name,
    value,
    programs.join(" ") || "all that are granted 'machine'",
  ]);
  return table([{ title: "VARIABLE" }, { title: "VALUE", least: 8 }, { title: "READ BY" }], rows, {
    width,
    title: (text) => paint("dim", text),
  });
}

function grantLines({ grants }: MachineView, { paint, width }: Look): readonly string[] {
  if (grants.length === 0) return [];
  const rows = grants.map(({ key, role, programs, expiresMs, label, by }) => {
    const until = expiresMs === 0n ? "for ever" : new Date(Number(expiresMs)).toISOString().slice(0, 16);
    return [key, role, programs.join(" ") || "all", until, by, label];
  });
  const columns = ["KEY", "ROLE", "PROGRAMS", "UNTIL", "BY", "LABEL"].map((title) => ({ title }));
  return table(columns, rows, { width, title: (text) => paint("dim", text) });
}
