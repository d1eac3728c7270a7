// unum status: all that a node says of itself, once.

import type { NodeStatus } from "../../messages/gen/unum/control/v1/node_pb.ts";
import { addDoorOptions, DOOR_EXIT_CODES, type Door, type DoorOptions, withDoor } from "../door.ts";
import { type Elsewhere, elsewhereIn } from "../elsewhere.ts";
import { EXIT } from "../exit-code.ts";
import { statusJson } from "../node-json.ts";
import { boxLines, componentLines, containerLines, peerLines } from "../node-tables.ts";
import { eventLine, headLines, problemLines, sections } from "../node-text.ts";
import { look } from "../screen.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

interface StatusFlags extends DoorOptions {
  readonly json?: boolean;
}

const EVENTS_SHOWN = 8;

export function addStatus({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("status")
      .summary("what runs on a node")
      .description(
        "Shows a node: its limits and what of them is in use, components, containers, other nodes, durable messages that wait, what of the folder is not served, and what happened lately.",
      ),
  )
    .option("--json", "all of it as one JSON object")
    .addHelpText(
      "after",
      examples([
        "unum status                                  # the node of this working folder",
        "unum status --to tcp://127.0.0.1:7000        # another one, by its door",
        "unum status --json | jq '.containers[].state'",
      ]),
    )
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (flags: StatusFlags) => end(await withDoor(flags, (door) => status(door, flags, terminal))));
}

async function status(door: Door, { json }: StatusFlags, terminal: Terminal): Promise<number> {
  const found = await door.status();
  const keeper = door.keeper()?.pid;
  if (json) {
    terminal.print(JSON.stringify({ ...statusJson(found), ...(keeper === undefined ? {} : { keeperPid: keeper }) }));
    return EXIT.ok;
  }
  const { nodes } = await door.ask((node, options) => node.find({}, options));
  // What the node would start a container for.
  const offers = nodes.find((node) => node.id === found.id)?.offers ?? [];
  terminal.print(
    sections(statusSections(found, keeper, { offers, elsewhere: elsewhereIn(nodes, found.id) }, terminal)),
  );
  return EXIT.ok;
}

function statusSections(
  found: NodeStatus,
  keeper: number | undefined,
  known: {
    readonly offers: readonly { contract: string; version: string }[];
    readonly elsewhere: readonly Elsewhere[];
  },
  terminal: Terminal,
): readonly (readonly string[])[] {
  const shown = look(terminal);
  return [
    headLines(found, keeper, shown),
    componentLines(found, known.offers, shown),
    containerLines(found, shown, new Map(), known.elsewhere),
    peerLines(found, shown),
    boxLines(found, shown),
    problemLines(found, shown),
    found.events.slice(-EVENTS_SHOWN).map((event) => eventLine(event, terminal.paint)),
  ];
}
