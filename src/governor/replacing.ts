// New code coming in: one container after the other, and what it must pass (see decisions/replacement.ts).

import { asError } from "../base/fault.ts";
import { schemaChanges } from "../messages/compatible.ts";
import { ReplacementState } from "../messages/gen/unum/control/v1/node_pb.ts";
import { saysTooLittle } from "../messages/version-says.ts";
import { type ReplacementStep, replacementStep } from "./decisions/replacement.ts";
import type { Events } from "./events.ts";
import type { Kept } from "./kept.ts";
import type { Code } from "./served.ts";

interface UnderWay {
  readonly code: Code;
  readonly size: number;
  failed: string | undefined;
  /** It failed only in that callers would break. */
  breaks: boolean;
  /** A check that is under way. */
  probing: boolean;
  halted: boolean;
}

export class Replacing {
  readonly #events: Events;
  #underWay: UnderWay | undefined;
  #problems: readonly string[] = [];
  readonly #what: string;

  readonly #isForced: (digest: string) => Promise<boolean>;

  /** `what` is replaced, for people. `isForced`: whether it may break callers. */
  constructor(events: Events, what: string, isForced: (digest: string) => Promise<boolean>) {
    this.#events = events;
    this.#what = what;
    this.#isForced = isForced;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined && !this.#underWay.halted;
  }

  /** Of the code that comes in, or that did not pass; empty where there is none. */
  get digest(): string {
    return this.#underWay?.code.digest ?? "";
  }

  get code(): Code | undefined {
    return this.#underWay?.code;
  }

  /** Why the new code did not pass; undefined where it has, or is not judged yet. */
  get refused(): string | undefined {
    return this.#underWay?.failed;
  }

  /** What of the new code cannot be served. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  get text(): string {
    const { failed } = this.#underWay ?? {};
    const { digest } = this;
    if (digest === "") return "";
    return failed === undefined ? `bringing in ${shortOf(digest)}` : `${shortOf(digest)} did not pass: ${failed}`;
  }

  get state(): { readonly digest: string; readonly state: ReplacementState; readonly reason: string } {
    const { digest } = this;
    const { failed: reason = "", breaks = false, halted = false } = this.#underWay ?? {};
    if (digest === "") return { digest, state: ReplacementState.NONE, reason };
    if (!halted) return { digest, state: ReplacementState.UNDER_WAY, reason };
    return { digest, state: breaks ? ReplacementState.BREAKS_CALLERS : ReplacementState.FAILED, reason };
  }

  begin(code: Code, size: number): void {
    this.#underWay = { code, size, failed: undefined, breaks: false, probing: false, halted: false };
    this.#problems = [];
    this.#events.say("info", `${this.#what} changed: ${shortOf(code.digest)} replaces what runs`);
  }

  /** What did not pass is not there any more. */
  forget(): void {
    if (this.#underWay?.halted !== true) return;
    this.#underWay = undefined;
    this.#problems = [];
  }

  /** What to do now; undefined where nothing is. `halted` and `done` come once. */
  step(containers: readonly Kept[], allowed: number): ReplacementStep | undefined {
    const now = this.#underWay;
    if (now === undefined || now.halted) return undefined;
    const members = containers.map(({ member }) => member);
    const step = replacementStep({
      ...{ code: now.code.digest, size: now.size, members, allowed },
      // Looked at in the first container that gets it, before any call does.
      checked: "passed",
      failed: now.failed,
    });
    if (step.kind === "halted") {
      now.halted = true;
      this.#events.say("error", `${this.#what}: the new code does not replace the old: ${step.reason}`);
    }
    if (step.kind === "probe" && !now.probing) void this.#probe(now, containers, step.id);
    return step;
  }

  /** A container has the new code; `failures` is what of it could not be loaded. */
  onAssigned(kept: Kept, failures: readonly string[]): void {
    this.#problems = failures;
    if (failures[0] !== undefined) this.fail(failures[0]);
    else if (kept.components.length === 0) this.fail("there is no component in it");
  }

  fail(reason: string): void {
    if (this.#underWay !== undefined) this.#underWay.failed ??= reason;
  }

  /** Answers with the code that now runs. To be called when `step` said that it is done. */
  end(): Code {
    const { code } = this;
    if (code === undefined) throw new Error("nothing is being replaced");
    this.#events.say("info", `${this.#what}: ${shortOf(code.digest)} has replaced what ran before`);
    this.#underWay = undefined;
    return code;
  }

  async #probe(now: UnderWay, containers: readonly Kept[], id: string): Promise<void> {
    now.probing = true;
    try {
      const fresh = containers.find((kept) => kept.id === id);
      const old = containers.find(({ digest, state }) => digest !== now.code.digest && state === "serving");
      if (fresh === undefined) return;
      const broken = old === undefined ? undefined : await breaksCallers(old, fresh);
      const forced = broken !== undefined && (now.code.mayBreak === true || (await this.#isForced(now.code.digest)));
      if (broken === undefined || forced) {
        if (forced) this.#events.say("warn", `${this.#what}: brought in by force, though ${broken}`);
        fresh.probed = true;
      } else {
        now.breaks = now.failed === undefined;
        now.failed ??= `${broken}. 'unum deploy --force' brings it in all the same`;
      }
    } catch (error) {
      now.failed ??= `its health could not be probed: ${asError(error).message}`;
    } finally {
      now.probing = false;
    }
  }
}

/**
 * Whether callers of the old would break with the new, and by what; undefined where they would not.
 * A component that was taken out of the folder is meant to be gone.
 */
async function breaksCallers(old: Kept, fresh: Kept): Promise<string | undefined> {
  const [before, after] = await Promise.all([old.describe(), fresh.describe()]);
  if (before.schema === undefined || after.schema === undefined) return undefined;
  const kept = before.components
    .map(({ contract }) => contract)
    .filter((contract) => after.components.some((component) => component.contract === contract));
  const [schema, newSchema] = [before.schema, after.schema];
  const found = kept.flatMap((contract) => {
    const broken = schemaChanges(schema, newSchema, [contract]).filter(({ breaks }) => breaks === "wire");
    if (broken.length === 0) return [];
    const version = ({ components }: typeof before) => components.find((each) => each.contract === contract)?.version;
    const says = saysTooLittle(version(before) ?? "", version(after) ?? "", { breaks: true, who: "callers" });
    return [...broken.map(({ what }) => what), ...(says === undefined ? [] : [says])];
  });
  return found.length === 0 ? undefined : `it would break running callers: ${[...new Set(found)].join("; ")}`;
}

/** For people: as 'unum machine' and 'unum load' say it. */
function shortOf(digest: string): string {
  return digest.slice(0, 12);
}
