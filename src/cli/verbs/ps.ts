// unum ps: the containers of a node and of the others of its network.

import { addDoorOptions, DOOR_EXIT_CODES, type Door, type DoorOptions, withDoor } from "../door.ts";
import { containersElsewhere } from "../elsewhere.ts";
import { EXIT } from "../exit-code.ts";
import { containerJson } from "../node-json.ts";
import { containerLines, servedLines } from "../node-tables.ts";
import { sections } from "../node-text.ts";
import { look } from "../screen.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

interface PsFlags extends DoorOptions {
  readonly json?: boolean;
}

export function addPs({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("ps")
      .summary("the containers of a node and of its network")
      .description(
        "Lists the containers of a node with their state, load and memory, and what each of them serves; of other nodes of its network what it knows of them, without processes and memory.",
      ),
  )
    .option("--json", "one JSON object a line, one for each container")
    .addHelpText("after", examples(["unum ps", "unum ps --json | jq -r 'select(.state == \"suspected\").id'"]))
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (flags: PsFlags) => end(await withDoor(flags, (door) => ps(door, flags, terminal))));
}

async function ps(door: Door, { json }: PsFlags, terminal: Terminal): Promise<number> {
  const status = await door.status();
  const elsewhere = await containersElsewhere(door, status.id);
  if (json) {
    const own = status.containers.map((container) => ({ node: status.id, container }));
    for (const { node, container } of [...own, ...elsewhere]) {
      terminal.print(JSON.stringify({ node, ...containerJson(container) }));
    }
  } else {
    const shown = look(terminal);
    const lines = containerLines(status, shown, new Map(), elsewhere);
    terminal.print(sections([lines, servedLines(status, shown, elsewhere)]));
  }
  return EXIT.ok;
}
