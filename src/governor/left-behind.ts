// The containers that an earlier governor left: found by their records, and by the intents of those whose process it did not
// come to write down.
//
//   record ──▶ its process, by number and start ──▶ decided (decisions/adoption)
//   intent ──▶ its process, by the nonce in its arguments ──▶ a record
//         └──▶ none: taken back, and looked for once more (L2)
//
// Invariants
//   L1. Every process that was started is taken over, ended, or ends by itself before it serves anything.
//   L2. A process that was being started while its governor died may come to be after it was looked for: it finds its intent
//       taken back and ends, or was found by the second look.

import type { Processes, WatchedProcess } from "../base/processes.ts";
import { adoption, type ContainerRecord, type Intent, recordOf } from "./decisions/adoption.ts";
import type { Registry, Served, WrittenDown } from "./registry.ts";

export interface LeftBehind {
  readonly record: ContainerRecord & Served;
  readonly process: WatchedProcess;
}

export interface LeftParts {
  readonly registry: Registry;
  readonly processes: Processes;
}

/** Those that go on under a new governor; the others are ended and forgotten, which is `said`. */
export async function takeOver(
  { registry, processes }: LeftParts,
  said: { forgotten(id: string, why: string): void; unreadable(text: string): void },
): Promise<readonly LeftBehind[]> {
  const found = await registry.read();
  for (const text of found.unreadable) said.unreadable(text);
  for (const id of found.half) await registry.forget(id);
  const { records, lost } = resolved(found, processes);
  for (const intent of lost) {
    said.forgotten(intent.id, await takeBack(intent, { registry, processes }));
  }
  const taken: LeftBehind[] = [];
  for (const record of records) {
    const { pid, startTime } = record;
    const decision = adoption(record, { startTime: processes.startTimeOf(pid), answer: "silent" });
    const process = decision.kind === "forget" ? undefined : processes.adopt({ pid, startTime });
    if (process !== undefined && decision.kind === "adopt") {
      taken.push({ record, process });
      continue;
    }
    if (decision.kind === "end") process?.signal("SIGKILL");
    said.forgotten(record.id, decision.kind === "adopt" ? "its process has just ended" : decision.reason);
    await registry.forget(record.id);
  }
  return taken;
}

/** With the processes of those that had no record; `lost`: intents of which no process is found. */
export function resolved({ records, intents }: Pick<WrittenDown, "records" | "intents">, processes: Processes) {
  const found: (ContainerRecord & Served)[] = [...records];
  const lost: Intent[] = [];
  for (const intent of intents) {
    const [process] = processes.withArgument(intent.nonce);
    if (process === undefined) lost.push(intent);
    else found.push({ ...recordOf(intent, process), digest: "", program: "" });
  }
  return { records: found, lost };
}

/** L2. Only where no governor is that could be starting it. Settles with why it is forgotten. */
export async function takeBack({ id, nonce }: Intent, { registry, processes }: LeftParts): Promise<string> {
  await registry.forget(id);
  const late = processes.withArgument(nonce).map((each) => processes.adopt(each));
  for (const process of late) process?.signal("SIGKILL");
  return late.length > 0
    ? "it came to be after it was looked for, and is ended"
    : "its process has ended, or never was";
}
