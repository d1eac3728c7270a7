// What a gateway says of itself: the contracts of the other side that may pass, with their schemas, as containers there say it.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Random } from "../base/random.ts";
import type { NodeEntry } from "../capacity/directory.ts";
import { reachable } from "../capacity/reach.ts";
import { newClient } from "../client/client.ts";
import { type Component, component } from "../container/component.ts";
import {
  Container,
  type Component as Described,
  type Description,
  type DescriptionSchema,
} from "../messages/gen/unum/control/v1/container_pb.ts";
import type { Address, Transport } from "../transports/transport.ts";
import { isNamed } from "./named.ts";

export interface DescribingParts {
  readonly env: { readonly clock: Clock; readonly random: Random };
  readonly id: string;
  /** Version of Unum. */
  readonly unum: string;
  /** Names this computer. */
  readonly host: string;
  /** To the other side. Not closed here. */
  readonly transport: Transport;
  readonly nodes: () => readonly NodeEntry[];
  /** Lists of contracts, of which every one must name what passes. */
  readonly passes: () => readonly (readonly string[])[];
  readonly free: () => number;
}

const DESCRIBE_TTL_MS = 4_000;
/** Containers asked for one description. */
const MOST_ASKED = 64;

/** In place of what every container answers for itself. */
export function describingOf(parts: DescribingParts): Component {
  const { id, free } = parts;
  const load = () => ({ waiting: 0, running: 0, free: free(), done: 0n });
  const never = () => {
    throw new Fault("denied", "a gateway is ended by the node that keeps it");
  };
  return component(Container, {
    ping: () => ({ container: id, load: load() }),
    describe: async (): Promise<MessageInitShape<typeof DescriptionSchema>> => {
      const found = await Promise.all(asked(parts).map((address) => describe(parts, address)));
      return {
        container: id,
        unum: parts.unum,
        load: load(),
        limits: { inbox: free() },
        ...merged(found, parts.passes()),
      };
    },
    drain: never,
    setLimits: never,
  });
}

/** Of each contract one container that serves it. */
function asked({ nodes, passes, host }: DescribingParts): readonly Address[] {
  const lists = passes();
  const covered = new Set<string>();
  const addresses: Address[] = [];
  for (const node of nodes()) {
    for (const { components, addresses: all, state } of node.containers) {
      const fresh = components.filter(({ contract }) => may(contract, lists) && !covered.has(contract));
      const [address] = state === "ready" && fresh.length > 0 ? reachable(all, { ...node, home: false }, { host }) : [];
      if (address === undefined || addresses.length >= MOST_ASKED) continue;
      addresses.push(address);
      for (const { contract } of fresh) covered.add(contract);
    }
  }
  return addresses;
}

/** Nothing of who does not answer. */
function describe({ env, transport }: DescribingParts, address: Address): Promise<Description | undefined> {
  return newClient({ env, transports: [transport], to: [address] })
    .of(Container)
    .describe({}, { ttlMs: DESCRIBE_TTL_MS })
    .catch(() => undefined);
}

function merged(found: readonly (Description | undefined)[], lists: readonly (readonly string[])[]) {
  const components = new Map<string, Described>();
  const files = new Map<string, FileDescriptorProto>();
  for (const description of found) {
    for (const each of description?.components ?? [])
      if (may(each.contract, lists)) components.set(`${each.contract} ${each.version}`, each);
    // Each has every file that it needs, dependencies first; so has what they are put together to.
    for (const file of description?.schema?.file ?? []) if (!files.has(file.name)) files.set(file.name, file);
  }
  return {
    components: [...components.values()],
    schema: create(FileDescriptorSetSchema, { file: [...files.values()] }),
  };
}

function may(contract: string, lists: readonly (readonly string[])[]): boolean {
  return lists.every((list) => isNamed(contract, list));
}
