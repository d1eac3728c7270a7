// The proposer of a run: its problem file's own, that of a problem which nodes host, or a server.
//
//   {"parents":[{"candidate":[…],"values":[…]},…],"seed":…}  ─▶  {"candidates":[[…],…],"cost":…}

import { Fault } from "../../base/fault.ts";
import type { Propose } from "../../islands/proposer.ts";
import { loadProblem } from "./load-problem.ts";
import type { RunRecord } from "./run-store.ts";

const ANSWER_LIMIT_BYTES = 16 * 2 ** 20;

/** Undefined where the run asks nobody. `hosted`: of the problem's hosts, once they are known. */
export async function proposerOf(record: RunRecord, hosted: () => Propose | undefined): Promise<Propose | undefined> {
  if (!record.plan.proposes) return undefined;
  if (record.propose !== undefined) return serverProposer(record.propose);
  if (record.problem.kind === "served") {
    return async (call) => {
      const propose = hosted();
      if (propose === undefined) throw new Fault("internal", "nobody who hosts the problem is known yet");
      return propose(call);
    };
  }
  const problem = await loadProblem(record.problem, { evaluationMs: record.evaluationMs });
  await problem.evaluator.close();
  return problem.propose;
}

/** Islands check what it proposes: they know the problem. */
function serverProposer(url: string): Propose {
  return async ({ parents, seed, signal }) => {
    const given = parents.map(({ genes, values }) => ({ candidate: [...genes], values: [...values] }));
    const headers = { "content-type": "application/json" };
    const response = await fetch(url, {
      ...{ method: "POST", headers, signal },
      body: JSON.stringify({ parents: given, seed }),
    });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    const text = await response.text();
    if (text.length > ANSWER_LIMIT_BYTES) throw new Error(`${url} answered ${text.length} bytes`);
    const answer: unknown = JSON.parse(text);
    const { candidates, cost = 1 }: { candidates?: unknown; cost?: unknown } = Object(answer);
    if (!Array.isArray(candidates)) throw new Error(`${url} answered no list of candidates`);
    const refused: string[] = [];
    const rows: Float64Array[] = [];
    for (const [i, candidate] of candidates.entries()) {
      if (Array.isArray(candidate)) rows.push(Float64Array.from(candidate, Number));
      else refused.push(`candidate ${i} is no list`);
    }
    if (typeof cost === "number" && cost >= 0) return { rows, cost, refused };
    return { rows, cost: 1, refused: [...refused, `its cost is ${JSON.stringify(cost)}, and counts as 1`] };
  };
}
