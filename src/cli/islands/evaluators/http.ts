// Candidates evaluated by a server: a batch is one POST.
//
//   {"candidates":[[…],[…]]}  ─▶  {"values":[…]}    with several objectives, or constraints, an answer each as in NDJSON
//
// The server is asked again after a failure; what fails then is asked for one by one, and what fails alone is quarantined.

import { asError } from "../../../base/fault.ts";
import { type Evaluator, settle } from "../../../islands/evaluator.ts";
import type { Shape } from "../problem-spec.ts";

export interface HttpSettings {
  readonly url: string;
  readonly shape: Shape;
  readonly evaluationMs: number;
}

const ANSWER_LIMIT_BYTES = 64 * 2 ** 20;

export function httpEvaluator({ url, shape, evaluationMs }: HttpSettings): Evaluator {
  const space = { objectives: shape.objectives ?? 1 } as Parameters<typeof settle>[4];
  const ask = async (rows: readonly Float64Array[]): Promise<readonly unknown[]> => {
    const body = `{"candidates":[${rows.map((row) => `[${row.join(",")}]`).join(",")}]}`;
    const headers = { "content-type": "application/json" };
    const signal = AbortSignal.timeout(Math.min(2 ** 31 - 1, evaluationMs * rows.length));
    const response = await fetch(url, { method: "POST", headers, body, signal });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    const length = Number(response.headers.get("content-length") ?? 0);
    if (length > ANSWER_LIMIT_BYTES) throw new Error(`answered ${length} bytes`);
    const answer: unknown = await response.json();
    const values = typeof answer === "object" && answer !== null && "values" in answer ? answer.values : undefined;
    if (!Array.isArray(values) || values.length !== rows.length) {
      throw new Error(
        `answered ${Array.isArray(values) ? `${values.length} values` : "no list of values"} for ${rows.length} candidates`,
      );
    }
    return values;
  };
  return {
    evaluate: async (rows, values, watch) => {
      watch.began(0);
      const answers = await ask(rows)
        .catch(() => ask(rows))
        .catch(() => undefined);
      for (const [k, row] of rows.entries()) {
        if (answers === undefined) watch.began(k);
        const alone = async () => (await ask([row]))[0];
        const answer =
          answers === undefined ? await alone().catch((thrown) => `the server ${reasonOf(thrown)}`) : answers[k];
        settle(row, answer, k, values, space, watch);
      }
    },
    close: async () => {},
  };
}

function reasonOf(thrown: unknown): string {
  const error = asError(thrown);
  const cause = asError(error.cause ?? error);
  return error.name === "TimeoutError" ? "did not answer in time" : cause.message;
}
