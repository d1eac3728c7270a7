// Preloaded into every test file: it ends when its tests are over, and leaves nothing behind that holds its output. Node's runner
// would wait for either for ever.

import { relative } from "node:path";
import { after } from "node:test";
import { isMainThread } from "node:worker_threads";
import { root } from "../verbs/root.ts";
import { descendants, holdersOf, kill, lineOf, outputOf } from "./processes.ts";

/** Ten times what closing takes on a busy machine. */
const END_MS = Number(process.env["UNUM_TEST_END_MS"] ?? 120_000);

/** What was just killed may need a moment to be gone. */
const GONE_MS = 3_000;

const file = relative(root, process.argv[1] ?? "");

// Workers and forked processes of a test are preloaded, too.
if (isMainThread && /\.test\.[mc]?[jt]s$/.test(file)) {
  endsInTime();
  leavesNothing();
}

function endsInTime(): void {
  // The first hook of a file runs first: what the file itself closes in its own is closed within this time.
  after(() => {
    setTimeout(() => {
      const kept = [...process.getActiveResourcesInfo(), ...descendants(process.pid).map(lineOf)];
      process.stderr.write(`The tests of ${file} are over, and it does not end: ${kept.join("; ")}\n`);
      process.exit(1);
    }, END_MS).unref();
  });
}

function leavesNothing(): void {
  const output = outputOf(process.pid);
  // A terminal or a file is shared with others; the runner gives every file a socket of its own.
  if (process.env["NODE_TEST_CONTEXT"] === undefined || !output?.startsWith("socket:")) return;
  process.on("exit", () => {
    const lock = new Int32Array(new SharedArrayBuffer(4));
    const until = performance.now() + GONE_MS;
    while (holdersOf(output).length > 0 && performance.now() < until) Atomics.wait(lock, 0, 0, 100);
    const left = holdersOf(output);
    if (left.length === 0) return;
    process.stderr.write(`left behind by ${file}, and killed: ${left.map(lineOf).join("; ")}\n`);
    kill(left);
  });
}
