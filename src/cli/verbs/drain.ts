// unum drain: ends one container, or a whole node, after its calls.

import { Fault } from "../../base/fault.ts";
import type { NodeStatus } from "../../messages/gen/unum/control/v1/node_pb.ts";
import { addDoorOptions, type Door, type DoorOptions, openDoor, withDoor } from "../door.ts";
import { drainAt, graceOption } from "../drain-node.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { namedBy, unknownName } from "../node-names.ts";
import { counted } from "../node-text.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

interface DrainFlags extends DoorOptions {
  readonly grace: number;
  readonly json?: boolean;
}

export function addDrain({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("drain")
      .summary("end a container, or a node, after its calls")
      .description(
        "Ends a container or a whole node once its calls have ended: it gets no new ones meanwhile. A container that is still needed is replaced. 'unum down' does the same to the node of this working folder and waits until its processes are gone.",
      )
      .argument("[node|container]", "an id, or how it begins; a node may be another one that this one knows", ""),
  )
    .addOption(graceOption("how long calls may take to end"))
    .option("--json", "what was drained, and how many calls were left, as one JSON object")
    .addHelpText(
      "after",
      examples([
        "unum drain kq3v2mxa                       # a container; 'unum ps' lists them",
        "unum drain nb7w4hre --grace 1m            # a node; 'unum status' lists those that are known",
      ]),
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0    drained: every call had its end
  1    calls were left when the grace ended
  2    usage: no such node or container
  3    unreachable: no node answers at the door
  5    no answer in time`,
    )
    .action(async (name: string, flags: DrainFlags) =>
      end(await withDoor(flags, (door) => drain(door, name, flags, terminal))),
    );
}

async function drain(door: Door, name: string, flags: DrainFlags, terminal: Terminal): Promise<number> {
  const status = await door.status();
  const target = targetOf(name, status);
  const left = await drained(door, target, flags);
  const what = target.kind === "container" ? "container" : "node";
  if (flags.json) terminal.print(JSON.stringify({ [what]: target.id, left }));
  else {
    const ended =
      left === 0 ? "every call had its end" : `${counted(left, "call")} left when ${formatMs(flags.grace)} were over`;
    terminal.print(`drained ${what} ${target.id}: ${ended}`);
  }
  return left === 0 ? EXIT.ok : EXIT.failed;
}

type Target =
  | { readonly kind: "container"; readonly id: string }
  | { readonly kind: "node"; readonly id: string }
  | { readonly kind: "peer"; readonly id: string; readonly doors: readonly string[] };

function targetOf(name: string, { id, containers, peers }: NodeStatus): Target {
  if (name === "") return { kind: "node", id };
  const all: readonly Target[] = [
    { kind: "node", id },
    ...containers.map((container): Target => ({ kind: "container", id: container.id })),
    ...peers.filter((peer) => peer.id !== id).map((peer): Target => ({ kind: "peer", id: peer.id, doors: peer.doors })),
  ];
  const found = namedBy(name, all, (target) => target.id);
  if (found !== undefined) return found;
  throw unknownName(
    name,
    "no container and no node known here",
    all.map((target) => target.id),
  );
}

/** Settles with the calls that were left. */
async function drained(door: Door, target: Target, flags: DrainFlags): Promise<number> {
  if (target.kind === "container") return drainAt(door, target.id, flags.grace);
  if (target.kind === "node") return drainAt(door, "", flags.grace);
  // One that only its own computer reaches is no way from here.
  const to = target.doors.find((address) => !address.startsWith("ipc:")) ?? target.doors[0];
  if (to === undefined) throw new Fault("undeliverable", `node ${target.id} has told no door`);
  const other = await openDoor({ ...flags, to });
  try {
    return await drainAt(other, "", flags.grace);
  } finally {
    await other.close();
  }
}
