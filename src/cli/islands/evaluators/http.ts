// Candidates evaluated by a server: a batch is one POST.
//
//   {"candidates":[[…],[…]]}  ─▶  {"values":[…]}    with several objectives, or constraints, an answer each as in NDJSON
//
// The server is asked again after a failure; what fails then is asked for one by one, and what fails alone is quarantined.

import http from "node:http";
import https from "node:https";
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
    close: async () => agent.destroy(),
  };
}

function reasonOf(thrown: unknown): string {
  const error = asError(thrown);
  const cause = asError(error.cause ?? error);
  return [error, cause].some(({ name }) => name === "TimeoutError") ? "did not answer in time" : cause.message;
}
