// A container that a governor keeps: empty until it is assigned a folder, and gone when nobody governs it any more.

import type { Timer } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import type { TlsSettings } from "../base/network.ts";
import { DirectoryFinder } from "../capacity/directory-finder.ts";
import { Fence } from "../container/fence.ts";
import { type GovernedParts, governedOf } from "../container/governed.ts";
import { functionsOf } from "../machine/functions/functions.ts";
import { type ProgramAtWork, programStoreOf } from "../machine/functions/program-store.ts";
import { programTimerOf } from "../machine/functions/program-timer.ts";
import { containerGuard } from "../machine/privileges/door-guard.ts";
import type { Family } from "../plugins/figures/family.ts";
import type { Address } from "../transports/transport.ts";
import { type ContainerSettings, ownAddress, type RunningContainer, runContainer } from "./run-container.ts";

export interface GovernedSettings extends Omit<ContainerSettings, "components" | "find" | "control" | "id"> {
  readonly id: string;
  /** The node's id. */
  readonly node: string;
  /** What tells this process from another. */
  readonly nonce: string;
  /** This computer's name, by which those are known whose Unix sockets it reaches. */
  readonly host?: string;
  /** What the transports speak TLS with from now on. */
  readonly secure: (tls: TlsSettings) => void;
  readonly load: GovernedParts["load"];
  /** Of its node, where its programs' questions about the machine go; left out: nobody answers them. */
  readonly door?: Address;
  /** Where its program's objects are kept; left out: no program keeps any. */
  readonly disk?: Disk;
  /** What was counted in this process. Default: nothing. */
  readonly figures?: () => readonly Family[];
}

/** How long a container goes on that no governor has spoken to yet. */
const FIRST_LEASE_MS = 60_000;
/** A lease that is found over so much later than it was: the loop did not turn, and what renews it may wait to be read. */
const LATE_MS = 1_000;
/** How long that may take. */
const HEAR_MS = 5_000;
/** How long its calls may take to end when nobody governs it. */
const LAST_GRACE_MS = 10_000;

export async function runGovernedContainer(settings: GovernedSettings): Promise<RunningContainer> {
  const { env, id, node, host = "", nonce, load, secure, figures = () => [] } = settings;
  let mayTls = false;
  let machines: ReadonlyMap<string, readonly string[]> = new Map();
  const self = {
    ...{ node, host, container: { id, address: ownAddress(id) } },
    reaches: (address: Address) => mayTls || !address.startsWith("tls:"),
  };
  const finder = new DirectoryFinder({ random: env.random, self });
  let lease: Timer | undefined;
  let endTimers = () => {};
  let end = () => {};
  const fence = new Fence(env.clock, () => {
    env.log.write("warn", "its node is not the owner of its program any more: it ends", { container: id });
    end();
  });
  const running = await runContainer({
    ...settings,
    components: [],
    // Other computers reach its components; what governs it is on its own.
    admit: containerGuard(() => machines),
    find: finder,
    fence,
    control: ({ container, drain, listen }) => {
      const renewed = (leaseMs: number) => {
        lease?.cancel();
        const endsAt = env.clock.now() + leaseMs;
        lease = env.clock.after(leaseMs, () => {
          if (env.clock.now() - endsAt > LATE_MS) return renewed(HEAR_MS);
          env.log.write("warn", "no governor has renewed the lease: draining", { container: id });
          void drain(LAST_GRACE_MS);
        });
      };
      renewed(FIRST_LEASE_MS);
      const secured = (tls: TlsSettings, barred: readonly string[]) => {
        mayTls = true;
        env.network.ruleTls?.({ barred, own: tls });
        secure(tls);
      };
      const granted = (all: typeof machines) => {
        machines = all;
      };
      let name: string | undefined;
      let working: ProgramAtWork | undefined;
      const assigned: GovernedParts["assigned"] = (program, hosting) => {
        name = program;
        if (hosting !== undefined) working = { name: program, granted: hosting.granted, store: hosting.store };
      };
      const { door, transports, disk } = settings;
      const program = () => working;
      end = () => void drain(0);
      const timer = programTimerOf({ env, container, program });
      endTimers = timer.end;
      return [
        governedOf({
          ...{
            container,
            clock: env.clock,
            nonce,
            finder,
            fence,
            load,
            renewed,
            listen,
            secured,
            granted,
            figures,
            assigned,
          },
        }),
        ...(door === undefined ? [] : [functionsOf({ env, transports, door, program: () => name })]),
        ...(disk === undefined ? [] : [programStoreOf({ env, disk, program })]),
        timer.component,
      ];
    },
  });
  void running.closed.then(() => {
    lease?.cancel();
    endTimers();
    fence.end();
  });
  return running;
}
