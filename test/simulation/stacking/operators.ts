// What the operators of the three machines say, each by his own computer's door, as the command line does.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { signFile } from "../../../src/machine/archive/minisign.ts";
import { trustBy } from "../../../src/machine/privileges/trust.ts";
import { signRecord } from "../../../src/machine/records/signed-record.ts";
import { PARENT_RECORD } from "../../../src/machine/stacking/links.ts";
import { Machine } from "../../../src/messages/gen/unum/machine/v1/machine_pb.ts";
import type { RecordSchema } from "../../../src/messages/gen/unum/machine/v1/record_pb.ts";
import type { ProgramArchive } from "./identities.ts";
import type { StackedMachines } from "./stacked-machines.ts";
import { ID, type LinkWords, type MachineName, machineOf, NODES, type Word } from "./stacking-plan.ts";

type Body = NonNullable<MessageInitShape<typeof RecordSchema>["body"]>;
type ProgramWord = Extract<Word, { readonly kind: "program" }>;

const TTL = { ttlMs: 4_000 };
const MOST_VERSIONS = 4;

export class Operators {
  readonly #world: StackedMachines;
  readonly #archives: readonly ProgramArchive[];

  constructor(world: StackedMachines, archives: readonly ProgramArchive[]) {
    this.#world = world;
    this.#archives = archives;
  }

  /** Rejects with the Fault that refuses it, or where nobody answers. */
  async program(node: string, { program: name, action, granted }: ProgramWord): Promise<void> {
    const machine = machineOf(node);
    const door = this.#door(node);
    const { programs } = await door.show({}, TTL);
    const wanted = programs.find((each) => each.name === name)?.wanted;
    if (action === "unload") return this.say(node, `program/${name}`, { case: "removed", value: {} });
    if (action === "stop") {
      if (wanted !== undefined)
        await this.say(node, `program/${name}`, { case: "program", value: { ...wanted, running: false } });
      return;
    }
    const archive = this.#archives.find((each) => each.name === name && each.version === `${action}.0.0`);
    if (archive === undefined) throw new Error(`there is no ${name} ${action}`);
    const { version, digest, bytes } = archive;
    const { founder } = this.#world.identity(machine);
    const signature = signFile(bytes, founder, `${name} ${version}`);
    const total = BigInt(bytes.length);
    await door.putArchive({ digest, bytes, total, offset: 0n, signature }, TTL);
    const trust = trustBy(founder, { machine: ID[machine], program: name, digest });
    const known = (wanted?.loaded ?? []).filter((each) => each.digest !== digest);
    const loaded = [...known, { version, digest, bytes: total, trust }].slice(-MOST_VERSIONS);
    const value = { loaded, digest, running: true, granted: [...granted], graceMs: 100, mayBreak: true };
    await this.say(node, `program/${name}`, { case: "program", value });
  }

  /** `unum stack` at the controller with the gateway; `circle`: of the top, below one of its own descendants. */
  async link(child: MachineName, parent: MachineName, words: LinkWords): Promise<void> {
    const [node] = NODES[child];
    const { commands } = this.#world.identity(child);
    const { exports, calls, programs, capabilities, trusted } = words;
    if (programs.length > 0) {
      const value = { key: commands.raw, role: "deployer", programs: [...programs] };
      await this.say(node, `grant/${commands.id}`, { case: "grant", value });
    } else await this.say(node, `grant/${commands.id}`, { case: "removed", value: {} });
    const said = { machine: ID[parent], node, key: commands.raw, exports: [...exports], calls: [...calls] };
    const value = { ...said, capabilities: [...capabilities], trusted };
    await this.say(node, PARENT_RECORD, { case: "parent", value });
  }

  /** `unum unstack`. */
  async unlink(child: MachineName): Promise<void> {
    const [node] = NODES[child];
    const { id } = this.#world.identity(child).commands;
    await this.say(node, `grant/${id}`, { case: "removed", value: {} });
    await this.say(node, PARENT_RECORD, { case: "removed", value: {} });
    const { programs } = await this.#door(node).show({}, TTL);
    for (const { name, by, wanted } of programs)
      if (wanted !== undefined && by === id) await this.say(node, `program/${name}`, { case: "removed", value: {} });
  }

  /** `unum token --machine`, at a computer of the parent. */
  child(node: string, child: MachineName, calls: readonly string[]): Promise<void> {
    return this.say(node, `child/${ID[child]}`, { case: "child", value: { calls: [...calls] } });
  }

  async say(node: string, name: string, body: Body): Promise<void> {
    const { founder } = this.#world.identity(machineOf(node));
    const door = this.#door(node);
    const { machine, counter, history } = await door.head({ name }, TTL);
    await door.propose({ record: signRecord({ machine, name, counter: counter + 1n, history, body }, founder) }, TTL);
  }

  #door(node: string) {
    return this.#world.operator(node).of(Machine);
  }
}
