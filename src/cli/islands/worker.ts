// The thread in which a container of a run's own node evaluates what the run's problem names.

import { serveSlices, workerStart } from "../../islands/host/serve-slices.ts";
import { loadProblem } from "./load-problem.ts";

const start = workerStart();
if (start !== undefined) {
  // Written by the run from what it had checked.
  serveSlices(start, (problem, evaluationMs) => loadProblem(JSON.parse(problem), { evaluationMs }));
}
