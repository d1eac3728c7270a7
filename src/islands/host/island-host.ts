// A component that hosts islands: its containers evolve them, wherever the machine places them.
//
//   import { islandHost } from "unum/islands";
//   import rosenbrock from "./rosenbrock.ts";
//   export default islandHost(import.meta.url, { rosenbrock });

import { type Component, component } from "unum";
import { Fault } from "../fault.ts";
import { IslandHost, proposalMessage, proposerCallOf, replyMessage, requestOf } from "../wire.ts";
import { hostedProblem, type NamedProblems, servedMessage } from "./hosted-problem.ts";
import { OwnProcess } from "./own-process.ts";
import { Slices, serveSlices, workerStart } from "./serve-slices.ts";
import { WatchedWorker } from "./watched-worker.ts";

export interface IslandHostOptions {
  /** Semver. Populations are the same only where problems are: raise it when one changes. Default 1.0.0. */
  readonly version?: string;
}

/**
 * `url`: `import.meta.url` of the file that calls this; it is loaded once more as the thread that evaluates. `problems`: by the
 * name that `unum islands run NAME` takes.
 */
export function islandHost(url: string, problems: NamedProblems, options: IslandHostOptions = {}): Component {
  const own = new URL(url);
  const load = (text: string) => hostedProblem(text, problems);
  const start = workerStart();
  if (start?.islandHost === own.href) serveSlices(start, load);
  return hostComponent({ ...options, problems, worker: mayStartThreads() ? own : undefined, load });
}

/** `worker`: undefined where no thread may be started; then `load` finds the problem, and what hangs takes the process. */
export function hostComponent(of: {
  readonly worker: URL | undefined;
  readonly problems?: NamedProblems;
  readonly version?: string;
  readonly load?: (text: string) => ReturnType<typeof hostedProblem>;
}): Component {
  const { worker: url, problems = {}, version = "1.0.0", load } = of;
  const worker = url === undefined ? undefined : new WatchedWorker(url);
  const isolated = url === undefined || process.permission?.has("child") === false ? undefined : new OwnProcess(url);
  const slices = load === undefined ? undefined : new Slices(load);
  return component(
    IslandHost,
    {
      evolve: async (message, call) => {
        const { problem, evaluationMs } = message;
        const task = { problem, evaluationMs, request: requestOf(message) };
        if (message.isolated && isolated !== undefined) {
          return replyMessage(await isolated.run(task, call.signal), process.pid);
        }
        if (worker !== undefined) return replyMessage(await worker.run(task, call.signal), process.pid);
        const answer = await slices?.answer(task);
        if (answer !== undefined && "reply" in answer) return replyMessage(answer.reply, process.pid);
        throw new Fault(
          answer?.failure.code ?? "internal",
          answer?.failure.message ?? "there is nothing to evaluate with",
        );
      },
      propose: async (message, call) => {
        const { propose } = hostedProblem(message.problem, problems);
        if (propose === undefined)
          throw new Fault("not-found", `${message.problem.slice(0, 200)} has no proposer here`);
        return proposalMessage(await propose(proposerCallOf(message, call.signal)));
      },
      problems: () => ({ problems: Object.entries(problems).map(([name, each]) => servedMessage(name, each)) }),
    },
    // A slice ends by time, a candidate by its own time-out: nothing here blocks the loop.
    { version, budgetMs: 60_000, stop: () => Promise.all([worker?.end(), isolated?.end()]).then(() => {}) },
  );
}

/** A confined cell may not. */
function mayStartThreads(): boolean {
  return process.permission?.has("worker") !== false;
}
