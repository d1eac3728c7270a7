// A component that does what it is told, as its text says: `wait 20`, `throw`, `exit`, …

import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type Call, component } from "unum";
import { Modes } from "../../../gen/unum/test/v1/services_pb.ts";

interface Text {
  readonly text: string;
}

class AsAsked extends Error {
  override readonly name = "AsAsked";
}

/** What was started, in order, in this container. */
function startedIn({ environment }: Call): string[] {
  const started = environment.get("started") ?? [];
  environment.set("started", started);
  // Only this function writes it.
  return started as string[];
}

function work({ text }: Text, call: Call) {
  if (text === "started") return { text, lines: startedIn(call) };
  startedIn(call).push(text);
  const [what, given] = text.split(" ");
  const ms = Number(given);
  switch (what) {
    case "throw":
      throw new AsAsked("thrown");
    case "reject":
      return Promise.reject(new AsAsked("rejected"));
    case "never":
      return new Promise<never>(() => {});
    case "garbage":
      // What a component without types may do.
      return 42 as unknown as Text;
    case "wrong-field":
      // The same.
      return { text: 42 } as unknown as Text;
    case "exit":
      return process.exit(3);
    case "wait":
      return pause(ms, { text }, { signal: undefined });
    case "wait-or-stop":
      return pause(ms, { text }, { signal: call.signal });
    case "until-there":
      return thereAt(given ?? "").then(() => ({ text }));
    case "busy":
      hold(ms);
      return { text };
    case "compute":
      return compute(ms).then(() => ({ text }));
    case "meta":
      return { text, lines: Object.entries(call.meta).map(([key, value]) => `${key}=${value}`) };
  }
  return { text };
}

/** So that a test says when a call ends, however long what it does meanwhile takes. */
async function thereAt(path: string): Promise<void> {
  while (!existsSync(path)) await pause(10);
}

function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

async function compute(ms: number): Promise<void> {
  hold(ms);
}

async function* count({ text }: Text, call: Call) {
  const [items = "3", ms = "0"] = text.split(" ");
  for (let item = 1; item <= Number(items); item++) {
    if (call.signal.aborted) return;
    if (Number(ms) > 0) await pause(Number(ms));
    startedIn(call).push(`item ${item}`);
    yield { text: String(item) };
  }
}

export default component(
  Modes,
  { plain: work, sync: work, async: work, broadcast: work, plainStream: count, stream: count },
  { version: "1.4.2" },
);
