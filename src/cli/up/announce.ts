// What `unum up` says: that the node is there, that another one is, and that it does not come up.

import { asError } from "../../base/fault.ts";
import type { NodeStatus } from "../../messages/gen/unum/control/v1/node_pb.ts";
import type { Door } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { shown } from "../failure-text.ts";
import type { KeeperRecord } from "../keeper-lock.ts";
import { machineAt } from "../machine/machine-door.ts";
import { newToken, showToken, TOKEN_MS } from "../machine/new-token.ts";
import { statusJson } from "../node-json.ts";
import { counted, problemLines } from "../node-text.ts";
import type { Terminal } from "../terminal.ts";
import type { Plan } from "./plan.ts";

/** Its doors go to standard output, a line each; all else goes along with them. */
export function announce(status: NodeStatus, keeperPid: number, { json }: Plan, terminal: Terminal): void {
  const { print, say, tint } = terminal;
  if (json) return print(JSON.stringify({ ...statusJson(status), keeperPid }));
  const { id, pid, doors, containers, limits } = status;
  const spares = containers.filter(({ state }) => state === "spare").length;
  const most = limits === undefined ? "" : `, ${limits.containers} at most`;
  say(`node ${tint("bold", id)}: keeper ${keeperPid}, governor ${pid}`);
  say(`${counted(containers.length, "container")}, ${spares} of them spare${most}`);
  for (const [contract, version] of servedBy(status)) say(`${tint("green", "serving")} ${contract} ${version}`);
  for (const line of problemLines(status, { paint: tint, width: undefined })) say(line);
  if (servedBy(status).size === 0) {
    const next = status.folder === "" ? "load programs with 'unum load'" : `${shown(status.folder) || "."} is watched`;
    say(tint("yellow", `nothing is served yet; ${next}`));
  }
  for (const door of doors) print(door);
}

/** Once, when the machine was opened: how one more computer joins. */
export async function inviteFirst({ opensFirst, json }: Plan, door: Door, { say, tint }: Terminal): Promise<void> {
  if (!opensFirst || json) return;
  try {
    // Standard output is for doors.
    showToken(await newToken(machineAt(door), { forMs: TOKEN_MS }), { say, print: say });
    say("'unum token' prints the command for each further one");
  } catch (error) {
    say(tint("yellow", `'unum token' prints the command by which one more computer joins: ${asError(error).message}`));
  }
}

function servedBy({ containers }: NodeStatus): ReadonlyMap<string, string> {
  const served = containers.flatMap(({ components }) => components);
  return new Map(served.map(({ contract, version }) => [contract, version]));
}

/** A node runs here already. */
export function sayHeld({ pid, folder, sinceMs }: KeeperRecord, { json }: Plan, terminal: Terminal): number {
  const since = new Date(sinceMs).toISOString().replace(/\.\d+Z$/, "Z");
  const served = folder === "" ? "" : ` for ${folder}`;
  const message = `a node runs here already: keeper ${pid}${served}, since ${since}; 'unum status' shows it, 'unum down' ends it, and another UNUM_HOME holds another one`;
  return sayRefused(message, pid, json, terminal);
}

/** The keeper of a node was killed, and its governor has not ended yet. */
export function sayOrphan({ pid }: NodeStatus, { json }: Plan, terminal: Terminal): number {
  const message = `a governor without a keeper is still here (process ${pid}): its keeper was killed, and it drains; wait until it has ended, or end it with 'unum down'`;
  return sayRefused(message, pid, json, terminal);
}

function sayRefused(message: string, pid: number, json: boolean, { print, say, tint }: Terminal): number {
  say(tint("red", message));
  if (json) print(JSON.stringify({ error: { code: "denied", message }, pid }));
  return EXIT.refused;
}

export function sayFailed(why: string, { json }: Plan, { print, say, tint }: Terminal): number {
  say(tint("red", why));
  if (json) print(JSON.stringify({ error: { code: "internal", message: why } }));
  return EXIT.failed;
}
