// unum deploy: brings in the components folder as it is now, and waits until it serves or is refused.

import { sleep } from "../../base/clock.ts";
import { type NodeStatus, ReplacementState } from "../../messages/gen/unum/control/v1/node_pb.ts";
import { addDoorOptions, type Door, type DoorOptions, withDoor } from "../door.ts";
import { formatMs } from "../duration.ts";
import { EXIT } from "../exit-code.ts";
import { durationOption } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { examples, type Stage } from "./verb.ts";

interface DeployFlags extends DoorOptions {
  readonly force?: boolean;
  readonly wait: number;
  readonly json?: boolean;
}

const DEFAULT_WAIT_MS = 60_000;
const ASK_EVERY_MS = 100;
const ANSWER_MS = 5_000;

export function addDeploy({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("deploy")
      .summary("bring in the components as they are now, and wait until they serve")
      .description(
        "A node brings in changed components by itself; this looks at once, waits, and says how it went. Components whose contracts would break callers that run are refused, naming message and field, unless --force is given: then they come in, and calls of those who know the old contract may fail.",
      ),
  )
    .option("--force", "bring them in though callers that run would break")
    .addOption(durationOption("--wait <time>", "how long to wait until they serve", DEFAULT_WAIT_MS))
    .option("--json", "state of the folder and outcome as one JSON object")
    .addHelpText(
      "after",
      examples([
        "rsync -a build/ components/ && unum deploy",
        "unum deploy --force                       # after a refusal that is meant",
        "unum deploy --wait 5m --json",
      ]),
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0    they serve
  1    they do not load; the old ones go on
  2    usage: wrong arguments
  3    unreachable: no node answers at the door
  4    refused: they would break callers that run, or somebody deploys into the folder
  5    not there yet when the time to wait was over; it goes on`,
    )
    .action(async (flags: DeployFlags) => end(await withDoor(flags, (door) => deploy(door, flags, terminal))));
}

async function deploy(door: Door, flags: DeployFlags, terminal: Terminal): Promise<number> {
  const { clock } = door.env;
  const { digest, serving } = await door.ask((node, options) => node.deploy({ force: flags.force ?? false }, options));
  const until = clock.now() + flags.wait;
  let end: End | undefined = serving ? { kind: "serves" } : undefined;
  while (end === undefined && clock.now() < until) {
    await sleep(clock, ASK_EVERY_MS);
    end = endOf(await door.status({ ttlMs: ANSWER_MS }), digest);
  }
  return told(digest, end ?? { kind: "late" }, flags, terminal);
}

type End =
  | { readonly kind: "serves" | "late" }
  | { readonly kind: "breaks" | "failed" | "overtaken"; readonly reason: string };

/** Undefined while it goes on. */
function endOf(status: NodeStatus, digest: string): End | undefined {
  const { state = ReplacementState.NONE, digest: coming = "", reason = "" } = status.replacing ?? {};
  if (coming === digest && state === ReplacementState.BREAKS_CALLERS) return { kind: "breaks", reason };
  if (coming === digest && state === ReplacementState.FAILED) return { kind: "failed", reason };
  if (coming === digest) return undefined;
  if (state !== ReplacementState.NONE) return { kind: "overtaken", reason: `the folder changed again, to ${coming}` };
  if (status.digest !== digest) return { kind: "overtaken", reason: `the folder is in state ${status.digest} now` };
  const served = status.containers.some((each) => each.digest === digest && each.state === "serving");
  if (served) return { kind: "serves" };
  const [problem] = status.problems;
  return problem === undefined ? undefined : { kind: "failed", reason: problem.text };
}

const CODES = {
  serves: EXIT.ok,
  late: EXIT.timedOut,
  breaks: EXIT.refused,
  failed: EXIT.failed,
  overtaken: EXIT.failed,
};

function told(digest: string, end: End, flags: DeployFlags, { print, say, tint }: Terminal): number {
  const reason = end.kind === "late" ? `${digest} does not serve after ${formatMs(flags.wait)}; it goes on` : "";
  const message = "reason" in end ? end.reason : reason;
  if (flags.json) print(JSON.stringify({ digest, outcome: end.kind, ...(message === "" ? {} : { reason: message }) }));
  else if (end.kind === "serves") print(`${digest} serves`);
  else say(tint("red", end.kind === "late" ? message : `${digest} did not come in: ${message}`));
  return CODES[end.kind];
}
