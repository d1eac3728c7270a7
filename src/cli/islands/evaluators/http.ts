// Candidates evaluated by a server: a batch is one POST.
//
//   {"candidates":[[…],[…]]}  ─▶  {"values":[…]}    with several objectives, or constraints, an answer each as in NDJSON
//
// The server is asked again after a failure; what fails then is asked for one by one, and what fails alone is quarantined.
// A server that is away, or says that it cannot now (429, 503), is no candidate's fault: it is waited for, and in the end the
// search with it.

import http from "node:http";
import https from "node:https";
import { setTimeout } from "node:timers/promises";
import { asError, Fault } from "../../../base/fault.ts";
import { type Evaluator, settle, type Watch } from "../../../islands/evaluator.ts";
import { formatMs } from "../../duration.ts";
import type { Shape } from "../problem-spec.ts";

export interface HttpSettings {
  readonly url: string;
  readonly shape: Shape;
  readonly evaluationMs: number;
}

const ANSWER_LIMIT_BYTES = 64 * 2 ** 20;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

export function httpEvaluator({ url, shape, evaluationMs }: HttpSettings): Evaluator {
  // Of its own: connections are kept from batch to batch, and closed with it.
  const isSafe = url.startsWith("https:");
  const agent = isSafe ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  const post = (body: string, withinMs: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const options = { method: "POST", headers, agent, signal: AbortSignal.timeout(withinMs) };
      const request = (isSafe ? https : http).request(url, options, (response) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on("data", (part: Buffer) => {
          parts.push(part);
          length += part.length;
          if (length > ANSWER_LIMIT_BYTES) request.destroy(new Error(`answered more than ${ANSWER_LIMIT_BYTES} bytes`));
        });
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode = 0 } = response;
          if (statusCode < 200 || statusCode > 299) reject(new Error(`answered ${statusCode}`));
          else resolve(Buffer.concat(parts).toString());
        });
      });
      request.on("error", reject);
      request.end(body);
    });
  const space = { objectives: shape.objectives ?? 1 } as Parameters<typeof settle>[4];
  const ask = async (rows: readonly Float64Array[]): Promise<readonly unknown[]> => {
    const body = `{"candidates":[${rows.map((row) => `[${row.join(",")}]`).join(",")}]}`;
    const answer: unknown = JSON.parse(await post(body, Math.min(2 ** 31 - 1, evaluationMs * rows.length)));
    const values = typeof answer === "object" && answer !== null && "values" in answer ? answer.values : undefined;
    if (!Array.isArray(values) || values.length !== rows.length) {
      throw new Error(
        `answered ${Array.isArray(values) ? `${values.length} values` : "no list of values"} for ${rows.length} candidates`,
      );
    }
    return values;
  };
  const waitFor = async (rows: readonly Float64Array[], watch: Watch, first = 0): Promise<readonly unknown[]> => {
    const began = performance.now();
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      watch.began(first, rows.length);
      try {
        const answers = await ask(rows);
        if (pauseMs > FIRST_PAUSE_MS) watch.recovered(`${url} was away for ${formatMs(performance.now() - began)}`);
        return answers;
      } catch (thrown) {
        if (!isAway(thrown)) throw thrown;
        const left = evaluationMs - (performance.now() - began);
        if (left <= 0) throw away(url, thrown, evaluationMs);
        await setTimeout(Math.min(pauseMs, left));
      }
    }
  };
  return {
    evaluate: async (rows, values, watch) => {
      const answers = await waitFor(rows, watch)
        .catch((thrown: unknown) => {
          if (thrown instanceof Fault) throw thrown;
          return waitFor(rows, watch);
        })
        .catch(unlessAway(() => undefined));
      for (const [k, row] of rows.entries()) {
        const alone = async () => (await waitFor([row], watch, k))[0];
        const answer = answers === undefined ? await alone().catch(unlessAway(reasonOf)) : answers[k];
        settle(row, answer, k, values, space, watch);
      }
    },
    close: async () => agent.destroy(),
  };
}

/** What a candidate is quarantined for: words that follow on "a candidate". */
function reasonOf(thrown: unknown): string {
  const error = asError(thrown);
  const cause = asError(error.cause ?? error);
  const isLate = [error, cause].some(({ name }) => name === "TimeoutError");
  return `was not evaluated: the server ${isLate ? "did not answer in time" : wordsOf(cause)}`;
}

function wordsOf({ message }: Error): string {
  return message.startsWith("answered") ? message : `failed, ${message}`;
}

const AWAY = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;

function isAway(thrown: unknown): boolean {
  const { code } = asError(thrown) as NodeJS.ErrnoException;
  return AWAY.test(code ?? "") || /^answered (429|503)$/.test(asError(thrown).message);
}

function away(url: string, thrown: unknown, forMs: number): Fault {
  return new Fault(
    "undeliverable",
    `${url} cannot be reached: ${asError(thrown).message}, for ${formatMs(forMs)} by now; start it and resume the run, or give it longer with --time-out`,
    { cause: thrown },
  );
}

/** A server that is away ends the search; else `then` says what comes of it. */
function unlessAway<T>(then: (thrown: unknown) => T): (thrown: unknown) => T {
  return (thrown) => {
    if (thrown instanceof Fault) throw thrown;
    return then(thrown);
  };
}
