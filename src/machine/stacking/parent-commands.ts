// What the parent wants to run here, written down as this machine's own records: under one key, which an operator of this
// machine has granted what it may, and which he can take back.
//
//   parent's records ──▶ life of a program, as on any node ──▶ setPrograms ──▶ archive and record under the parent's key ──▶ this
//   machine's nodes ──▶ what they report ──▶ state of the program at this one node of the parent
//
// Invariants
//   W1. Nothing is written here but under the parent's key: what this machine's grants do not let it, is refused by its controller
//       and is in its audit log.
//   W2. What another key wrote of a program counts as long as it stands: the parent's word is not set against it.
//   W3. A program gets of its capabilities those only that both machines grant; inline only where an operator trusts the parent.
//   W4. That a version does not run here is this machine's own matter: it is shown to the parent, and takes back nothing there.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Proxies } from "../../client/client.ts";
import type { Machine, MachineView, ParentView, ProgramView } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import type { RecordSchema } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { signFile } from "../archive/minisign.ts";
import type { SigningKey } from "../keys/signing-key.ts";
import { trustBy } from "../privileges/trust.ts";
import { type ArchiveFolder, PIECE_BYTES } from "../programs/archive-folder.ts";
import type { HostedProgram, HostedState, ProgramHost } from "../programs/program-host.ts";
import { limitsIn, termsOf } from "../programs/terms.ts";
import { signRecord } from "../records/signed-record.ts";
import { isAllowed } from "./links.ts";

interface ParentArchives extends Pick<ArchiveFolder, "bytesOf"> {
  manifestOf(digest: string): { readonly version: string } | undefined;
}

export interface ParentCommandsParts {
  readonly clock: Clock;
  /** The parent's here. */
  readonly key: SigningKey;
  /** A controller of this machine. */
  readonly controller: Pick<Proxies<typeof Machine>, "head" | "putArchive" | "propose">;
  /** What came from the parent; undefined before it was opened. */
  readonly archives: () => ParentArchives | undefined;
}

const TTL = { ttlMs: 30_000 };
const AGAIN_AFTER_MS = 2_000;
/** What this machine refused is proposed again ever later, up to this, unless what it allows has changed. */
const REFUSED_FOR_MS = 60_000;
const MOST_VERSIONS = 4;

interface Problem {
  readonly why: string;
  readonly about: string;
  readonly waitMs: number;
  readonly notBefore: number;
}

export class ParentCommands implements ProgramHost {
  readonly #parts: ParentCommandsParts;
  #wanted: readonly HostedProgram[] | undefined;
  #view: MachineView | undefined;
  /** By program: why it is not as the parent wants it; for what it was refused, it is not said again. */
  readonly #problems = new Map<string, Problem>();
  #isActing = false;

  constructor(parts: ParentCommandsParts) {
    this.#parts = parts;
  }

  setPrograms(programs: readonly HostedProgram[]): void {
    this.#wanted = programs;
  }

  /** The record says it. */
  setGrace(): void {}

  /** What runs on one node alone runs on none that is a machine. */
  setEpochs(): void {}

  get programs(): readonly HostedState[] {
    return (this.#wanted ?? []).map(({ name, digest, terms }) => {
      const program = this.#own(name);
      const problem = this.#problems.get(name)?.why;
      const nodes = program?.nodes ?? [];
      const problems = [...(problem === undefined ? [] : [problem]), ...nodes.flatMap((each) => each.problems)];
      const serving = nodes.reduce((sum, each) => sum + each.serving, 0);
      const isInForce = problem === undefined && program !== undefined && isUnderItsTerms(program);
      const state = { name, digest: program?.digest ?? digest, terms: isInForce ? terms : "", serving, problems };
      return { ...state, refused: undefined }; // W4
    });
  }

  containersOf(program: string): number {
    const view = this.#view?.programs.find(({ name }) => name === program);
    if (view === undefined || (view.wanted !== undefined && view.by !== this.#parts.key.id)) return 0;
    return view.nodes.filter(({ state }) => state === "running" || state === "starting" || state === "stopping").length;
  }

  /** For people. */
  get problems(): readonly string[] {
    return [...this.#problems].map(([program, { why }]) => `${program}: ${why}`);
  }

  /** This machine as it is now; what is not as the parent wants it is put right, as far as it may. */
  async see(view: MachineView): Promise<void> {
    this.#view = view;
    if (this.#isActing || this.#wanted === undefined || view.link === undefined) return;
    this.#isActing = true;
    try {
      const { link } = view;
      for (const wanted of this.#wanted) await this.#bring(wanted, view, link);
      await this.#takeAway(view);
    } finally {
      this.#isActing = false;
    }
  }

  async #bring(wanted: HostedProgram, view: MachineView, link: ParentView): Promise<void> {
    const { name, digest } = wanted;
    const present = view.programs.find((program) => program.name === name && program.wanted !== undefined);
    const granted = wanted.hosting.granted.filter((each) => isAllowed(each, link.capabilities)); // W3
    const { limits } = wanted.hosting;
    const about = JSON.stringify([
      digest,
      granted,
      limits,
      link.trusted,
      present?.by,
      view.grants.map(({ key, programs }) => [key, programs]),
    ]);
    const before = this.#problems.get(name);
    const isWritten = isAsWanted(present, this.#parts.key.id, { digest, granted, limits });
    if (isWritten && mayRunSo(wanted, link)) return void this.#problems.delete(name);
    if (before?.about === about && before.notBefore > this.#parts.clock.now()) return;
    try {
      this.#mayStand(wanted, present, link);
      await this.#write(wanted, granted, { present, machine: view.machine });
      this.#problems.delete(name);
    } catch (error) {
      const isFinal = error instanceof Fault && (error.code === "denied" || error.code === "invalid");
      // Also of a refusal: who was refused may have lost a race against what stands no more.
      const waitMs = isFinal && before?.about === about ? before.waitMs * 2 : AGAIN_AFTER_MS;
      this.#problems.set(name, {
        ...{ why: asError(error).message, about, waitMs: Math.min(waitMs, REFUSED_FOR_MS) },
        notBefore: this.#parts.clock.now() + Math.min(waitMs, REFUSED_FOR_MS),
      });
    }
  }

  #mayStand(wanted: HostedProgram, present: ProgramView | undefined, link: ParentView): void {
    if (present !== undefined && present.by !== this.#parts.key.id) {
      const way = `'unum unload ${wanted.name}' there lets the parent's word count`;
      throw new Fault("denied", `key ${present.by} of the child machine has its own word on it; ${way}`); // W2
    }
    if (!mayRunSo(wanted, link)) {
      const why = `it asks to run inline, with the rights of the nodes' user, which machine ${link.machine} is not trusted with`;
      throw new Fault("denied", `${why}; 'unum stack --trusted' at the child machine trusts it`);
    }
  }

  async #write(
    { name, digest, graceMs, mayBreak, hosting }: HostedProgram,
    granted: readonly string[],
    { present, machine }: { readonly present: ProgramView | undefined; readonly machine: string },
  ): Promise<void> {
    const { version, bytes } = await this.#hand(name, digest);
    const was = present?.wanted;
    const known = was?.loaded ?? [];
    const isKnown = known.some((each) => each.digest === digest);
    const trust = hosting.inline ? { trust: trustBy(this.#parts.key, { machine, program: name, digest }) } : {};
    const loaded = isKnown ? [...known] : [...known, { version, digest, bytes, ...trust }].slice(-MOST_VERSIONS);
    const before = was?.running === true && was.digest !== digest ? was.digest : "";
    const fallback = loaded.some((each) => each.digest === before) ? before : "";
    const limits = { memoryBytes: BigInt(hosting.limits.memoryBytes), cpuPermille: hosting.limits.cpuPermille };
    const value = { loaded, running: true, digest, fallback, granted: [...granted], graceMs, mayBreak, limits };
    await this.#propose(`program/${name}`, { case: "program", value });
  }

  /** The archive, signed anew: this machine knows the parent's key, not those of its operators. */
  async #hand(name: string, digest: string): Promise<{ version: string; bytes: bigint }> {
    const { key, controller } = this.#parts;
    const archives = this.#parts.archives();
    const version = archives?.manifestOf(digest)?.version;
    const whole = await archives?.bytesOf(digest);
    if (version === undefined || whole === undefined)
      throw new Fault("not-found", `${name}: its archive ${digest.slice(0, 12)} has not come from the parent yet`);
    const signature = signFile(whole, key, `${name} ${version}, of the parent machine`);
    const total = BigInt(whole.length);
    for (let offset = 0; ; ) {
      const bytes = whole.subarray(offset, offset + PIECE_BYTES);
      const piece = { digest, offset: BigInt(offset), total, bytes, signature };
      const { have, complete } = await controller.putArchive(piece, TTL);
      if (complete) return { version, bytes: total };
      if (Number(have) === offset)
        throw new Fault("unknown", `${name}: its archive is not taken beyond ${offset} bytes`);
      offset = Number(have);
    }
  }

  async #takeAway({ programs }: MachineView): Promise<void> {
    const names = new Set(this.#wanted?.map(({ name }) => name));
    for (const name of this.#problems.keys()) if (!names.has(name)) this.#problems.delete(name);
    for (const { name, by, wanted } of programs) {
      if (wanted === undefined || by !== this.#parts.key.id || names.has(name)) continue;
      const reason = "the parent does not want it here any more";
      // Where it may not any more, an operator of this machine has said so, and what is left is his.
      await this.#propose(`program/${name}`, { case: "removed", value: { reason } }).catch((error: Error) => {
        if (!(error instanceof Fault)) throw error;
      });
    }
  }

  async #propose(name: string, body: MessageInitShape<typeof RecordSchema>["body"]): Promise<void> {
    const { controller, key } = this.#parts;
    const { machine, counter, history } = await controller.head({ name }, TTL);
    await controller.propose(
      { record: signRecord({ machine, name, counter: counter + 1n, history, body: body ?? { case: undefined } }, key) },
      TTL,
    );
  }

  /** As the parent's key wrote it last; undefined where it did not. */
  #own(name: string): ProgramView | undefined {
    return this.#view?.programs.find((each) => each.name === name && each.by === this.#parts.key.id);
  }
}

/** W3. */
function mayRunSo({ hosting }: HostedProgram, { trusted }: ParentView): boolean {
  return !hosting.inline || trusted;
}

function isAsWanted(
  present: ProgramView | undefined,
  key: string,
  { digest, granted, limits }: { readonly digest: string } & Pick<HostedProgram["hosting"], "granted" | "limits">,
): boolean {
  const wanted = present?.wanted;
  if (present?.by !== key || wanted === undefined) return false;
  const { memoryBytes, cpuPermille } = limitsIn(wanted.limits);
  const isLimited = memoryBytes === limits.memoryBytes && cpuPermille === limits.cpuPermille;
  return wanted.running && wanted.digest === digest && isLimited && wanted.granted.join("\n") === granted.join("\n");
}

/** What was written here last is in force on every node that serves it. */
function isUnderItsTerms({ wanted, nodes }: ProgramView): boolean {
  if (wanted === undefined) return false;
  const terms = termsOf(wanted);
  return nodes.every((each) => each.serving === 0 || each.terms === terms);
}
