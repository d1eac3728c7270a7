// What the chapter of the node says to people.

import { formatMs } from "../../duration.ts";
import { counted } from "../../node-text.ts";
import type { Choice } from "./choose-files.ts";
import type { NodeReport } from "./node-report.ts";

const DIFFERENCES_SHOWN = 10;

/** Everything was answered, equal, and went on as it should. */
export function isSound({
  files,
  answered,
  unreadable,
  failed,
  differences,
  governor,
  change,
  drained,
}: NodeReport): boolean {
  const isComplete = files > 0 && answered + unreadable === files && failed === 0 && differences.length === 0;
  return isComplete && governor.kept.length === governor.containers.length && change.byNew > 0 && drained;
}

export function openingText({ chosen, bytes }: Choice): string {
  return [
    `'unum up' keeps containers that compute SHA-256 and gzip size of ${count(chosen.length)} files (${megabytes(bytes)}), called over Unix sockets.`,
    "Meanwhile a container is killed, then the governor, then the code changes; no call may fail.",
    "In the end this process computes the same without Unum, and every figure is compared.",
  ].join("\n");
}

export function reportLines(report: NodeReport): readonly string[] {
  const { files, bytes, left, calls, answered, unreadable, failed, differences } = report;
  const { spreadMs, plainMs, retries, kill, governor, change } = report;
  const rest = left.files === 0 ? "" : `; ${count(left.files)} larger ones (${megabytes(left.bytes)}) left out`;
  const unread = unreadable === 0 ? "" : `, ${count(unreadable)} that nobody can read`;
  const lost = governor.containers.length - governor.kept.length;
  const keptText = lost === 0 ? "they went on under the next" : `${counted(lost, "container")} of them did not go on`;
  return [
    `files      ${count(answered)} of ${count(files)} answered${unread}, ${megabytes(bytes)}${rest}`,
    `calls      ${count(calls)} in ${formatMs(spreadMs)}: ${count(Math.round(calls / (spreadMs / 1_000)))}/s; each file once without Unum, in one process: ${formatMs(plainMs)}`,
    `container  killed with ${counted(kill.inFlight, "call")} in flight; the last was answered elsewhere after ${formatMs(kill.longestDelayMs)}, and another container had its place after ${formatMs(kill.replacedMs)}`,
    `governor   killed with ${counted(governor.containers.length, "container")} under it; ${keptText}, which answered after ${formatMs(governor.answeredMs)}`,
    `new code   ${change.from} became ${change.to} in ${formatMs(change.doneMs)}; ${count(change.byOld)} calls were answered by the old, ${count(change.byNew)} by the new`,
    `failed     ${count(failed)}, sent again ${count(retries)}`,
    `compared   ${count(files - differences.length)} files equal, ${count(differences.length)} different`,
    ...differences.slice(0, DIFFERENCES_SHOWN).map(({ path, why }) => `           ${path}: ${why}`),
    ...(differences.length > DIFFERENCES_SHOWN ? ["           …"] : []),
    ...(report.drained ? [] : ["drained    no: the node did not end well"]),
  ];
}

function count(amount: number): string {
  return amount.toLocaleString("en-US");
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
