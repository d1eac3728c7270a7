// The process that a host starts for slices whose candidates may end it: URL FILE. Tasks and answers come and go by its channel.

import { asError, Fault } from "../fault.ts";
import { WatchedWorker } from "./watched-worker.ts";
import type { WorkerAnswer, WorkerTask } from "./worker-messages.ts";

const [url = "", file] = process.argv.slice(2);
const worker = new WatchedWorker(new URL(url), file);
const ending = new AbortController();

process.on("message", async (task: WorkerTask) => {
  let answer: WorkerAnswer;
  try {
    answer = { reply: await worker.run(task, ending.signal) };
  } catch (thrown) {
    const error = asError(thrown);
    answer = { failure: { code: error instanceof Fault ? error.code : "internal", message: error.message } };
  }
  process.send?.(answer);
});
// Its host has ended, or wants no more.
process.on("disconnect", () => process.exit());
