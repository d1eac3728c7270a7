// `call.machine` where the program runs: its container asks its own node's door, and says which program asks, so that no
// component can speak for another.

import type { Clock } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";
import type { Random } from "../../base/random.ts";
import { newClient } from "../../client/client.ts";
import { type Component, component } from "../../container/component.ts";
import { Functions } from "../../messages/gen/unum/machine/v1/functions_pb.ts";
import { Machine } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import type { Address, Transport } from "../../transports/transport.ts";

export interface FunctionsParts {
  readonly env: { readonly clock: Clock; readonly random: Random };
  /** Not closed here. */
  readonly transports: readonly Transport[];
  /** The node's own. */
  readonly door: Address;
  /** What the container serves a part of; undefined while it serves nothing. */
  readonly program: () => string | undefined;
}

const ASK_TTL_MS = 5_000;

export function functionsOf({ env, transports, door, program }: FunctionsParts): Component {
  const machine = newClient({ env, transports, to: [door] }).of(Machine);
  const asking = (): string => {
    const name = program();
    if (name === undefined) throw new Fault("denied", "a container that serves nothing asks nothing of its machine");
    return name;
  };
  return component(Functions, {
    describe: () => machine.facts({ program: asking() }, { ttlMs: ASK_TTL_MS }),
    variable: ({ name }) => machine.variable({ program: asking(), name }, { ttlMs: ASK_TTL_MS }),
  });
}
