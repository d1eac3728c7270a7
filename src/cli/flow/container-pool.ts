// Containers of a run's own: processes that this one starts, replaces when they die, and ends with itself.

import { type ChildProcess, fork } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../../base/env.ts";
import { Fault } from "../../base/fault.ts";
import { newId } from "../../base/random.ts";
import { type Client, newClient } from "../../client/client.ts";
import { ContainerWorkers } from "../../flows/index.ts";
import { zmtpTransport } from "../../transports/zmtp/index.ts";
import { makeRunFolder } from "../run-folder.ts";
import { socketFolder } from "./places.ts";
import { hasTooMany, poolSize } from "./pool-size.ts";
import type { WorkerReady } from "./worker-process.ts";

export interface PoolSettings {
  readonly env: Env;
  /** Of components. */
  readonly folder: string;
  readonly most: number;
  /** Tasks under way in one container. */
  readonly places?: number;
  readonly say: (line: string) => void;
}

const LOOK_EVERY_MS = 100;
const START_LIMIT_MS = 30_000;
/** Deaths in a row, none of which did any work, after which the pool gives up. */
const DEATHS_LIMIT = 5;

interface Member {
  readonly address: string;
  readonly child: ChildProcess;
}

export class ContainerPool {
  readonly workers: ContainerWorkers;
  readonly failures: readonly string[];
  readonly #settings: PoolSettings;
  readonly #members = new Set<Member>();
  readonly #starting = new Set<ChildProcess>();
  #idleSince: number | undefined;
  #deaths = 0;
  #closed = false;
  #timer: { cancel(): void } | undefined;

  private constructor(settings: PoolSettings, workers: ContainerWorkers, failures: readonly string[]) {
    this.#settings = settings;
    this.workers = workers;
    this.failures = failures;
  }

  /** Settles when the first container works. */
  static async start(settings: PoolSettings): Promise<ContainerPool> {
    await makeRunFolder(socketFolder());
    const { env } = settings;
    const transport = zmtpTransport({ env });
    const contracts = new Map<string, number>();
    const holder: { pool?: ContainerPool } = {};
    const workers = new ContainerWorkers({
      clock: env.clock,
      contracts,
      ...(settings.places !== undefined && { places: settings.places }),
      clientOf: (address): Client => newClient({ env, transports: [transport], to: [address] }),
      close: async () => {
        await holder.pool?.close();
        await transport.close();
      },
    });
    const failures: string[] = [];
    const pool = new ContainerPool(settings, workers, failures);
    holder.pool = pool;
    const first = await pool.#spawn();
    for (const [contract, concurrency] of first.contracts) contracts.set(contract, concurrency);
    failures.push(...first.failures);
    pool.#look();
    return pool;
  }

  get size(): number {
    return this.#members.size;
  }

  /** For tests of bad days: processes that work now. */
  get pids(): readonly number[] {
    return [...this.#members].map(({ child }) => child.pid ?? 0);
  }

  /** Starts all that there may be, whatever the load: for who measures. */
  async full(): Promise<void> {
    while (this.#members.size < this.#settings.most) await this.#spawn();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const children = [...[...this.#members].map(({ child }) => child), ...this.#starting];
    await Promise.all(children.map(ended));
  }

  /** Grows and shrinks by load. */
  #look(): void {
    const { env, most } = this.#settings;
    const now = env.clock.now();
    const { open, isShort } = this.workers;
    const load = { containers: this.#members.size + this.#starting.size, most, open, isShort };
    if (hasTooMany(load)) this.#idleSince ??= now;
    else this.#idleSince = undefined;
    const wanted = poolSize({ ...load, idleMs: this.#idleSince === undefined ? 0 : now - this.#idleSince });
    if (wanted > load.containers && this.#starting.size === 0) this.#more();
    if (wanted < load.containers && this.#starting.size === 0) {
      this.#idleSince = now;
      const [member] = [...this.#members].slice(-1);
      if (member !== undefined && this.workers.isIdle(member.address)) this.#release(member);
    }
    this.#timer = env.clock.after(LOOK_EVERY_MS, () => {
      if (!this.#closed) this.#look();
    });
  }

  #more(): void {
    this.#spawn().then(
      () => {},
      (error: Error) => {
        if (!this.#closed) this.#settings.say(error.message);
      },
    );
  }

  #release(member: Member): void {
    this.#members.delete(member);
    this.workers.remove(member.address, "its container was not needed any more");
    void ended(member.child);
  }

  async #spawn(): Promise<WorkerReady> {
    const { env, folder } = this.#settings;
    const path = join(socketFolder(), `${newId(env.random, "w").slice(0, 12)}.sock`);
    const address = `ipc://${path}`;
    const child = fork(new URL("worker-process.ts", import.meta.url), [folder, address], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    this.#starting.add(child);
    const member: Member = { address, child };
    child.once("exit", () => {
      rmSync(path, { force: true });
      if (!this.#members.delete(member) || this.#closed) return;
      const how = child.signalCode ?? `code ${child.exitCode}`;
      const lost = this.workers.remove(address, `its container ended (${how})`);
      this.#settings.say(
        `a container ended (${how}) with ${lost} ${lost === 1 ? "task" : "tasks"}, which ${lost === 1 ? "tries" : "try"} again elsewhere; ${this.#members.size} left`,
      );
      this.#died();
    });
    try {
      const ready = await readyOf(child);
      this.#members.add(member);
      if (this.#closed) throw new Fault("cancelled", "the run is over");
      this.workers.add(address);
      return ready;
    } catch (error) {
      await ended(child);
      throw error;
    } finally {
      this.#starting.delete(child);
    }
  }

  #died(): void {
    this.#deaths++;
    if (this.#members.size > 0) this.#deaths = 0;
    if (this.#deaths >= DEATHS_LIMIT) {
      this.#settings.say(`${this.#deaths} containers in a row have died; no further one is started`);
      return;
    }
    if (this.#members.size === 0) this.#more();
  }
}

function readyOf(child: ChildProcess): Promise<WorkerReady> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Fault("undeliverable", `a container has not started within ${START_LIMIT_MS} ms`)),
      START_LIMIT_MS,
    );
    child.once("message", (ready: WorkerReady) => {
      clearTimeout(timer);
      resolve(ready);
    });
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(
        new Fault(
          "undeliverable",
          `a container ended before it worked (${signal ?? `code ${code}`}); what it said is above`,
        ),
      );
    });
  });
}

const END_LIMIT_MS = 3_000;

/** Told to end; killed where it does not. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
  await gone;
  clearTimeout(timer);
}
