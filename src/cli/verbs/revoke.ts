// unum revoke: a node is no part of the machine any more, or a key may nothing any more.

import { addDoorOptions, DOOR_EXIT_CODES, type DoorOptions } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { type MachineDoor, withMachine } from "../machine/machine-door.ts";
import { endWithKey } from "../machine/vouched.ts";
import { namedBy, unknownName } from "../node-names.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface RevokeFlags extends DoorOptions {
  readonly reason: string;
  readonly json?: boolean;
}

const KEY_ID = /^[0-9a-f]{16}$/;

export function addRevoke({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("revoke")
      .summary("put a node, or a key, out of the machine")
      .description(
        "Puts a node out of the machine for good: its connections to the others end, its key opens none any more, and they gossip under a new key. What it keeps running by itself only its own computer can end. A signing key that is put out may nothing any more, what it gave to others is gone, and no archive that it signed is loaded. Needs the role operator.",
      )
      .argument("<node|key>", "an id, or how a node's begins; 'unum machine' lists them"),
  )
    .option("--reason <text>", "for people", "")
    .option("--json", "what was revoked as one JSON object")
    .addHelpText(
      "after",
      examples(["unum revoke nq3v2mxa --reason 'its disk was stolen'", "unum revoke 0a1b2c3d4e5f6071"]),
    )
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (name: string, flags: RevokeFlags) =>
      end(await withMachine(flags, (machine) => revoke(machine, name, flags, terminal))),
    );
}

async function revoke(machine: MachineDoor, name: string, flags: RevokeFlags, terminal: Terminal): Promise<number> {
  if (KEY_ID.test(name)) {
    const view = await machine.show();
    if (!view.grants.some(({ key }) => key === name))
      terminal.say(terminal.tint("yellow", `key ${name} was given nothing here; look whether it is the one you mean`));
    await machine.propose(`revoked/${name}`, { case: "revoked", value: { key: name, reason: flags.reason } });
    terminal.print(
      flags.json
        ? JSON.stringify({ key: name, reason: flags.reason })
        : `key ${name} may nothing any more, and nothing that it signed is loaded`,
    );
    for (const text of endWithKey(view, name)) terminal.say(terminal.tint("yellow", text));
    return EXIT.ok;
  }
  const { nodes, node: own } = await machine.show();
  const found = namedBy(name, nodes, ({ id }) => id);
  if (found === undefined)
    throw unknownName(
      name,
      "no node of this machine",
      nodes.map(({ id }) => id),
    );
  if (found.id === own)
    throw new UsageError(`${found.id} is the node that was asked; ask another with --to, or end it with 'unum down'`);
  await machine.propose(`revoked/${found.id}`, { case: "revoked", value: { node: found.id, reason: flags.reason } });
  if (flags.json) terminal.print(JSON.stringify({ node: found.id, reason: flags.reason }));
  else terminal.print(`node ${found.id} is no part of the machine any more`);
  for (const { name: program, problems } of (await machine.show()).programs)
    for (const text of problems) terminal.say(`${terminal.tint("yellow", "problem")} ${program}: ${text}`);
  return EXIT.ok;
}
