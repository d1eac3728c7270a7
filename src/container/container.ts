// One container: the components it serves, and the one way in to them.
//
//   receive ──▶ admission ──▶ turns, with the inbox ──▶ runner ──▶ the component's function ──▶ reply
//
// Each room keeps its own part of what holds: admission answers every request, turns start one at a time and nothing late.

import type { Env } from "../base/env.ts";
import { asError, Fault } from "../base/fault.ts";
import type { Caller } from "../client/caller.ts";
import { routeOf, type StreamMethod, type UnaryMethod } from "../messages/contract.ts";
import type { Envelope } from "../messages/envelope.ts";
import type { CallWatch } from "../messages/watch.ts";
import type { PendingReply } from "../transports/pending-reply.ts";
import { Admission } from "./admission.ts";
import type { Component } from "./component.ts";
import type { Fence } from "./fence.ts";
import type { Served, ServedMethod } from "./frame.ts";
import { Inbox } from "./inbox.ts";
import { Once } from "./once.ts";
import { Replies } from "./replies.ts";
import { Results } from "./results.ts";
import { Runner } from "./runner.ts";
import { type Entry, Turns } from "./turns.ts";

export interface ContainerLimits {
  /** Calls that may wait for their turn. */
  readonly inbox: number;
  /** Results of ASYNC calls kept for their callers. */
  readonly results: number;
  /** Idempotency keys held. */
  readonly keys: number;
}

export const DEFAULT_LIMITS: ContainerLimits = { inbox: 1_024, results: 10_000, keys: 100_000 };

export interface ContainerParts {
  readonly id: string;
  readonly env: Pick<Env, "clock" | "log">;
  /** For the calls that components make. */
  readonly caller: Caller;
  readonly limits: ContainerLimits;
  /** What is let in and out of programs that have one owner; left out: all is. */
  readonly fence?: Fence | undefined;
  /** Told of every call that reaches it. */
  readonly watch?: CallWatch | undefined;
  /** Told before a function runs that may take longer than DEFAULT_BUDGET_MS; what it answers is called when it has ended. */
  readonly began?: ((contract: string, budgetMs: number) => () => void) | undefined;
  /** The queue; another one where a test wants to see it fail. */
  readonly inbox?: (limit: number, expired: (entry: Entry) => void) => Inbox<Entry>;
}

export interface Load {
  readonly waiting: number;
  readonly running: number;
  /** Calls that would be let in now. */
  readonly free: number;
  /** Calls whose function has settled. */
  readonly done: number;
}

/** How long a start or stop hook may take. */
const HOOK_LIMIT_MS = 10_000;

export class Container {
  readonly id: string;
  readonly #env: Pick<Env, "clock" | "log">;
  readonly #served: Served[] = [];
  readonly #methods = new Map<string, ServedMethod>();
  /** The control plane: handled on receipt. */
  readonly #control = new Map<string, ServedMethod>();
  readonly #turns: Turns;
  readonly #once: Once;
  readonly #results: Results;
  readonly #replies: Replies;
  readonly #admission: Admission;
  #idle: (() => void)[] = [];

  constructor({ id, env, caller, limits, fence, watch, began, inbox }: ContainerParts) {
    this.id = id;
    this.#env = env;
    const checkIdle = () => this.#checkIdle();
    const expired = (entry: Entry) => entry.answer.resolve(this.#expiredWaiting(entry.request));
    this.#replies = new Replies([id], () => this.#turns.freePlaces);
    const runner = new Runner({
      id,
      env,
      caller,
      replies: this.#replies,
      longOne: began,
      began: (frame) => this.#turns.began(frame),
      ended: (frame) => this.#turns.ended(frame),
    });
    this.#turns = new Turns({
      clock: env.clock,
      inbox: inbox?.(limits.inbox, expired) ?? new Inbox(limits.inbox, expired),
      start: (entry) => {
        const fenced = fence?.refusal(entry.request);
        if (fenced === undefined) runner.start(entry);
        else entry.answer.resolve(this.#replies.refusal(entry.request, fenced));
      },
      paused: checkIdle,
    });
    this.#once = new Once(env.clock, limits.keys);
    this.#results = new Results(env.clock, limits.results, checkIdle);
    this.#admission = new Admission({
      id,
      env,
      fence,
      watch,
      runner,
      methods: this.#methods,
      control: this.#control,
      turns: this.#turns,
      replies: this.#replies,
      once: this.#once,
      results: this.#results,
      streamEnded: checkIdle,
    });
  }

  /** Serves a component once its start hook has run. Rejects with what the hook threw, or `expired` after 10 s. */
  async serve(component: Component): Promise<void> {
    const served: Served = { component, environment: new Map(), concurrency: component.concurrency };
    const twice = this.#served.find((other) => other.component.contract.typeName === component.contract.typeName);
    if (twice !== undefined) {
      throw new Fault(
        "invalid",
        `${component.contract.typeName} is served twice by ${this.id}; one component a contract and container`,
      );
    }
    await this.#withinLimit("start", component, () => component.start(served.environment));
    this.#served.push(served);
    enter(served, this.#methods);
  }

  /** A component of the control plane: no inbox, no turn; its functions answer at once. */
  serveControl(component: Component): void {
    enter({ component, environment: new Map(), concurrency: component.concurrency }, this.#control);
  }

  get served(): readonly Served[] {
    return this.#served;
  }

  /** Takes effect at once; what runs above a lower number ends in its time. Throws the Fault `not-found` for what is not served. */
  setConcurrency(contract: string, concurrency: number): void {
    const served = this.#served.find(({ component }) => component.contract.typeName === contract);
    if (served === undefined) throw new Fault("not-found", `${contract} is not served by ${this.id}`);
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new Fault("invalid", `concurrency ${concurrency} of ${contract} is not a whole number of at least 1`);
    }
    served.concurrency = concurrency;
    this.#turns.next();
  }

  /** Contracts whose functions run now. */
  get running(): readonly string[] {
    return this.#turns.running.frames.map(({ served }) => served.component.contract.typeName);
  }

  /** Contracts whose functions have not settled though their call's time, and then their budget, is over; for how long. */
  get overdue(): readonly { readonly component: string; readonly sinceMs: number }[] {
    const now = this.#env.clock.now();
    return this.#turns.running.frames.flatMap(({ request, served: { component } }) => {
      // It began before its deadline, so that by then it has had its budget whole.
      const sinceMs = now - (request.deadline + component.budgetMs);
      return sinceMs > 0 ? [{ component: component.contract.typeName, sinceMs }] : [];
    });
  }

  serves(path: string): boolean {
    return this.#methods.has(path);
  }

  /** Whether it is one of the control plane. */
  controls(path: string): boolean {
    return this.#control.has(path);
  }

  get load(): Load {
    const { inbox, running, freePlaces, done } = this.#turns;
    return { waiting: inbox.waiting, running: running.size, free: freePlaces, done };
  }

  get inboxLimit(): number {
    return this.#turns.inbox.limit;
  }

  set inboxLimit(limit: number) {
    this.#turns.inbox.limit = limit;
  }

  /** Always answers with a reply; a failure travels inside it. */
  readonly receive = (request: Envelope): PendingReply => this.#admission.receive(request);

  /** A message that was kept: an ASYNC call whose reply comes when its function has ended. */
  deliver(request: Envelope): PendingReply {
    return this.#admission.deliver(request);
  }

  /**
   * Refuses new calls, lets those it has end, then runs the stop hooks.
   * Settles with the number of functions still running when the grace ended; those were told by their signal.
   */
  async drain(graceMs: number): Promise<number> {
    const { inbox, running } = this.#turns;
    this.#turns.draining = true;
    await this.#idleWithin(graceMs);
    const why = new Fault("undeliverable", `${this.id} closed before the call's turn came`);
    for (const entry of inbox.remove(() => true)) entry.answer.resolve(this.#replies.refusal(entry.request, why));
    this.#once.forgetAll();
    const left = running.size;
    const closing = new Fault("cancelled", `${this.id} is closing and its grace of ${graceMs} ms is over`);
    this.#admission.stopStreams(closing);
    for (const frame of [...running.frames]) frame.abort(closing);
    for (const { component, environment } of this.#served) {
      await this.#withinLimit("stop", component, () => component.stop(environment)).catch((error) => {
        this.#env.log.write("error", `stop hook failed: ${asError(error).message}`, {
          component: component.contract.typeName,
        });
      });
    }
    return left;
  }

  #expiredWaiting(request: Envelope): Envelope {
    const why = `${request.to} waited in ${this.id} until its time to live ended`;
    return this.#replies.refusal(request, new Fault("expired", why));
  }

  /** Nothing runs or waits, and callers have what they were promised. */
  get #isIdle(): boolean {
    const { inbox, running } = this.#turns;
    return running.size === 0 && inbox.waiting === 0 && this.#admission.streams === 0 && this.#results.size === 0;
  }

  #checkIdle(): void {
    if (this.#idle.length > 0 && this.#isIdle) for (const settle of this.#idle.splice(0)) settle();
  }

  #idleWithin(graceMs: number): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#env.clock.after(graceMs, resolve);
      this.#idle.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #withinLimit(hook: string, component: Component, run: () => void | Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const why = `the ${hook} hook of ${component.contract.typeName} has not ended after ${HOOK_LIMIT_MS} ms`;
      const timer = this.#env.clock.after(HOOK_LIMIT_MS, () => reject(new Fault("expired", why)));
      Promise.resolve()
        .then(run)
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }
}

function enter(served: Served, methods: Map<string, ServedMethod>): void {
  for (const [method, handler] of served.component.handlers) {
    const { path, mode } = routeOf(method);
    // routeOf has refused every other kind.
    methods.set(path, { served, method: method as UnaryMethod | StreamMethod, path, mode, handler });
  }
}
