// unum stack: makes this machine a node of another, and says what each may of the other; unum unstack takes it out again.

import { readAddress } from "../../base/datagrams.ts";
import { Fault } from "../../base/fault.ts";
import { joinReplySchema } from "../../machine/identity/joining.ts";
import { readToken } from "../../machine/identity/token.ts";
import { newSigningKey, readSigningKey } from "../../machine/keys/signing-key.ts";
import { PARENT_RECORD } from "../../machine/stacking/links.ts";
import type { MachineView, ParentView } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { askQuestion } from "../../system/tls-question.ts";
import { DOOR_EXIT_CODES } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { checkFree } from "../machine/free-port.ts";
import { type MachineDoor, untilSettled, withMachine } from "../machine/machine-door.ts";
import { forgetParent, readParent, writeParent } from "../machine/parent-folder.ts";
import { messageJson } from "../node-json.ts";
import { repeatable } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface StackFlags {
  readonly token?: string;
  readonly open?: string;
  readonly export?: readonly string[];
  readonly calls?: readonly string[];
  readonly program?: readonly string[];
  readonly grant?: readonly string[];
  readonly trusted?: boolean;
  readonly json?: boolean;
}

/** How long the gateway may take to be a node of the parent. */
const JOINED_LIMIT_MS = 60_000;

export function addStack({ program, terminal, end }: Stage): void {
  program
    .command("stack")
    .summary("make this whole machine a node of another")
    .description(
      "Joins another machine by a token that 'unum token --machine ID' printed there. From then on that machine is this one's parent, and this one is a single node of it: the contracts named here can be called from there, those that the parent allows can be called from here, and the parent's programs named here run on this machine's nodes. Asked at the controller that is to keep the gateway. Without HOST:PORT it says anew what each may; what is not named is not allowed. Needs the role operator.",
    )
    .argument("[host:port]", "where the parent's controller lets others in")
    .option("--token <token>", "good for this machine, once")
    .option("--open <host:port>", "where the parent's nodes reach this machine")
    .addOption(repeatable("--export <contract>", "what the parent may call here; NAME* for all that begin so"))
    .addOption(repeatable("--calls <contract>", "what may be called at the parent; NAME* for all that begin so"))
    .addOption(repeatable("--program <name>", "a program of the parent that may run here; NAME* for all that begin so"))
    .addOption(
      repeatable("--grant <capability>", "what such programs may get here of what they ask for and the parent grants"),
    )
    .option("--trusted", "such programs may run inline, with the rights of the nodes' user")
    .option("--json", "the link as one JSON object")
    .addHelpText(
      "after",
      examples([
        "unum token --machine mq3v2mxa --calls 'shop.v1.*'      # at the parent",
        "unum stack 10.0.0.1:7001 --token T --open 10.0.1.1:7200 --export 'stock.v1.*' --calls 'shop.v1.*'",
        "unum stack --export 'stock.v1.*' --program 'thumb*'    # later: no calls to the parent any more, but its thumb*",
        "unum unstack",
      ]),
    )
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (at: string | undefined, flags: StackFlags) =>
      end(await withMachine({}, (machine) => stack(machine, at, flags, terminal))),
    );
}

export function addUnstack({ program, terminal, end }: Stage): void {
  program
    .command("unstack")
    .summary("take this machine out of its parent")
    .description(
      "This machine is a node of no other any more: the parent's programs end here and are taken away, its key may nothing, and no call passes in either direction. Asked at the controller that keeps the gateway. Needs the role operator.",
    )
    .option("--json", "what was left as one JSON object")
    .addHelpText("after", examples(["unum unstack"]))
    .addHelpText("after", DOOR_EXIT_CODES)
    .action(async (flags: { json?: boolean }) =>
      end(await withMachine({}, (machine) => unstack(machine, flags.json === true, terminal))),
    );
}

async function stack(
  machine: MachineDoor,
  at: string | undefined,
  flags: StackFlags,
  terminal: Terminal,
): Promise<number> {
  const view = await machine.show();
  if (at === undefined) await again(view, flags);
  else await join(view, at, flags);
  const { machine: parent, commands } = await readParent();
  const key = readSigningKey(commands);
  const { export: exports = [], calls = [], program: programs = [], grant: capabilities = [], trusted = false } = flags;
  const known = view.grants.some((grant) => grant.key === key.id);
  // A grant without programs would be one for all of them.
  if (programs.length > 0) {
    const value = { key: key.raw, role: "deployer", programs: [...programs], label: `parent machine ${parent}` };
    await machine.propose(`grant/${key.id}`, { case: "grant", value });
  } else if (known) await machine.propose(`grant/${key.id}`, { case: "removed", value: { reason: "no programs" } });
  const value = { machine: parent, node: view.node, key: key.raw, exports: [...exports], calls: [...calls] };
  await machine.propose(PARENT_RECORD, {
    case: "parent",
    value: { ...value, capabilities: [...capabilities], trusted },
  });
  const link = await untilSettled(
    machine,
    JOINED_LIMIT_MS,
    ({ link: now }) => (now?.state === "joined" || at === undefined ? now : undefined),
    ({ link: now }) => `the gateway to machine ${parent} is ${now?.state || "not there"}`,
  );
  terminal.print(flags.json ? JSON.stringify(messageJson(link)) : joinedText(view, link));
  return EXIT.ok;
}

/** Throws the UsageError that says why nothing can be changed. */
async function again(view: MachineView, { token, open }: StackFlags): Promise<void> {
  if (token !== undefined || open !== undefined) throw new UsageError("--token and --open go with HOST:PORT");
  if (view.link === undefined)
    throw new UsageError(`machine ${view.machine} is a node of no other; give HOST:PORT, --token and --open`);
  if (view.link.node !== view.node) throw new UsageError(elsewhere(view.link));
}

/** Lets itself be let in, and keeps who it is there. */
async function join(view: MachineView, at: string, { token, open }: StackFlags): Promise<void> {
  if (token === undefined || open === undefined) throw new UsageError("HOST:PORT goes with --token and --open");
  const [there, own] = [placeOf(at), placeOf(open)];
  if (!view.controller) throw new UsageError(`node ${view.node} is no controller; ask this at one`);
  if (view.link !== undefined)
    throw new UsageError(
      `machine ${view.machine} is a node of machine ${view.link.machine} already; 'unum unstack' first`,
    );
  const { id, secret, root } = readToken(token);
  await checkFree(own, open);
  const { newNodeKey } = await import("../../machine/identity/authority.ts");
  const { key, publicKey } = newNodeKey();
  const question = { id, secret, node: view.machine, hosts: [own.host], publicKey, issuerKey: publicKey };
  const answer = await askQuestion({ ...there, root }, JSON.stringify(question));
  const parsed = joinReplySchema.safeParse(JSON.parse(answer));
  if (!parsed.success) throw new Fault("invalid", `${at} answers what nobody understands; is it of the same version?`);
  const { machine: parent, founder, cert, root: ca, gossipKey, seeds, ancestors } = parsed.data;
  // The other machine has looked already; it may be of another version.
  if ([parent, ...ancestors].includes(view.machine))
    throw new Fault("denied", `machine ${view.machine} would be its own ancestor`);
  const commands = newSigningKey().secretPem;
  await forgetParent();
  await writeParent({ machine: parent, founder, open, seeds }, { key, cert, ca, gossipKey, commands });
}

async function unstack(machine: MachineDoor, json: boolean, terminal: Terminal): Promise<number> {
  const view = await machine.show();
  const { link } = view;
  if (link === undefined) throw new UsageError(`machine ${view.machine} is a node of no other`);
  if (link.node !== view.node) throw new UsageError(elsewhere(link));
  const removed = (name: string, reason: string) => machine.propose(name, { case: "removed", value: { reason } });
  // First of all its key may nothing any more, so that nothing comes back.
  if (view.grants.some(({ key }) => key === link.key)) await removed(`grant/${link.key}`, "unstacked");
  await removed(PARENT_RECORD, "unstacked");
  const programs = (await machine.show()).programs.filter(({ by, wanted }) => wanted !== undefined && by === link.key);
  for (const { name } of programs) await removed(`program/${name}`, "it was the parent's");
  await untilSettled(
    machine,
    JOINED_LIMIT_MS,
    ({ link: now, programs: left }) =>
      now === undefined && !left.some(({ name }) => programs.some((each) => each.name === name)) ? true : undefined,
    () => "what the parent had here is not gone yet",
  );
  await forgetParent();
  const names = programs.map(({ name }) => name);
  if (json) terminal.print(JSON.stringify({ machine: view.machine, parent: link.machine, programs: names }));
  else
    terminal.print(
      `machine ${view.machine} is a node of no other any more${names.length === 0 ? "" : `; gone: ${names.join(", ")}`}`,
    );
  return EXIT.ok;
}

function joinedText({ machine }: MachineView, { machine: parent, exports, calls }: ParentView): string {
  const list = (contracts: readonly string[]) => (contracts.length === 0 ? "nothing" : contracts.join(", "));
  return `machine ${machine} is a node of machine ${parent}: that may call ${list(exports)} here, and is called for ${list(calls)}`;
}

function elsewhere({ node }: ParentView): string {
  return `node ${node} keeps the gateway to the parent; ask this there`;
}

function placeOf(text: string): { host: string; port: number } {
  const at = readAddress(text);
  if (at === undefined) throw new UsageError(`'${text}' is not HOST:PORT, as 10.0.0.1:7001`);
  return at;
}
