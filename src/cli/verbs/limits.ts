// unum limits: how much may run on a node, shown and changed while it runs.

import { isFieldSet } from "@bufbuild/protobuf";
import { type NodeLimits, NodeLimitsSchema, type NodeStatus } from "../../messages/gen/unum/control/v1/node_pb.ts";
import { addDoorOptions, DOOR_EXIT_CODES, type Door, type DoorOptions, withDoor } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import {
  addLimitOptions,
  addNetworkLimitOption,
  changesNothing,
  fitting,
  type LimitFlags,
  limitsChangeOf,
  type NetworkLimitFlags,
} from "../limit-options.ts";
import { limitsJson } from "../node-json.ts";
import { contractsNamed, unknownName } from "../node-names.ts";
import { formatSize } from "../size.ts";
import { type Column, table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface LimitsFlags extends DoorOptions, LimitFlags, NetworkLimitFlags {
  readonly json?: boolean;
}

export function addLimits({ program, terminal, end }: Stage): void {
  addDoorOptions(
    addNetworkLimitOption(
      addLimitOptions(
        program
          .command("limits")
          .summary("how much may run on a node")
          .description(
            "Shows the limits of a node, and changes those that are given. A change takes effect at once and loses no call: what is too much drains. It lasts until the node ends. The network's limit holds for all its nodes together: each keeps to its share.",
          ),
      ),
    ),
  )
    .option("--json", "the limits in force as one JSON object")
    .addHelpText(
      "after",
      examples([
        "unum limits",
        "unum limits --containers 6 --memory 2GB",
        "unum limits --network-containers 12           # of all nodes together; none: no limit",
        "unum limits --outbox-messages 500000 --outbox-size 1GB   # kept for each node that is away",
        "unum limits --concurrency demo.v1.Digest=2   # and back: demo.v1.Digest=default",
      ]),
    )
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (flags: LimitsFlags) => end(await withDoor(flags, (door) => limits(door, flags, terminal))));
}

async function limits(door: Door, flags: LimitsFlags, terminal: Terminal): Promise<number> {
  const status = await door.status();
  const present = status.limits;
  if (present === undefined) throw new UsageError(`the node at ${door.address} has no limits`);
  const now = changesNothing(flags) ? present : await change(door, status, flags);
  if (flags.json) terminal.print(JSON.stringify(limitsJson(now)));
  else terminal.print(limitLines(present, now, terminal).join("\n"));
  return EXIT.ok;
}

function change(door: Door, status: NodeStatus, flags: LimitFlags & NetworkLimitFlags): Promise<NodeLimits> {
  const concurrency = flags.concurrency && servedNames(status, flags.concurrency);
  const fitted = fitting(flags, Number(status.limits?.containerMemoryBytes ?? 0n));
  const asked = limitsChangeOf({ ...fitted, ...(concurrency === undefined ? {} : { concurrency }) });
  return door.ask((node, options) => node.setLimits(asked, options));
}

/** Full names. A name that nothing here serves would have no effect, and nobody would know. */
function servedNames(
  { containers }: NodeStatus,
  wanted: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const served = containers.flatMap(({ components }) => components.map(({ contract }) => contract));
  if (served.length === 0) return wanted;
  const entries = Object.entries(wanted).map(([name, calls]): [string, number] => {
    const [contract, ...others] = contractsNamed(name, served);
    if (contract === undefined) throw unknownName(name, "served by no container", [...new Set(served)]);
    if (others.length > 0) throw new UsageError(`'${name}' is ${[contract, ...others].join(" and ")}; write which`);
    return [contract, calls];
  });
  return Object.fromEntries(entries);
}

const COLUMNS: readonly Column[] = [{ title: "LIMIT" }, { title: "VALUE", align: "right" }, { title: "WAS" }];

function limitLines(before: NodeLimits, now: NodeLimits, { paint }: Terminal): readonly string[] {
  const was = new Map(limitRows(before));
  const rows = limitRows(now).map(([name, value]) => {
    const old = was.get(name) ?? unset(name);
    return [name, value, old === value ? "" : old];
  });
  const gone = limitRows(before).filter(([name]) => !limitRows(now).some(([other]) => other === name));
  const all = [...rows, ...gone.map(([name, old]) => [name, unset(name), old])];
  const changed = all.some(([, , old]) => old !== "");
  const columns = changed ? COLUMNS : COLUMNS.slice(0, 2);
  return table(columns, changed ? all : all.map((row) => row.slice(0, 2)), {
    width: undefined,
    title: (text) => paint("dim", text),
  });
}

/** What holds where a limit is not set. */
function unset(name: string): string {
  return name.endsWith(" at a time") ? "as declared" : "none";
}

function limitRows(limits: NodeLimits): readonly (readonly [string, string])[] {
  const { containers, memoryBytes, containerMemoryBytes, spares, inbox, concurrency, networkContainers, share } =
    limits;
  const { outboxMessages, outboxBytes } = limits;
  const network = !isFieldSet(limits, NodeLimitsSchema.field.share)
    ? []
    : [["of the network", String(networkContainers)] as const, ["share of it here", String(share)] as const];
  return [
    ["containers", String(containers)],
    ...network,
    ["memory", formatSize(Number(memoryBytes))],
    ["container memory", formatSize(Number(containerMemoryBytes))],
    ["spares", String(spares)],
    ["inbox", String(inbox)],
    ["outbox messages", String(outboxMessages)],
    ["outbox size", formatSize(Number(outboxBytes))],
    ...Object.entries(concurrency)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([contract, calls]): [string, string] => [`${contract} at a time`, String(calls)]),
  ];
}
