// A node's way from what it has of each program to what the records want, pass by pass.
//
//   records, reports of others ──▶ wanted ─┐
//   archives, governor         ──▶ there  ─┴▶ life (pure) ──▶ load ▸ serve ▸ withdraw ▸ delete ──▶ what it has, for the others
//
// Invariants
//   P1. One pass over the programs runs at a time; what changes meanwhile starts another after it.
//   P2. The governor is told of programs at the first pass, even where there are none: what an earlier one served ends only then.

import type { Timer } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import type { Env } from "../../base/env.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { NodeReport, ProgramAtNode } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import type { ProgramWanted } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { placeOf } from "../archive/capability.ts";
import { partsAt } from "../archive/manifest.ts";
import { whileAway } from "../disconnection/policy.ts";
import type { Silence } from "../disconnection/silence.ts";
import { type Life, type LifeState, lifeOf, type There, type Wanted } from "../life/life.ts";
import type { Standing } from "../ownership/holder.ts";
import type { ArchiveFolder } from "./archive-folder.ts";
import type { HostedProgram, HostedState, ProgramHost } from "./program-host.ts";
import { limitsIn, termsOf } from "./terms.ts";

export interface ReconcilerParts {
  readonly env: Env;
  readonly disk: Disk;
  /** Absolute: all that the machine keeps on this node. */
  readonly folder: string;
  readonly node: string;
  readonly controller: boolean;
  readonly host: ProgramHost;
  readonly archives: ArchiveFolder;
  readonly silence: Silence;
  /** Of a program that runs on one node alone; undefined for others. */
  readonly standing: (name: string) => Standing | undefined;
  /** Names of the programs that there are records of. */
  readonly wanted: () => readonly string[];
  readonly program: (name: string) => ProgramWanted | undefined;
  /** Of the program's record as it is now; empty where there is none. */
  readonly recordOf: (name: string) => string;
  /** What the other nodes said of themselves last. */
  readonly reports: () => readonly NodeReport[];
  /** Why an archive is not to run with the rights of the node's user; undefined where it is. */
  readonly distrust: (name: string, wanted: ProgramWanted, digest: string) => string | undefined;
  /** Fetches an archive from another node; answers whether it is here now. */
  readonly fetch: (digest: string) => Promise<boolean>;
  /** Told which contracts' messages nobody waits for any more. */
  readonly withdrawn: (contracts: readonly string[]) => void;
  /** At the end of each pass. */
  readonly passed: () => Promise<void>;
}

const PASS_EVERY_MS = 250;
const MOVING_EVERY_MS = 25;
const MOVING: ReadonlySet<LifeState> = new Set(["starting", "stopping"]);
const AGAIN_AFTER_MS = 2_000;

export class Reconciler {
  readonly #parts: ReconcilerParts;
  /** What the governor was told to serve; undefined before it was told anything. */
  #told: ReadonlyMap<string, HostedProgram> | undefined;
  readonly #refused = new Map<string, string>();
  readonly #lives = new Map<string, Life>();
  /** What could not be done, and when it is tried again. */
  readonly #failed = new Map<string, { readonly why: string; readonly notBefore: number }>();
  /** Programs that do not run here because no controller is reached, or was, each with why. */
  readonly #away = new Map<string, string>();
  /** Programs whose one owner this node is not any more, or not yet, each with why. */
  readonly #not = new Map<string, string>();
  /** Programs that may not have the rights of the node's user any more, or not yet, each with why. */
  readonly #distrusted = new Map<string, string>();
  /** Of programs that were given places of this computer which are not there, what to do about each. */
  readonly #absent = new Map<string, readonly string[]>();
  #passing: Promise<void> | undefined;
  #again = false;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** What this node has of each program. */
  get programs(): readonly ProgramAtNode[] {
    const { host, node } = this.#parts;
    return [...this.#lives].map(([program, { state }]) => {
      const served = host.programs.find(({ name }) => name === program);
      const failed = this.#failed.get(program);
      return {
        $typeName: "unum.machine.v1.ProgramAtNode",
        ...{ node, program, state, digest: served?.digest ?? "", serving: served?.serving ?? 0 },
        terms: served === undefined ? "" : (served.terms ?? this.#told?.get(program)?.terms ?? ""),
        termsRefused: served !== undefined && isOfTermsAlone(served) ? (served.refused?.terms ?? "") : "",
        problems: [
          ...(served?.problems ?? []),
          ...(failed === undefined ? [] : [failed.why]),
          ...(this.#away.has(program) ? [this.#away.get(program) ?? ""] : []),
          ...(this.#not.has(program) ? [this.#not.get(program) ?? ""] : []),
          ...(this.#distrusted.has(program) ? [this.#distrusted.get(program) ?? ""] : []),
          ...(served === undefined ? [] : (this.#absent.get(program) ?? [])),
        ],
        refused: this.#refusalOf(program),
      };
    });
  }

  /** Whether nothing of it is left here. */
  isUnloaded(name: string): boolean {
    return (this.#lives.get(name)?.state ?? "unloaded") === "unloaded";
  }

  /** Another record counts: what was refused or failed is tried anew. */
  recordChanged(): void {
    this.#refused.clear();
    this.#failed.clear();
    this.passSoon();
  }

  passSoon(): void {
    if (this.#isClosed) return;
    this.#again = true;
    this.#passing ??= this.#passes().finally(() => {
      this.#passing = undefined;
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #passes(): Promise<void> {
    const { env } = this.#parts;
    this.#timer?.cancel();
    while (this.#again && !this.#isClosed) {
      this.#again = false;
      try {
        await this.#pass();
      } catch (error) {
        env.log.write("error", `the machine's programs: ${asError(error).message}`);
      }
    }
    // What the governor does comes back by looking: soon, where something is under way that it does.
    const isMoving = [...this.#lives.values()].some(({ state }) => MOVING.has(state));
    const waitMs = isMoving ? MOVING_EVERY_MS : PASS_EVERY_MS;
    if (!this.#isClosed) this.#timer = env.clock.after(waitMs, () => this.passSoon());
  }

  async #pass(): Promise<void> {
    const { host, archives, wanted, passed } = this.#parts;
    for (const state of host.programs) {
      if (state.refused !== undefined && !isOfTermsAlone(state))
        this.#refused.set(state.refused.digest, state.refused.why);
    }
    const before = this.#told ?? new Map<string, HostedProgram>();
    const names = new Set([...wanted(), ...archives.programs, ...before.keys()]);
    for (const name of this.#lives.keys())
      if (!names.has(name) && host.containersOf(name) === 0) this.#lives.delete(name);
    for (const name of this.#distrusted.keys()) if (!names.has(name)) this.#distrusted.delete(name);
    const next = new Map(before);
    const loads: (() => Promise<void>)[] = [];
    for (const name of new Set([...names, ...this.#lives.keys()])) {
      const life = lifeOf(this.#wantedOf(name), this.#thereOf(name));
      this.#lives.set(name, life);
      const { step } = life;
      if (step.kind === "serve") this.#serve(name, step.digest, next);
      else if (step.kind === "withdraw") this.#withdraw(name, next);
      else if (step.kind !== "none") loads.push(() => this.#onDisk(name, step));
    }
    const isOther = next.size !== before.size || [...next].some(([name, program]) => before.get(name) !== program);
    if (isOther || this.#told === undefined) {
      this.#told = next;
      host.setPrograms([...next.values()]);
    }
    for (const load of loads) await load();
    await passed();
  }

  #serve(name: string, digest: string, next: Map<string, HostedProgram>): void {
    const { archives, program, controller } = this.#parts;
    const manifest = archives.manifestOf(digest);
    const wanted = program(name);
    if (manifest === undefined || wanted === undefined) return;
    const inline = manifest.trust === "operator";
    const why = this.#whyNotTrusted(name, wanted, digest);
    if (why !== undefined) {
      // T1, of trust.ts: whatever record told it, and by whatever controller.
      this.#failed.set(name, { why, notBefore: 0 });
      return;
    }
    const part = partsAt(manifest, controller).find(({ kind }) => kind === "component");
    const root = archives.pathOf(digest);
    const folder = `${root}/${part?.kind === "component" ? part.folder : ""}`;
    const { mayBreak, graceMs, granted } = wanted;
    const owned = this.#parts.standing(name) !== undefined;
    const limits = limitsIn(wanted.limits);
    const hosting = { root, granted, inline, store: this.#storeOf(name), controller, owned, limits };
    const terms = termsOf(wanted);
    void this.#lookFor(name, granted);
    next.set(name, { name, digest, terms, folder, containers: manifest.containers, mayBreak, graceMs, hosting });
  }

  /** Its cells see what is there when they start, and are silent on the rest. */
  async #lookFor(name: string, granted: readonly string[]): Promise<void> {
    const { disk, env } = this.#parts;
    const looked = granted.map(async (capability) => {
      const place = placeOf(capability);
      if (place === "" || (await disk.isThere(place).catch(() => false))) return [];
      return [`${capability}: nothing is at ${place} on this node; make it, then stop and start the program`];
    });
    const absent = (await Promise.all(looked)).flat();
    for (const text of absent) env.log.write("warn", `program ${name}: ${text}`);
    this.#absent.set(name, absent);
  }

  #withdraw(name: string, next: Map<string, HostedProgram>): void {
    const { archives, host, program, withdrawn } = this.#parts;
    const graceMs = program(name)?.graceMs ?? next.get(name)?.graceMs;
    if (graceMs !== undefined) host.setGrace(name, graceMs);
    const manifest = archives.manifestOf(next.get(name)?.digest ?? "");
    // Its messages wait where it comes back by itself.
    const isWanted = program(name)?.running === true && this.#parts.standing(name) !== undefined;
    if (manifest !== undefined && !this.#away.has(name) && !isWanted) withdrawn(manifest.serves);
    this.#absent.delete(name);
    next.delete(name);
  }

  async #onDisk(name: string, step: { readonly kind: "load" | "delete"; readonly digest: string }): Promise<void> {
    const { env, disk, archives, program, fetch } = this.#parts;
    if ((this.#failed.get(name)?.notBefore ?? 0) > env.clock.now()) return;
    try {
      if (step.kind === "delete") {
        await archives.remove(step.digest);
        // What a program keeps goes with it, when no container of it is left (L2).
        if (program(name) === undefined) await disk.removeFolder(this.#storeOf(name));
      } else if ((await archives.has(step.digest)) || (await fetch(step.digest))) await archives.unpack(step.digest);
      else throw new Fault("not-found", `no node that answers has the archive ${step.digest.slice(0, 12)}`);
      this.#failed.delete(name);
      this.#again = true;
    } catch (error) {
      const why = asError(error).message;
      if (this.#failed.get(name)?.why !== why) env.log.write("error", `program ${name}: ${why}`);
      this.#failed.set(name, { why, notBefore: env.clock.now() + AGAIN_AFTER_MS });
    }
  }

  /** A name is of letters, digits and hyphens: no way out of the folder. */
  #storeOf(name: string): string {
    return `${this.#parts.folder}/stores/${name}`;
  }

  #wantedOf(name: string): Wanted | undefined {
    const { archives, controller, program } = this.#parts;
    const wanted = program(name);
    if (wanted === undefined) return undefined;
    const manifest = archives.manifestOf(wanted.digest);
    // Before it is unpacked nobody knows what has its place here.
    const hasPlace = manifest === undefined || partsAt(manifest, controller).length > 0;
    const isHere = hasPlace && this.#hasPlaceHere(name, wanted);
    const isTrusted = this.#isTrusted(name, wanted);
    const runs = wanted.running && isHere && isTrusted && !this.#isStoppedAway(name, wanted.digest);
    return {
      loaded: wanted.loaded.map(({ digest }) => digest),
      run: runs ? wanted.digest : undefined,
      terms: termsOf(wanted),
      fallback: wanted.fallback,
      started: wanted.digest !== "",
      elsewhere: wanted.running && !isHere,
    };
  }

  #whyNotTrusted(name: string, wanted: ProgramWanted, digest: string): string | undefined {
    const { archives, distrust } = this.#parts;
    return archives.manifestOf(digest)?.trust === "operator" ? distrust(name, wanted, digest) : undefined;
  }

  /** T2, of trust.ts: what runs by a word that counts no more is withdrawn, until somebody gives another. */
  #isTrusted(name: string, wanted: ProgramWanted): boolean {
    const why = wanted.running ? this.#whyNotTrusted(name, wanted, wanted.digest) : undefined;
    if (why !== this.#distrusted.get(name) && why !== undefined)
      this.#parts.env.log.write("error", `program ${name} does not run here: ${why}`);
    if (why === undefined) this.#distrusted.delete(name);
    else this.#distrusted.set(name, why);
    return why === undefined;
  }

  /** Of one that runs on one node alone the keepers decide, also where an operator named other nodes meanwhile. */
  #hasPlaceHere(name: string, { nodes, running }: ProgramWanted): boolean {
    const { env, node, standing } = this.#parts;
    const stands = running ? standing(name) : undefined;
    const was = this.#not.get(name);
    const why = stands?.kind === "elsewhere" ? stands.why : "";
    if (why === "") this.#not.delete(name);
    else this.#not.set(name, why);
    if (why !== "" && why !== was) env.log.write("warn", `program ${name} does not run here: ${why}`);
    return stands === undefined ? nodes.length === 0 || nodes.includes(node) : stands.kind === "here";
  }

  /** By its manifest: it is not to run while no controller is reached, or since. */
  #isStoppedAway(name: string, digest: string): boolean {
    const { env, archives, silence, recordOf } = this.#parts;
    const policy = archives.manifestOf(digest)?.disconnected;
    if (policy === undefined) return this.#away.has(name);
    const record = recordOf(name);
    const stoppedUnder = silence.stoppedUnder(name);
    const decision = whileAway(policy, { silentMs: silence.silentMs, stoppedUnder, record });
    const stops = decision.kind === "stop";
    if (stops !== this.#away.has(name)) {
      const what = stops ? decision.why : "runs again: a controller was reached";
      env.log.write("warn", `program ${name} ${what}`);
    }
    silence.remember(name, stops ? (stoppedUnder ?? record) : undefined);
    if (stops) this.#away.set(name, decision.why);
    else this.#away.delete(name);
    return stops;
  }

  #thereOf(name: string): There {
    const { archives, host, reports } = this.#parts;
    const told = this.#told?.get(name);
    const state = host.programs.find((each) => each.name === name);
    const elsewhere = reports()
      .flatMap(({ programs }) => programs)
      .filter(({ program }) => program === name);
    return {
      unpacked: archives.unpackedOf(name),
      served:
        told === undefined
          ? undefined
          : {
              digest: told.digest,
              terms: told.terms,
              serving: state?.serving ?? 0,
              refused: state?.refused,
              problems: state?.problems ?? [],
            },
      containers: host.containersOf(name),
      refused: [...this.#refused.keys(), ...elsewhere.map(({ refused }) => refused).filter((digest) => digest !== "")],
    };
  }

  #refusalOf(program: string): string {
    const loaded = this.#parts.program(program)?.loaded.map(({ digest }) => digest) ?? [];
    return loaded.find((digest) => this.#refused.has(digest)) ?? "";
  }
}

/** The version serves: what did not come to serve is what it may, or how much it may use. */
function isOfTermsAlone({ digest, serving, refused }: HostedState): boolean {
  return serving > 0 && refused?.digest === digest;
}
