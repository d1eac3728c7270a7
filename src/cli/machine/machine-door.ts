// The way from a command to the machine: the door of one of its nodes, and the operator's key to sign with.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { sleep } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import { didYouMean } from "../../base/nearest.ts";
import type { Proxies } from "../../client/client.ts";
import type { CallOptions } from "../../client/options.ts";
import { signRecord } from "../../machine/records/signed-record.ts";
import { Machine, type MachineView, type ProgramView } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import type { RecordSchema } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { type Door, type DoorOptions, withDoor } from "../door.ts";
import { UsageError } from "../usage.ts";
import { ownKey } from "./key-folder.ts";

type Body = NonNullable<MessageInitShape<typeof RecordSchema>["body"]>;

export interface MachineDoor {
  readonly door: Door;
  /** Digests of what was proposed here. */
  readonly proposed: ReadonlySet<string>;
  show(): Promise<MachineView>;
  ask<T>(
    call: (machine: Proxies<typeof Machine>, options: CallOptions) => Promise<T>,
    options?: CallOptions,
  ): Promise<T>;
  /** Signs and proposes. Answers with what was written at the same time by somebody else; empty where nothing was. */
  propose(name: string, body: Body): Promise<string>;
}

const PROPOSE_TTL_MS = 30_000;
const LOOK_EVERY_MS = 50;

export function withMachine(options: DoorOptions, use: (machine: MachineDoor) => Promise<number>): Promise<number> {
  return withDoor(options, (door) => use(machineAt(door)));
}

/** Commands in a machine by a door that is open already. */
export function machineAt(door: Door): MachineDoor {
  const ask: MachineDoor["ask"] = (call, options) =>
    door.askOf(Machine, call, options).catch((error) => {
      if (!(error instanceof Fault && error.code === "not-found" && /contract/.test(error.message))) throw error;
      throw new Fault("not-found", `the node at ${door.address} is no part of a machine`, { cause: error });
    });
  const show = () => ask((machine, options) => machine.show({}, options));
  const proposed = new Set<string>();
  return {
    door,
    proposed,
    show,
    ask,
    propose: async (name, body) => {
      const { key } = await ownKey();
      const { machine: id, counter, history } = await ask((machine, options) => machine.head({ name }, options));
      const record = signRecord({ machine: id, name, counter: counter + 1n, history, body }, key);
      const { conflict, digest } = await ask((machine, options) => machine.propose({ record }, options), {
        ttlMs: PROPOSE_TTL_MS,
      });
      proposed.add(digest);
      return conflict;
    },
  };
}

/** Throws a UsageError with the nearest name. */
export function programNamed(name: string, { programs }: MachineView): ProgramView {
  const found = programs.find((program) => program.name === name && program.wanted !== undefined);
  if (found !== undefined) return found;
  const names = programs.map((program) => program.name);
  const known = names.length === 0 ? "; none is: load one with 'unum load'" : `; loaded: ${names.join(", ")}`;
  throw new UsageError(`no program '${name}' is loaded${didYouMean(name, names) || known}`);
}

/**
 * Looks until `settled` answers with something. Throws the Fault `unknown` after `limitMs`, saying what was seen last, and
 * `denied` where what was proposed lost meanwhile against what another controller took.
 */
export async function untilSettled<T>(
  { show, door, proposed }: MachineDoor,
  limitMs: number,
  settled: (view: MachineView) => T | undefined,
  describe: (view: MachineView) => string,
): Promise<T> {
  const until = door.env.clock.now() + limitMs;
  for (;;) {
    const view = await show();
    const lost = view.lost.find(({ digest }) => proposed.has(digest));
    if (lost !== undefined) {
      const why = `key ${lost.against} commanded otherwise at the same time, at another controller, and that counts`;
      throw new Fault("denied", `${lost.name}: ${why}; look at 'unum machine', then say it again`);
    }
    const found = settled(view);
    if (found !== undefined) return found;
    if (door.env.clock.now() >= until) {
      throw new Fault(
        "unknown",
        `${describe(view)} after ${Math.round(limitMs / 1_000)} s; it goes on: 'unum machine' shows how far it is`,
      );
    }
    await sleep(door.env.clock, LOOK_EVERY_MS);
  }
}
