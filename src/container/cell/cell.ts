// A cell as its container has it: a child process that works on calls and holds no key, no socket and no file but what it was
// granted. What it wants besides, it asks for.
//
//   call ──▶ frame ──▶ child ──▶ reply          child ──ask──▶ answered in the name of the call it works on
//                        └── ended, or over its time ──▶ the calls in it end with a Fault, the next call starts another
//
// Invariants
//   C1. Whatever the child sends, nothing happens but what `answer` allows (asks.ts).
//   C2. When the child ends, every call in it has its outcome at once, and the container goes on.
//   C3. Bytes that are no frames, and frames that answer nothing, end the cell.
//   C4. What waits for a child to be read by it, or answered for it, is bounded; past that it is ended.

import type { Clock, Timer } from "../../base/clock.ts";
import { asError, Fault, isFaultCode } from "../../base/fault.ts";
import type { ByteStream } from "../../base/network.ts";
import type { Call } from "../call.ts";
import { type Answer, Asks } from "./asks.ts";
import { FrameLink } from "./frame-link.ts";
import type { CellFrame } from "./frames.ts";

/** A child that was started, and the socket to it. */
export interface CellProcess {
  readonly stream: ByteStream;
  /** Settles when it has ended, with how, for people. */
  readonly ended: Promise<string>;
  /** How long it was paused so far: that time is not its own. Default: it never is. */
  readonly pausedMs?: () => number;
  /** Looks at what it uses before it counts as loaded; false where it is ended for that. Default: it may use what it wants. */
  readonly mayStay?: () => Promise<boolean>;
  kill(): void;
}

export interface CellSettings {
  readonly clock: Clock;
  /** Rejects where the system cannot have one. */
  readonly start: () => Promise<CellProcess>;
  /** What the child is told to load. */
  readonly load: object;
  /** What the child asks for while it works on a call. Default: nothing is there to be asked for. */
  readonly answer?: Answer;
  /**
   * `loop`: a child whose event loop stands still for a call's budget is ended; a function that waits is not.
   * `call`: a call that takes its budget ends the child: its functions never wait.
   */
  readonly limit: "loop" | "call";
}

export interface CellCall {
  /** package.Contract/Method */
  readonly path: string;
  readonly body: Uint8Array;
  readonly call: Call;
  readonly budgetMs: number;
}

interface Open {
  readonly call: Call;
  /** What its asks have left for later ones. */
  readonly kept: Map<number, unknown>;
  readonly budgetMs: number;
  readonly timer: Pick<Timer, "cancel"> | undefined;
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  /** Of a stream. */
  readonly item: ((body: Uint8Array) => void) | undefined;
}

interface Running {
  readonly process: CellProcess;
  readonly link: FrameLink;
  readonly loaded: Promise<CellFrame>;
  readonly open: Map<number, Open>;
  readonly asks: Asks;
  /** Since when a ping is unanswered. */
  pingedAt: number | undefined;
  timer: Timer | undefined;
  /** Why it was ended, where it did not end by itself. */
  why: string | undefined;
}

const LOAD_LIMIT_MS = 30_000;
const PING_EVERY_MS = 250;
const SLACK_MS = 250;

export class Cell {
  readonly #settings: CellSettings;
  #running: Promise<Running> | undefined;
  #next = 1;
  #isClosed = false;

  constructor(settings: CellSettings) {
    this.#settings = settings;
  }

  /** What the child said that it loaded; starts one where there is none. Rejects with how it ended. */
  async loaded(): Promise<CellFrame> {
    return (await this.#child()).loaded;
  }

  /** Rejects with the Fault or the error that the child answers with, or with how it ended. */
  async call(asked: CellCall): Promise<Uint8Array> {
    const child = await this.#child();
    await child.loaded;
    return new Promise((resolve, reject) => void this.#open(child, asked, { resolve, reject }));
  }

  /** Of a STREAM method: the child produces what is pulled, and no more. */
  async *stream(asked: CellCall): AsyncGenerator<Uint8Array> {
    const child = await this.#child();
    await child.loaded;
    const items: Uint8Array[] = [];
    let wake = () => {};
    let over: { readonly error?: Error } | undefined;
    const finished = Promise.withResolvers<void>();
    const ended = (how: { readonly error?: Error }) => {
      over = how;
      wake();
      finished.resolve();
    };
    const item = (body: Uint8Array) => {
      items.push(body);
      wake();
    };
    const id = this.#open(child, asked, { resolve: () => ended({}), reject: (error) => ended({ error }), item });
    try {
      for (;;) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (over === undefined) child.link.send("credit", { id });
        if (over === undefined && items.length === 0) await woken;
        const next = items.shift();
        if (next !== undefined) yield next;
        else if (over?.error !== undefined) throw over.error;
        else if (over !== undefined) return;
      }
    } finally {
      // A function that does not end holds its place until it does, as it does in the container itself.
      if (over === undefined) child.link.send("cancel", { id });
      await finished.promise;
    }
  }

  /** Ends the child. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const running = await this.#running?.catch(() => undefined);
    if (running === undefined) return;
    this.#end(running, "it is closed");
    await running.process.ended;
  }

  #open(child: Running, asked: CellCall, to: Pick<Open, "resolve" | "reject"> & { item?: Open["item"] }): number {
    const id = this.#next++;
    const { path, body, call, budgetMs } = asked;
    const { from, meta, idempotencyKey, traceparent, container, epoch, msLeft, signal } = call;
    const stop = () => child.link.send("cancel", { id });
    const timer =
      this.#settings.limit === "call"
        ? this.#afterRun(child, budgetMs, () => this.#end(child, `${path} took longer than its ${budgetMs} ms`))
        : undefined;
    const done = () => {
      child.open.delete(id);
      child.asks.over(open);
      timer?.cancel();
      signal.removeEventListener("abort", stop);
    };
    const resolve = (value: Uint8Array) => {
      done();
      to.resolve(value);
    };
    const reject = (error: Error) => {
      done();
      to.reject(error);
    };
    const open: Open = { call, kept: new Map(), budgetMs, timer, resolve, reject, item: to.item };
    child.open.set(id, open);
    signal.addEventListener("abort", stop, { once: true });
    const stream = to.item === undefined ? {} : { stream: true };
    try {
      const head = { id, path, from, meta, idempotencyKey, traceparent, container, epoch, msLeft, ...stream };
      child.link.send("call", head, body);
    } catch (error) {
      reject(asError(error));
    }
    if (this.#settings.limit === "loop") child.timer ??= this.#watchLater(child);
    return id;
  }

  #child(): Promise<Running> {
    if (this.#isClosed) return Promise.reject(new Fault("undeliverable", "the cell is closed"));
    this.#running ??= this.#start().catch((error) => {
      this.#running = undefined;
      throw error;
    });
    return this.#running;
  }

  async #start(): Promise<Running> {
    const { start, load, clock, answer } = this.#settings;
    const process = await start();
    const loading = Promise.withResolvers<CellFrame>();
    loading.promise.catch(() => {});
    // One that is ended settles it with why.
    const loaded = async (frame: CellFrame) => {
      if ((await process.mayStay?.()) !== false) loading.resolve(frame);
    };
    const link = new FrameLink({
      stream: process.stream,
      soon: (fire) => clock.soon(fire),
      onFrame: (frame) => (frame.kind === "loaded" ? void loaded(frame) : this.#onFrame(running, frame)),
      onNonsense: () => this.#end(running, "it speaks as none does"),
    });
    const running: Running = {
      ...{ process, link, loaded: loading.promise, open: new Map() },
      asks: new Asks(link, answer, (why) => this.#end(running, why)),
      ...{ pingedAt: undefined, timer: undefined, why: undefined },
    };
    const limit = clock.after(LOAD_LIMIT_MS, () => this.#end(running, `it has not loaded within ${LOAD_LIMIT_MS} ms`));
    void loading.promise.finally(() => limit.cancel()).catch(() => {});
    void process.ended.then((how) => {
      limit.cancel();
      running.timer?.cancel();
      this.#running = undefined;
      running.asks.close();
      const why = running.why ?? how;
      loading.reject(new Fault("internal", `its cell ended while it loaded: ${why}`));
      for (const { reject } of [...running.open.values()]) reject(new Fault("internal", `its cell ended: ${why}`));
    });
    link.send("load", load);
    return running;
  }

  #end(child: Running, why: string): void {
    child.why ??= why;
    child.process.kill();
  }

  /** C3 */
  #onFrame(child: Running, frame: CellFrame): void {
    const { kind, head, body } = frame;
    if (kind === "pong") {
      child.pingedAt = undefined;
      return;
    }
    if (kind === "want") return child.asks.want(frame);
    if (kind === "drop") return child.asks.drop(frame);
    const open = child.open.get(Number(head["id"]));
    if (kind === "ask") void child.asks.begin(frame, open);
    else if (open === undefined) this.#end(child, "it answers what nobody asked");
    else if (kind === "reply") open.resolve(body);
    else if (kind === "error") open.reject(errorOf(head));
    else if (kind === "item" && open.item !== undefined) open.item(body);
    else this.#end(child, "it speaks as none does");
  }

  #watchLater(child: Running): Timer {
    return this.#settings.clock.after(PING_EVERY_MS, () => this.#watch(child));
  }

  /** Goes on as its time does: not while it is paused. */
  #ranMs({ process }: Running): number {
    return this.#settings.clock.now() - (process.pausedMs?.() ?? 0);
  }

  #afterRun(child: Running, ms: number, fire: () => void): Pick<Timer, "cancel"> {
    const until = this.#ranMs(child) + ms;
    const later = (leftMs: number): Timer =>
      this.#settings.clock.after(leftMs, () => {
        const left = until - this.#ranMs(child);
        if (left <= 0) fire();
        else timer = later(left);
      });
    let timer = later(ms);
    return { cancel: () => timer.cancel() };
  }

  /** A child whose loop is blocked does not answer; one that waits does. */
  #watch(child: Running): void {
    child.timer = undefined;
    if (child.open.size === 0) {
      child.pingedAt = undefined;
      return;
    }
    const now = this.#ranMs(child);
    const budget = Math.max(...[...child.open.values()].map(({ budgetMs }) => budgetMs));
    if (child.pingedAt === undefined) {
      child.pingedAt = now;
      child.link.send("ping", {});
    } else if (now - child.pingedAt > budget + SLACK_MS) {
      return this.#end(child, `its event loop stood still for more than its ${budget} ms`);
    }
    child.timer = this.#watchLater(child);
  }
}

/** As the component threw it: its class's name goes to the caller. */
function errorOf(head: CellFrame["head"]): Error {
  const { code, type, message } = head;
  if (typeof code === "string" && isFaultCode(code)) return new Fault(code, String(message));
  return Object.assign(new Error(String(message)), { name: String(type) });
}
