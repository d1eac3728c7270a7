// One thing that a node serves: the components folder, or a program that was loaded into it. Its code, how many containers
// should serve it, what crashed, and new code coming in.
//
//   code ──▶ target containers ──▶ assigned ──▶ probed ──▶ offered to callers
//   take(new code) ──▶ replacing, one container at a time ──▶ code
//
// Invariants
//   S1. A container serves one thing only, and never changes it.
//   S2. New code that does not pass leaves the old one serving; `refused` says why.

import type { ProcessExit } from "../base/processes.ts";
import type { ProgramLimits } from "../capacity/limits.ts";
import { afterCrash, forgiven, givenUp, NO_RESTARTS, type Restarts } from "./decisions/restarts.ts";
import type { Events } from "./events.ts";
import type { Kept } from "./kept.ts";
import { Replacing } from "./replacing.ts";

/** A state of what is served, and where it lies (absolute). */
export interface Code {
  readonly folder: string;
  readonly digest: string;
  /** Whether callers of what runs may break. Default: no; then what would break them is refused. */
  readonly mayBreak?: boolean;
  /** Of a program: where its parts are and how they run. Left out for the components folder, which runs inline. */
  readonly hosting?: Hosting;
}

export interface Hosting {
  /** Absolute: its files, with MANIFEST.json among them. All that its cells may read of it. */
  readonly root: string;
  /** Capabilities, as NAME or NAME=LIMIT. */
  readonly granted: readonly string[];
  /** Its components are trusted with the rights of the node's user, and run in the container itself. */
  readonly inline: boolean;
  /** Absolute: where the program's objects are kept. */
  readonly store: string;
  /** Whether its node is a controller: parts may have their place on those alone. */
  readonly controller: boolean;
  /** It runs on one node alone. */
  readonly owned: boolean;
  readonly limits: ProgramLimits;
}

export interface Offer {
  readonly contract: string;
  readonly version: string;
}

const UNDER = "+";

/** By what the code of a program is told apart: its archive, under the terms by which it runs. */
export function codeName({ digest, terms }: { readonly digest: string; readonly terms: string }): string {
  return `${digest}${UNDER}${terms}`;
}

/** Also of the components folder's, and of what an earlier Unum named, without terms. */
export function ofCodeName(name: string): { readonly digest: string; readonly terms: string } {
  const [digest = "", terms = ""] = name.split(UNDER);
  return { digest, terms };
}

/** The name of the components folder among what is served; programs have names of their own. */
export const FOLDER = "";

/** How long nothing is tried again where nothing of it could be served. */
const USELESS_MS = 1_000;

export interface ServedParts {
  readonly name: string;
  readonly code: Code;
  readonly target: number;
  readonly events: Events;
  /** Whether that state may come in though it breaks callers. Default: none may. */
  readonly isForced?: (digest: string) => Promise<boolean>;
}

export class Served {
  readonly name: string;
  readonly replacing: Replacing;
  /** What is served, or is about to be. */
  code: Code;
  /** Containers that should serve. */
  target: number;
  /** Somebody deploys: what lies in the folder may be half of it. Empty where nobody does. */
  deploying = "";
  offers: readonly Offer[] = [];
  readonly #events: Events;
  #restarts: Restarts = NO_RESTARTS;
  /** As it was offered last. */
  #seen: string;
  #notBefore = 0;
  #problems: readonly string[] = [];

  constructor({ name, code, target, events, isForced = async () => false }: ServedParts) {
    this.name = name;
    this.code = code;
    this.#seen = code.digest;
    this.target = target;
    this.#events = events;
    this.replacing = new Replacing(events, this.text, isForced);
  }

  /** For people. */
  get text(): string {
    return this.name === FOLDER ? "the components of the folder" : `program ${this.name}`;
  }

  /** Those of its containers that have been given its code, of whatever state. */
  own(containers: readonly Kept[]): readonly Kept[] {
    return containers.filter((kept) => kept.digest !== "" && kept.program === this.name);
  }

  /** What it was given; undefined of what an earlier governor gave it, and is replaced. */
  codeOf({ digest }: Kept): Code | undefined {
    return [this.code, this.replacing.code].find((code) => code?.digest === digest);
  }

  /** How many more should serve than do or are about to. */
  missing(containers: readonly Kept[], now: number): number {
    if (this.replacing.isUnderWay || this.isHeldBack(now)) return 0;
    const there = this.own(containers).filter(({ state }) => state === "serving" || state === "starting");
    return Math.max(0, this.target - there.length);
  }

  /** Whether nothing may be started now: somebody deploys, it crashed too often, or just could not be. */
  isHeldBack(now: number): boolean {
    return this.deploying !== "" || now < this.#notBefore || this.givenUp(now) !== undefined;
  }

  /** Why it is not started any more for a while; undefined where it is. */
  givenUp(now: number): string | undefined {
    return givenUp(this.#restarts, this.text, now)?.reason;
  }

  /** What of it cannot be served, for people. */
  problems(now: number): readonly string[] {
    const reason = this.givenUp(now);
    return reason === undefined ? this.#problems : [...this.#problems, reason];
  }

  holdBack(until: number): void {
    this.#notBefore = Math.max(this.#notBefore, until);
  }

  /** Brings other code in, while what serves goes on. The same code again changes nothing, but for code that did not pass and is to be tried `again`. */
  take(code: Code, containers: readonly Kept[], again = false): void {
    // What crashed may be mended now, also by taking back what was changed.
    if (again || code.digest !== this.#seen) this.#restarts = forgiven(this.#restarts);
    this.#seen = code.digest;
    if (code.digest === this.code.digest && !this.replacing.isUnderWay) return this.replacing.forget();
    if (code.digest === this.replacing.digest && (this.replacing.isUnderWay || !again)) return;
    // Also what was taken over and has not answered yet: the code may have changed while nobody governed.
    const old = this.own(containers).filter(({ state }) => state !== "draining");
    if (old.length === 0) {
      this.code = code;
      // Of what is not served any more.
      this.#problems = [];
    } else this.replacing.begin(code, old.length);
  }

  /** A container was found serving when it answered first, after its governor was started again. */
  onFound(kept: Kept): void {
    // One that had just been given other code was not looked at yet.
    kept.probed = kept.digest === this.code.digest;
    if (kept.probed) this.#learn(kept);
  }

  /** Answers with why the container is of no use; undefined where it serves. */
  onAssigned(kept: Kept, failures: readonly string[], now: number): string | undefined {
    if (this.replacing.isUnderWay && kept.digest === this.replacing.digest) {
      this.replacing.onAssigned(kept, failures);
      return undefined;
    }
    for (const text of failures) if (!this.#problems.includes(text)) this.#events.say("error", text);
    this.#problems = failures;
    if (kept.components.length === 0) {
      this.holdBack(now + USELESS_MS);
      return this.name === FOLDER ? "nothing in the folder can be served" : "nothing of the program can be served";
    }
    kept.probed = true;
    this.#learn(kept);
    return undefined;
  }

  onGone(kept: Kept, exit: ProcessExit, { now, chance }: { now: number; chance: number }): void {
    const { verdict, restarts } = afterCrash(this.#restarts, { component: this.text, now, chance });
    this.#restarts = restarts;
    if (this.replacing.isUnderWay && kept.digest === this.replacing.digest) {
      this.replacing.fail(`container ${kept.id} with the new code ended (${exit.signal ?? exit.code ?? "unknown"})`);
    }
    if (verdict.kind === "restart") this.holdBack(verdict.at);
    else if (verdict.first) this.#events.say("error", verdict.reason);
  }

  halted(): void {
    this.#problems = this.replacing.problems;
  }

  replaced(containers: readonly Kept[]): void {
    this.code = this.replacing.end();
    this.#problems = this.replacing.problems;
    for (const kept of this.own(containers)) if (kept.state === "serving") this.#learn(kept);
  }

  #learn({ components }: Kept): void {
    if (components.length > 0) this.offers = components.map(({ contract, version }) => ({ contract, version }));
  }
}
