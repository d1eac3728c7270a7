// `call.store` where the program runs: objects of its own in a folder of its node, asked of its container, for programs that were
// granted `store`.
//
// Invariants
//   O1. What a program keeps is in its own folder: no key leads out of it.
//   O2. A program keeps LIMITS.bytes in LIMITS.files versions at most, whatever it removes and writes; containers that write at
//       the same time may be over by what they wrote since they looked last.
//   O3. A container has LIMITS.watches watches at a time; each ends with its call in a cell, else with its call's time
//       to live at the latest, and with it what it holds.

import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import { isGranted } from "../../container/cell/granted.ts";
import { type Component, component } from "../../container/component.ts";
import { Store } from "../../messages/gen/unum/machine/v1/store_pb.ts";
import { fileStore } from "../../stores/file-store.ts";
import { ObjectWatch } from "./object-watch.ts";

export interface ProgramStoreParts {
  readonly env: { readonly clock: Clock; readonly log: Log };
  readonly disk: Disk;
  /** What the container serves: undefined where it is no program. */
  readonly program: () => ProgramAtWork | undefined;
  /** Default: LIMITS. */
  readonly limits?: Partial<StoreLimits>;
}

export interface ProgramAtWork {
  readonly name: string;
  readonly granted: readonly string[];
  /** Absolute: where its objects are kept; empty where none are. */
  readonly store: string;
}

/** Of one program on one node, versions that are kept for their number included. */
const LIMITS = { bytes: 256 * 2 ** 20, files: 20_000, objectBytes: 8 * 2 ** 20, keys: 5_000, watches: 100 };
export type StoreLimits = typeof LIMITS;
const LOOK_AGAIN_MS = 10_000;

export function programStoreOf({ env, disk, program, ...given }: ProgramStoreParts): Component {
  const limits = { ...LIMITS, ...given.limits };
  let watching = 0;
  let opened: { at: string; store: ReturnType<typeof fileStore>; room: Room } | undefined;
  const storeFor = (key: string) => {
    const asking = program();
    if (asking === undefined || asking.store === "")
      throw new Fault("denied", "only programs have a store; what runs from the components folder uses unum/stores");
    const { granted, store: folder, name } = asking;
    if (!isGranted("store", key, granted)) {
      throw new Fault(
        "denied",
        `the object '${key.slice(0, 80)}' needs the capability 'store', which program '${name}' was not granted for it; it asks for it in program.json, and 'unum start' grants it with --grant`,
      );
    }
    if (opened?.at !== folder) {
      const store = fileStore({ folder, disk, ...env, limitBytes: limits.objectBytes });
      opened = { at: folder, store, room: new Room(disk, folder, env.clock, limits) };
    }
    return opened;
  };
  return component(Store, {
    get: async ({ key, version }) => {
      const found = await storeFor(key).store.get(key, version === 0n ? undefined : Number(version));
      if (found?.bytes === undefined)
        throw new Fault("not-found", `no object '${key}'${found ? ": it was removed" : ""}`);
      return {
        version: BigInt(found.version),
        writtenAtMs: BigInt(Math.max(0, Math.round(found.writtenAt))),
        bytes: found.bytes,
      };
    },
    put: async ({ key, bytes, onlyIf }) => {
      const { store, room } = storeFor(key);
      await room.take(bytes.length);
      return outcome(await store.put(key, bytes, onlyIf && Number(onlyIf.version)));
    },
    remove: async ({ key, onlyIf }) => {
      const { store, room } = storeFor(key);
      await room.take(0);
      return outcome(await store.remove(key, onlyIf && Number(onlyIf.version)));
    },
    keys: async ({ prefix }) => {
      const keys = await storeFor(prefix).store.keys(prefix);
      if (keys.length > limits.keys)
        throw new Fault(
          "invalid",
          `${keys.length} keys begin with '${prefix}'; ${limits.keys} can be told: ask for fewer`,
        );
      return { keys: [...keys] };
    },
    watch: ({ prefix }) => {
      const { store } = storeFor(prefix);
      if (watching >= limits.watches)
        throw new Fault(
          "overloaded",
          `${watching} watches are open in this container, which has ${limits.watches} at most`,
        );
      watching++;
      return new ObjectWatch(limits.keys, (notice) => {
        const end = store.watch(prefix, notice);
        return () => {
          watching--;
          end();
        };
      });
    },
  });
}

/** O2: what is left of its limits, looked at now and then and counted on in between. */
class Room {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #limits: StoreLimits;
  #used = { bytes: 0, files: 0 };
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(disk: Disk, folder: string, clock: Clock, limits: StoreLimits) {
    this.#disk = disk;
    this.#folder = folder;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Throws the Fault `overloaded` where there is none. */
  async take(bytes: number): Promise<void> {
    const { bytes: most, files } = this.#limits;
    const isFull = () => this.#used.bytes + bytes > most || this.#used.files + 1 > files;
    const age = this.#clock.now() - this.#lookedAt;
    if (age > LOOK_AGAIN_MS || (isFull() && age > LOOK_AGAIN_MS / 10)) await this.#look();
    if (isFull())
      throw new Fault(
        "overloaded",
        `the program keeps ${this.#used.bytes} bytes in ${this.#used.files} versions; the limits are ${most} and ${files}`,
      );
    this.#used.bytes += bytes;
    this.#used.files++;
  }

  async #look(): Promise<void> {
    const files = await this.#disk.scan(this.#folder, { skip: [], limit: 2 * this.#limits.files });
    this.#used = { bytes: files.reduce((sum, file) => sum + file.bytes, 0), files: files.length };
    this.#lookedAt = this.#clock.now();
  }
}

function outcome({ kind, version }: { kind: string; version: number }) {
  return { stored: kind === "stored", version: BigInt(version) };
}
