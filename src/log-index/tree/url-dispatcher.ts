// An index at a URL: questions go there as one request, its answer is handed on as it is.

import type { Clock } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { Part } from "../find/batch.ts";
import { type FindOptions, type Index, type IndexFacts, NO_FACTS } from "../find/index.ts";
import { mergedParts } from "../find/merge.ts";
import { type Estimate, type Gap, NO_COST, type Query } from "../find/query.ts";
import { Tally, type TallyJson, type TallyWanted } from "../find/tally.ts";
import { COLUMNS_TYPE, decodeFrames } from "../server/columns.ts";
import { readAhead } from "./ahead.ts";

/** As the platform's. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export const VIA_HEADER = "unum-logs-via";
export const QUESTION_HEADER = "unum-logs-question";
export const DEADLINE_HEADER = "unum-logs-deadline-ms";

export interface UrlSettings {
  readonly name: string;
  readonly url: string;
  readonly token?: string | undefined;
  readonly clock: Clock;
  readonly fetch: Fetch;
  /** Servers that a question came through that does not say itself. */
  readonly via?: readonly string[];
}

/** Until when an answer is waited for. */
interface End {
  readonly signal: AbortSignal;
  readonly msLeft: () => number;
  readonly release: () => void;
}

const NEVER: Query = { from: 0, to: 0 };

/** Where nobody said how long an answer is of use. */
const PATIENCE_MS = 30_000;

export class UrlDispatcher implements Index {
  readonly name: string;
  readonly #settings: UrlSettings;
  #awake = false;

  constructor(settings: UrlSettings) {
    this.name = settings.name;
    this.#settings = settings;
  }

  map(): readonly Index[] {
    return [this];
  }

  reduce(answers: readonly AsyncIterable<Part>[]): AsyncIterable<Part> {
    return mergedParts(answers);
  }

  /** Asks at once, and reads ahead: what came before the deadline is there. */
  find(query: Query, options: FindOptions = {}): AsyncGenerator<Part> {
    const unwanted = new AbortController();
    const signal = options.signal === undefined ? unwanted.signal : AbortSignal.any([options.signal, unwanted.signal]);
    return readAhead(this.#asked(query, { ...options, signal }), () =>
      unwanted.abort(new Fault("cancelled", "no more is wanted")),
    );
  }

  async *#asked(query: Query, options: FindOptions): AsyncGenerator<Part> {
    let at = query.from;
    const end = this.#deadline(options);
    try {
      const response = await this.#ask("find", query, end, options);
      if (response.body === null) throw new Fault("unknown", "the answer has no body");
      const frames = decodeFrames(response.body)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await beforeAbort(frames.next(), end.signal);
        if (done === true) return;
        if ("batch" in value) at = value.batch.times[value.batch.count - 1] ?? at;
        yield "gap" in value ? { gap: { ...value.gap, where: `${this.name}/${value.gap.where}` } } : value;
      }
    } catch (error) {
      // What came before it in the same second may not be all of that second.
      yield { gap: this.#gap({ ...query, from: at }, error) };
    } finally {
      end.release();
    }
  }

  async tally(query: Query, wanted: TallyWanted, options: FindOptions = {}): Promise<Tally> {
    const end = this.#deadline(options);
    try {
      const response = await this.#ask("tally", query, end, options, { wanted });
      // The server speaks the same version, or says what it is not able to.
      return Tally.fromJson((await beforeAbort(response.json(), end.signal)) as TallyJson);
    } catch (error) {
      const tally = new Tally(wanted);
      tally.gaps.push(this.#gap(query, error));
      return tally;
    } finally {
      end.release();
    }
  }

  async estimate(query: Query, options: FindOptions = {}): Promise<Estimate> {
    const end = this.#deadline(options);
    try {
      const response = await this.#ask("estimate", query, end, options);
      // As above.
      return (await beforeAbort(response.json(), end.signal)) as Estimate;
    } catch (error) {
      return { ...NO_COST, nodes: 1, gaps: [this.#gap(query, error)] };
    } finally {
      end.release();
    }
  }

  async facts(options: FindOptions = {}): Promise<IndexFacts> {
    const end = this.#deadline({ deadlineMs: PATIENCE_MS, ...options });
    try {
      const response = await this.#ask("facts", NEVER, end, options);
      // As above; a server that was asked before says so.
      const json = (await beforeAbort(response.json(), end.signal)) as Partial<IndexFacts> & { isLoop?: boolean };
      const { from, loops = [], isLoop, ...facts } = json;
      const below = [...(isLoop === true ? [this.name] : []), ...loops.map((loop) => `${this.name}/${loop}`)];
      return {
        ...{ ...NO_FACTS, ...facts, from: from ?? Number.POSITIVE_INFINITY },
        ...(below.length === 0 ? {} : { loops: below }),
      };
    } catch {
      return NO_FACTS;
    } finally {
      end.release();
    }
  }

  async valid(): Promise<readonly string[]> {
    try {
      await this.wakeUp();
      return [];
    } catch (error) {
      return [asError(error).message];
    }
  }

  get awake(): boolean {
    return this.#awake;
  }

  /** Makes sure that the server is there. */
  async wakeUp(): Promise<void> {
    const end = this.#deadline({ deadlineMs: PATIENCE_MS });
    try {
      await this.#ask("facts", NEVER, end, {});
      this.#awake = true;
    } finally {
      end.release();
    }
  }

  sleep(): void {
    this.#awake = false;
  }

  #gap({ from, to }: Query, error: unknown): Gap {
    return { where: this.name, from, to, why: asError(error).message };
  }

  #deadline({ signal, deadlineMs = PATIENCE_MS }: FindOptions): End {
    const { clock } = this.#settings;
    const until = clock.now() + deadlineMs;
    const late = new AbortController();
    const timer = clock.at(until, () =>
      late.abort(new Fault("unknown", `did not answer within ${Math.round(deadlineMs)} ms`)),
    );
    return {
      signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      msLeft: () => Math.max(0, until - clock.now()),
      release: () => {
        timer.cancel();
        // A request that nobody waits for any more.
        late.abort(new Fault("cancelled", "its answer is no longer wanted"));
      },
    };
  }

  async #ask(
    what: string,
    { from, to, addresses }: Query,
    { signal, msLeft }: End,
    { via = this.#settings.via ?? [], question }: FindOptions,
    more: object = {},
  ): Promise<Response> {
    const { url, token, fetch } = this.#settings;
    const body = JSON.stringify({ from, to: Number.isFinite(to) ? to : 2 ** 32 - 1, ips: addresses?.items(), ...more });
    const asked = fetch(`${url.replace(/\/+$/, "")}/-/${what}`, {
      method: "POST",
      body,
      signal,
      headers: {
        "content-type": "application/json",
        accept: COLUMNS_TYPE,
        [DEADLINE_HEADER]: String(Math.floor(msLeft())),
        ...(question === undefined ? {} : { [QUESTION_HEADER]: question }),
        ...(via.length === 0 ? {} : { [VIA_HEADER]: via.join(",") }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    const response = await beforeAbort(asked, signal).catch((error: unknown) => {
      throw error instanceof Fault
        ? error
        : new Fault("undeliverable", `${url} cannot be reached: ${reason(error)}`, { cause: error });
    });
    if (!response.ok) {
      const text = (await beforeAbort(response.text(), signal)).slice(0, 500);
      const code =
        response.status === 401 || response.status === 403
          ? "denied"
          : response.status === 404
            ? "not-found"
            : "overloaded";
      throw new Fault(code, `${url} answers ${response.status}: ${text}`);
    }
    return response;
  }
}

function reason(error: unknown): string {
  const { message, cause } = asError(error);
  return cause instanceof Error ? cause.message : message;
}

/** A stream that hangs does not hold up whoever asked. */
function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
