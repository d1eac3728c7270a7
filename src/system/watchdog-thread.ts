// The thread of watchdog.ts.

import { writeFileSync, writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { changeOf, HOOK, type Hook, TURN, type WatchdogSettings } from "./watchdog.ts";

// Handed over by watchdog.ts.
const { note, limitMs, state } = workerData as WatchdogSettings & { readonly state: Int32Array };
const LOOK_MS = 250;
const hooks = new Map<number, Hook>();
let turn = -1;
let looks = 0;

parentPort?.on("message", (hook: Hook) => hooks.set(hook.number, hook));
setInterval(() => {
  const now = Atomics.load(state, TURN);
  const hook = hooks.get(Atomics.load(state, HOOK));
  looks = hook !== undefined && now === turn ? looks + 1 : 0;
  turn = now;
  if (hook !== undefined && looks * LOOK_MS >= limitMs) end(hook);
}, LOOK_MS);

function end({ file, hook }: Hook): void {
  const message = `plugin ${file}: '${hook}' has not come back within ${limitMs} ms; this process is ended, and the next goes on without that plugin until its file changes`;
  const line = JSON.stringify({ at: new Date().toISOString(), level: "error", message });
  try {
    writeFileSync(note, JSON.stringify({ file, hook, changed: changeOf(file) }), { mode: 0o600 });
    writeSync(2, `${line}\n`);
  } finally {
    process.kill(process.pid, "SIGKILL");
  }
}
