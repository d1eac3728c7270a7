// What comes in: control plane at once, calls to their turn or a refusal, MORE and CANCEL to the call they are about.
//
//   receive ──▶ control plane ──▶ answered on receipt
//          └──▶ application ──▶ refused? ──▶ once? ──▶ its turn (see turns.ts)
//
// Invariants
//   I1. Every request gets one reply; a failure travels inside it.
//   I2. A call refused as not started was not started.

import type { Env } from "../base/env.ts";
import { asError, Fault } from "../base/fault.ts";
import { bodyBytes } from "../messages/body.ts";
import { CHAIN_LIMIT, type Envelope, HOP_LIMIT, Kind, Mode } from "../messages/envelope.ts";
import type { CallSpan, CallWatch } from "../messages/watch.ts";
import { PendingReply } from "../transports/pending-reply.ts";
import type { Fence } from "./fence.ts";
import { type Frame, framesOfChain, isCycle, type ServedMethod } from "./frame.ts";
import { notServed, wrongVersion } from "./lookup.ts";
import type { Once } from "./once.ts";
import type { Replies } from "./replies.ts";
import type { Results } from "./results.ts";
import type { Runner } from "./runner.ts";
import { type Batch, StreamSource } from "./stream-source.ts";
import type { Answer, Entry, Turns } from "./turns.ts";
import { controlFailureOf, failureOf, outputOf } from "./values.ts";

export interface AdmissionParts {
  /** Id of the container. */
  readonly id: string;
  readonly env: Pick<Env, "clock" | "log">;
  readonly methods: ReadonlyMap<string, ServedMethod>;
  /** The control plane: handled on receipt. */
  readonly control: ReadonlyMap<string, ServedMethod>;
  readonly fence: Fence | undefined;
  readonly watch: CallWatch | undefined;
  readonly turns: Turns;
  readonly runner: Runner;
  readonly replies: Replies;
  readonly once: Once;
  readonly results: Results;
  /** Told when a stream is gone. */
  readonly streamEnded: () => void;
}

export class Admission {
  readonly #parts: AdmissionParts;
  /** Not read to their end. */
  readonly #streams = new Map<string, OpenStream>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  get streams(): number {
    return this.#streams.size;
  }

  receive(request: Envelope): PendingReply {
    const pending = new PendingReply();
    try {
      if (request.kind === Kind.CALL) this.#onCall(request, pending);
      else if (request.kind === Kind.MORE) this.#onMore(request, pending);
      else if (request.kind === Kind.CANCEL) this.#onCancel(request, pending);
      else pending.resolve(this.#refusal(request, new Fault("invalid", `kind ${request.kind} is no request`)));
    } catch (error) {
      // Nothing above should throw; if it does, the caller still has its answer (I1).
      const { id, env } = this.#parts;
      env.log.write("error", `receiving failed: ${asError(error).stack}`, { to: request.to });
      pending.resolve(this.#refusal(request, new Fault("internal", `${id} failed: ${asError(error).message}`)));
    }
    return pending;
  }

  /** As an ASYNC call, but its reply is the outcome. Its idempotency key is for the component alone. */
  deliver(request: Envelope): PendingReply {
    const pending = new PendingReply();
    const { methods } = this.#parts;
    const method = methods.get(request.to);
    const fault = method === undefined ? notServed(request.to, methods) : this.#unfit(request, method);
    if (method === undefined || fault !== undefined)
      pending.resolve(this.#refusal(request, fault ?? notServed(request.to, methods)));
    else this.#admit(request, method, pending, undefined);
    return pending;
  }

  stopStreams(why: Fault): void {
    for (const { source } of [...this.#streams.values()]) source.stop(why);
  }

  #onCall(request: Envelope, answer: Answer): void {
    const { control, methods, runner, watch } = this.#parts;
    const controlled = control.get(request.to);
    if (controlled !== undefined) {
      if (controlled.mode !== Mode.STREAM) return void runner.answer(controlled, request, answer);
      return this.#stream(request, controlled, answer, (stop, source) =>
        runner.answerStream(controlled, request, stop, source),
      );
    }
    const method = methods.get(request.to);
    if (method === undefined) return answer.resolve(this.#refusal(request, notServed(request.to, methods)));
    const fault = this.#unfit(request, method);
    if (fault !== undefined) {
      watch?.begin(request, "container")?.ended(fault);
      return answer.resolve(this.#refusal(request, fault));
    }
    if (request.mode === Mode.STREAM)
      this.#stream(request, method, answer, (stop, source) => this.#admit(request, method, stop, source));
    else if (request.mode === Mode.ASYNC) this.#admitAsync(request, method, answer);
    else this.#admitOnce(request, method, answer);
  }

  /** Why a call is not let in, whatever the inbox says. */
  #unfit(request: Envelope, method: ServedMethod): Fault | undefined {
    const isPlain = request.mode === Mode.SYNC && request.idempotencyKey === "";
    // What has its turn at once, or waits for it, is held against its deadline there.
    if (request.deadline <= (isPlain ? this.#parts.turns.readAt : this.#parts.env.clock.now())) {
      return this.#late(request);
    }
    if (request.mode !== method.mode) {
      return new Fault("invalid", `${request.to} was called in another mode than its contract states`);
    }
    if (request.chain.length > CHAIN_LIMIT) {
      return new Fault("cycle", `${request.to} is ${request.chain.length} calls deep, the limit is ${CHAIN_LIMIT}`);
    }
    if (request.hops > HOP_LIMIT) {
      return new Fault("cycle", `${request.to} was handed on ${request.hops} times, the limit is ${HOP_LIMIT}`);
    }
    const fenced = this.#parts.fence?.refusal(request);
    if (fenced !== undefined || request.version === "") return fenced;
    return wrongVersion(request.to, method.served.component.version, request.version);
  }

  #late(request: Envelope): Fault {
    return new Fault("expired", `${request.to} reached ${this.#parts.id} after its time to live`);
  }

  #admitOnce(request: Envelope, method: ServedMethod, answer: Answer): void {
    if (request.idempotencyKey === "") return this.#admit(request, method, answer, undefined);
    const { id, once } = this.#parts;
    const key = `${request.to} ${request.idempotencyKey}`;
    const joined = once.join(key, {
      caller: callKey(request),
      done: (first) => answer.resolve({ ...first, id: request.id, state: request.state }),
      again: () => {
        const fault = this.#unfit(request, method);
        if (fault === undefined) this.#admitOnce(request, method, answer);
        else answer.resolve(this.#refusal(request, fault));
      },
    });
    if (joined === "joined") return;
    if (joined === "full") {
      const why = `${id} holds ${once.limit} idempotency keys, its limit; they end with their calls' time to live`;
      return answer.resolve(this.#refusal(request, new Fault("overloaded", why)));
    }
    const first = answerBy((reply) => {
      // Read by more than one, so it must not be a message that its reader owns.
      if (reply.value !== undefined) reply.value = bodyBytes(reply.value);
      once.settle(key, reply, request.deadline);
      answer.resolve(reply);
    });
    this.#admit(request, method, first, undefined);
  }

  #admitAsync(request: Envelope, method: ServedMethod, answer: Answer): void {
    const { id, results, replies } = this.#parts;
    const wanted = request.credit > 0;
    const key = callKey(request);
    if (wanted && results.full) {
      const why = `${results.limit} results wait to be fetched from ${id}; fetch them, or send with wantResult: false`;
      return answer.resolve(this.#refusal(request, new Fault("overloaded", why)));
    }
    if (wanted) results.expect(key, request.deadline);
    let accepted = false;
    let refused: Envelope | undefined;
    const settle = answerBy((reply) => {
      // Not let in is the answer to the call itself; everything later is the result.
      if (!accepted && reply.failure instanceof Fault && reply.failure.started === "no") refused = reply;
      else results.settle(key, reply);
    });
    this.#admitOnce(request, method, settle);
    if (refused === undefined) {
      accepted = true;
      return answer.resolve(replies.to(request, method.served.component.version));
    }
    results.forget(key);
    answer.resolve(refused);
  }

  /** `begin`: has the source run; what it is refused for goes to the answer. */
  #stream(
    request: Envelope,
    method: ServedMethod,
    answer: Answer,
    begin: (stop: Answer, source: StreamSource) => void,
  ): void {
    const { id, env, results, streamEnded } = this.#parts;
    if (this.#streams.size >= results.limit) {
      const why = `${this.#streams.size} streams of ${id} are not read to their end, the limit is ${results.limit}`;
      return answer.resolve(this.#refusal(request, new Fault("overloaded", why)));
    }
    const key = callKey(request);
    const gone = () => {
      end.cancel();
      if (this.#streams.get(key) !== stream) return;
      this.#streams.delete(key);
      streamEnded();
    };
    const end = env.clock.at(request.deadline, () => {
      source.stop(new Fault("unknown", `the stream ${request.to} was not read to its end within its time to live`));
      gone();
    });
    const source = new StreamSource({
      clock: env.clock,
      encode: (item) => outputOf(method, request, item),
      failureOf: this.#parts.control.has(request.to) ? controlFailureOf : failureOf,
      last: gone,
    });
    const stream: OpenStream = { source, gone };
    this.#streams.set(key, stream);
    const { version } = method.served.component;
    source.pull(request.credit, (batch) => answer.resolve(this.#batch(request, version, batch)));
    const stop = answerBy(({ failure }) => source.stop(failure ?? new Fault("internal", "a stream has no value")));
    begin(stop, source);
  }

  #admit(request: Envelope, method: ServedMethod, answer: Answer, source: StreamSource | undefined): void {
    const { id, turns, watch, fence } = this.#parts;
    const told = fence?.isOwned === true ? this.#whileOwner(fence, request, answer) : answer;
    // Who sends an ASYNC call does not wait for it, until it asks for the result (see #onMore).
    const waitingForIt = request.mode === Mode.ASYNC ? NOBODY : framesOfChain(id, request.chain, turns.running);
    const span = watch?.begin(request, "container");
    const entry: Entry = {
      request,
      deadline: request.deadline,
      method,
      served: method.served,
      waitingForIt,
      answer: span === undefined ? told : watched(span, told),
      source,
      span,
    };
    if (turns.draining && waitingForIt.length === 0) {
      const why = `${id} is draining and takes no new calls`;
      return entry.answer.resolve(this.#refusal(request, new Fault("undeliverable", why)));
    }
    if (isCycle(entry)) return entry.answer.resolve(this.#refusal(request, cycleOf(request, request.chain)));
    const taken = turns.offer(entry);
    if (taken === "taken") return;
    if (taken === "late") return entry.answer.resolve(this.#refusal(request, this.#late(request)));
    const { waiting, limit } = turns.inbox;
    const why = `${waiting} calls wait in ${id}, the limit is ${limit}; try another container, or later`;
    entry.answer.resolve(this.#refusal(request, new Fault("overloaded", why)));
  }

  /** What its function came to while its node ceased to be the owner is not known to be the owner's word. */
  #whileOwner(fence: Fence, request: Envelope, answer: Answer): Answer {
    return answerBy((reply) => answer.resolve(this.#fenced(fence, request, reply)));
  }

  #fenced(fence: Fence, request: Envelope, reply: Envelope): Envelope {
    const closed = reply.failure === undefined ? fence.closed : undefined;
    if (closed === undefined) return reply;
    return this.#refusal(request, new Fault("unknown", `${request.to} had begun, but ${closed.message}`));
  }

  #batch(request: Envelope, version: string, batch: Batch): Envelope {
    const { fence, replies } = this.#parts;
    const reply = replies.batch(request, version, batch);
    return fence === undefined ? reply : this.#fenced(fence, request, reply);
  }

  #onMore(request: Envelope, answer: Answer): void {
    const { id, results } = this.#parts;
    const key = callKey(request);
    const source = this.#streams.get(key)?.source;
    if (source !== undefined) {
      return source.pull(request.credit, (batch) => answer.resolve(this.#batch(request, "", batch)));
    }
    const taken = results.take(
      key,
      (reply) => answer.resolve({ ...reply, id: request.id, state: request.state }),
      () =>
        answer.resolve(
          this.#refusal(request, new Fault("unknown", `the result of ${request.to} is no longer kept for`)),
        ),
    );
    if (taken === "waits") this.#letInForWho(key, request);
    if (taken === "nothing") {
      const why = `${id} knows nothing of call ${request.id} of ${request.from[0] ?? "nobody"}; it ended, or ran in a container that is gone`;
      answer.resolve(this.#refusal(request, new Fault("unknown", why)));
    }
  }

  /** Who asks for a result waits for it: where that holds the turn the call is waiting for, the call may enter. */
  #letInForWho(key: string, asking: Envelope): void {
    const { id, turns } = this.#parts;
    const { inbox } = turns;
    const waitingForIt = framesOfChain(id, asking.chain, turns.running);
    if (waitingForIt.length === 0) return;
    const entry = inbox.find((waiting) => callKey(waiting.request) === key);
    if (entry === undefined) return;
    const entering: Entry = { ...entry, waitingForIt };
    inbox.promote(entry, entering);
    if (isCycle(entering)) {
      inbox.remove((waiting) => waiting === entering);
      return entering.answer.resolve(this.#refusal(entry.request, cycleOf(entry.request, asking.chain)));
    }
    turns.next();
  }

  #onCancel(request: Envelope, answer: Answer): void {
    const { env, once, replies, results, turns } = this.#parts;
    const key = callKey(request);
    // Callers also stop waiting when time is over, and a function should hear which of the two it was.
    const why =
      request.deadline <= env.clock.now()
        ? new Fault("expired", "the call's time to live ended")
        : new Fault("cancelled", `${request.to} was withdrawn by its caller`);
    for (const entry of turns.inbox.remove((waiting) => callKey(waiting.request) === key)) {
      entry.answer.resolve(this.#refusal(entry.request, why));
    }
    once.withdraw(key, () => this.#refusal(request, why));
    results.forget(key);
    const stream = this.#streams.get(key);
    stream?.source.stop(why);
    // Nobody reads it any more: nothing is kept for it until its time to live ends.
    stream?.gone();
    for (const frame of [...turns.running.frames]) if (callKey(frame.request) === key) frame.abort(why);
    answer.resolve(replies.to(request, ""));
  }

  #refusal(request: Envelope, failure: Fault): Envelope {
    return this.#parts.replies.refusal(request, failure);
  }
}

interface OpenStream {
  readonly source: StreamSource;
  /** It is answered no more. */
  gone(): void;
}

const NOBODY: readonly Frame[] = [];

/** The span's end is the call's: it comes once, with what the caller is told. */
function watched(span: CallSpan, answer: Answer): Answer {
  return answerBy((reply) => {
    span.ended(reply.failure);
    answer.resolve(reply);
  });
}

function answerBy(resolve: (reply: Envelope) => void): Answer {
  return { resolve };
}

function cycleOf({ to }: Envelope, chain: readonly string[]): Fault {
  const why = `${to} waits for itself (${chain.join(" → ")}); declare the component reentrant if it may be entered while it waits`;
  return new Fault("cycle", why);
}

function callKey({ from, id }: Envelope): string {
  return `${from[0] ?? ""}/${id}`;
}
