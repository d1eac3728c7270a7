// unum leave: this node is no part of its machine any more. It ends, and what it kept of the machine is gone.

import { rm } from "node:fs/promises";
import { Machine } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { withDoor } from "../door.ts";
import { graceOption } from "../drain-node.ts";
import { EXIT } from "../exit-code.ts";
import { machineFolder } from "../machine/machine-file.ts";
import { runFolder } from "../run-folder.ts";
import type { Terminal } from "../terminal.ts";
import { type DownFlags, down } from "./down.ts";
import { examples, type Stage } from "./verb.ts";

interface LeaveFlags extends DownFlags {
  readonly force?: boolean;
}

const LEAVE_TTL_MS = 20_000;

export function addLeave({ program, terminal, end }: Stage): void {
  program
    .command("leave")
    .summary("take this node out of its machine, for good")
    .description(
      "Says to the machine's other nodes that this one leaves, drains and ends it, and removes what it kept of the machine: certificate, records, programs and what they stored. Its certificate is taken nowhere any more. Your own key and the logs stay. Needs no role: it is your node. To come back it joins again, as another node.",
    )
    .addOption(graceOption("how long calls may take to end"))
    .option(
      "--force",
      "also where no other node hears it, and where the node is a controller: nodes that came in by it are out with it",
    )
    .option("--json", "what was left and who heard it as one JSON object")
    .addHelpText("after", examples(["unum leave", "unum leave --grace 1m"]))
    .addHelpText(
      "after",
      `
Exit codes:
  0    left: nothing of the machine is here any more
  1    left, and a process of the node is still there
  2    usage: wrong arguments, or the machine has no other node
  3    unreachable: no node runs here
  4    refused: no other node hears it, or it is a controller`,
    )
    .action(async (flags: LeaveFlags) => end(await leave(flags, terminal)));
}

async function leave(flags: LeaveFlags, terminal: Terminal): Promise<number> {
  const quiet = { ...terminal, print: () => {}, say: flags.json === true ? () => {} : terminal.say };
  return withDoor({}, async (door) => {
    const left = await door.askOf(
      Machine,
      (machine, options) => machine.leave({ force: flags.force === true }, options),
      {
        ttlMs: LEAVE_TTL_MS,
      },
    );
    const ended = await down(door, flags, quiet);
    // Its name too: that one is out for good.
    for (const folder of [machineFolder(), runFolder()]) await rm(folder, { recursive: true, force: true });
    const { machine, node, told } = left;
    if (flags.json) terminal.print(JSON.stringify({ machine, node, told, ended: ended === EXIT.ok }));
    else {
      const heard = told.length === 0 ? "nobody heard it: an operator revokes it" : `${told.join(", ")} heard it`;
      terminal.print(`node ${node} has left machine ${machine}; ${heard}`);
    }
    return ended;
  });
}
