// A container under a governor: the answers to unum.control.v1.Governed.

import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { TlsSettings } from "../base/network.ts";
import type { DirectoryFinder } from "../capacity/directory-finder.ts";
import { nodeEntryOf } from "../capacity/directory-wire.ts";
import { Governed, type Hosting, type Tls } from "../messages/gen/unum/control/v1/governed_pb.ts";
import type { Family } from "../plugins/figures/family.ts";
import { familyToWire } from "../plugins/figures/wire.ts";
import type { Address } from "../transports/transport.ts";
import { type Component, component } from "./component.ts";
import type { Container } from "./container.ts";
import { describeServed, loadOf } from "./control.ts";
import { Deliveries } from "./deliveries.ts";
import type { Fence } from "./fence.ts";

export interface GovernedParts {
  readonly container: Container;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly nonce: string;
  readonly finder: DirectoryFinder;
  /** Loads a folder; `source`: where it was copied from, or empty. `failures`: what could not be loaded, for people. */
  readonly load: (
    folder: string,
    source: string,
    hosting: Hosting | undefined,
  ) => Promise<{ components: readonly Component[]; failures: readonly string[] }>;
  /** The container goes on for so long without being renewed again. */
  readonly renewed: (leaseMs: number) => void;
  /** Told for which program it works, before any of it is loaded; empty for the components folder. */
  readonly assigned?: (program: string, hosting: Hosting | undefined) => void;
  /** What was counted in this process. */
  readonly figures: () => readonly Family[];
  /** Listens at one address more; settles with the address as listened. */
  readonly listen: (address: Address) => Promise<Address>;
  /** What it speaks TLS with from now on. */
  readonly secured: (tls: TlsSettings, barred: readonly string[]) => void;
  /** What machines that are nodes of this one may call from now on. */
  readonly granted: (machines: ReadonlyMap<string, readonly string[]>) => void;
}

export function governedOf(parts: GovernedParts): Component {
  const { container, nonce, finder, load, renewed, figures, fence } = parts;
  let digest = "";
  let program = "";
  let directory = 0n;
  /** As listened, by what was asked for. */
  const listened = new Map<Address, Promise<Address>>();
  let addresses: readonly Address[] = [];
  const deliveries = new Deliveries(container, parts.clock);
  return component(Governed, {
    renew: ({ leaseMs, ttlUs, owned }, { msLeft }) => {
      renewed(leaseMs);
      fence.hear(owned, Math.max(0, Number(ttlUs) / 1_000 - msLeft));
      return {
        container: container.id,
        nonce,
        load: loadOf(container),
        directory,
        digest,
        program,
        components: container.served.map(describeServed),
        addresses: [...addresses],
        overdue: container.overdue.map(({ component: name, sinceMs }) => ({
          component: name,
          sinceMs: Math.min(LONGEST_MS, Math.floor(sinceMs)),
        })),
        fenced: fence.takeRefused().map(({ epoch, known, ...rest }) => ({
          ...rest,
          epoch: BigInt(epoch),
          known: BigInt(known),
        })),
      };
    },
    listen: async (asked) => {
      parts.granted(new Map(Object.entries(asked.machines).map(([id, { contracts }]) => [id, contracts])));
      if (asked.tls !== undefined) parts.secured(tlsOf(asked.tls), asked.barred);
      for (const address of asked.addresses) {
        if (listened.has(address)) continue;
        const listening = parts.listen(address);
        listened.set(address, listening);
        // What failed may be asked for again.
        listening.catch(() => listened.delete(address));
      }
      addresses = await Promise.all(listened.values());
      return { addresses: [...addresses] };
    },
    assign: async (assignment) => {
      if (digest !== "") {
        throw new Fault("invalid", `${container.id} serves state ${digest} already; a container is assigned once`);
      }
      ({ digest, program } = assignment);
      if (assignment.hosting?.owned === true) fence.assigned(program);
      parts.assigned?.(program, assignment.hosting);
      const { components, failures } = await load(assignment.folder, assignment.source, assignment.hosting);
      const served: string[] = [...failures];
      for (const each of components) {
        await container.serve(each).catch((error) => served.push(`${each.contract.typeName}: ${error.message}`));
      }
      return { components: container.served.map(describeServed), failures: served };
    },
    setDirectory: ({ version, nodes }) => {
      if (version > directory) {
        directory = version;
        finder.update({ nodes: nodes.map(nodeEntryOf) });
      }
      return { version: directory };
    },
    deliver: async (delivery, { msLeft }) => {
      const { settled, failures } = await deliveries.take(delivery, msLeft);
      return { settled, failures: [...failures] };
    },
    figures: () => ({ families: figures().map(familyToWire) }),
    setConcurrency: ({ contract, concurrency }) => {
      container.setConcurrency(contract, concurrency);
      return { contract, concurrency };
    },
  });
}

const LONGEST_MS = 2 ** 32 - 1;

function tlsOf({ key, cert, ca, serverName }: Tls): TlsSettings {
  return { key, cert, ca, ...(serverName === "" ? {} : { serverName }) };
}
