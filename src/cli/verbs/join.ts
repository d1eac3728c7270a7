// unum join: makes this computer a node of a machine, and runs it.

import { readAddress } from "../../base/datagrams.ts";
import { Fault } from "../../base/fault.ts";
import { joinReplySchema } from "../../machine/identity/joining.ts";
import { readToken } from "../../machine/identity/token.ts";
import { systemRandom } from "../../system/random.ts";
import { askQuestion } from "../../system/tls-question.ts";
import { graceOption } from "../drain-node.ts";
import { addLimitOptions } from "../limit-options.ts";
import { checkFree } from "../machine/free-port.ts";
import { writeIdentity } from "../machine/identity-folder.ts";
import { readMachineFile, writeMachineFile } from "../machine/machine-file.ts";
import { durationOption } from "../options.ts";
import { makeRunFolder, runFolder } from "../run-folder.ts";
import type { Terminal } from "../terminal.ts";
import { nodeIdOf } from "../up/node-id.ts";
import { checkedFlags, type UpFlags } from "../up/plan.ts";
import { UsageError } from "../usage.ts";
import { parseLevel, up } from "./up.ts";
import { examples, type Stage } from "./verb.ts";

interface JoinFlags extends UpFlags {
  readonly token: string;
  readonly open: string;
}

export function addJoin({ program, terminal, end }: Stage): void {
  addLimitOptions(
    program
      .command("join")
      .summary("make this computer a node of a machine, and run it")
      .description(
        "Joins a machine by a token that 'unum token' printed at one of its controllers, then runs the node as 'unum up' does. The node makes its own key; the controller signs its certificate. Later, 'unum up' alone runs it again.",
      )
      .argument("<host:port>", "where the controller lets others in")
      .requiredOption("--token <token>", "good for one computer, once")
      .requiredOption("--open <host:port>", "where the machine's other nodes reach this one")
      .option("--components <folder>", "where components are; it is watched (default: none)"),
  )
    .addOption(graceOption("how long calls may take to end when the node or a container of it ends"))
    .addOption(
      durationOption(
        "--idle <time>",
        "how long a container that others stand in for has nothing to do before it ends (default: 1m)",
      ),
    )
    .option("--detach", "go on in the background, logging to $UNUM_HOME/log")
    .option("--until-stdin-ends", "end as at Ctrl-C when standard input ends: for programs that start this one")
    .option("--log <level>", "least level that is told: debug, info, warn or error", parseLevel, "info")
    .option("--json", "the node as one JSON object; events as one JSON object a line, to standard error")
    .addHelpText(
      "after",
      examples([
        "unum join 10.0.0.1:7001 --token T --open 10.0.0.2:7000",
        "UNUM_HOME=.second unum join 127.0.0.1:7001 --token T --open 127.0.0.1:7100 --detach",
      ]),
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0    joined, and drained at its end; with --detach: the node is there
  2    usage: wrong arguments, or this working folder is of a machine already
  3    unreachable: nobody lets in there
  4    refused: the token is not known, was used or is over, or it is another machine's`,
    )
    .action(async (at: string, flags: JoinFlags) => end(await join(at, flags, terminal)));
}

async function join(at: string, flags: JoinFlags, terminal: Terminal): Promise<number> {
  const [controller, own] = [placeOf(at), placeOf(flags.open)];
  const { id, secret, root } = readToken(flags.token);
  const known = await readMachineFile();
  if (known !== undefined) {
    throw new UsageError(
      `this working folder is of machine ${known.machine} already; 'unum up' runs its node, and another UNUM_HOME can join`,
    );
  }
  // A token is good once: what is wrong otherwise is said before it is used.
  await checkedFlags(flags);
  await checkFree(own, flags.open);
  await makeRunFolder(runFolder());
  const node = nodeIdOf(runFolder(), systemRandom());
  const { newNodeKey } = await import("../../machine/identity/authority.ts");
  const [{ key, publicKey }, issuing] = [newNodeKey(), newNodeKey()];
  const question = JSON.stringify({ id, secret, node, hosts: [own.host], publicKey, issuerKey: issuing.publicKey });
  const answer = await askQuestion({ ...controller, root }, question);
  const parsed = joinReplySchema.safeParse(JSON.parse(answer));
  if (!parsed.success) throw new Fault("invalid", `${at} answers what nobody understands; is it of the same version?`);
  const { machine, founder, cert, issuer, root: ca, gossipKey, seeds } = parsed.data;
  await writeIdentity({ "node.key": key, "node.crt": cert, "ca.pem": ca, "gossip.key": gossipKey });
  const isController = issuer !== undefined;
  if (isController) await writeIdentity({ "issuer.key": issuing.key, "issuer.crt": issuer });
  await writeMachineFile({ machine, founder, controller: isController, open: flags.open, seeds });
  if (!flags.json) terminal.say(`node ${node} is a ${isController ? "controller" : "node"} of machine ${machine}`);
  const again = ["up", ...process.argv.slice(2).flatMap(withoutJoining(at))];
  return up(flags, terminal, again);
}

/** What remains for 'unum up' in the background. */
function withoutJoining(at: string): (arg: string, index: number, all: readonly string[]) => string[] {
  return (arg, index, all) => {
    const isToken = arg === "--token" || all[index - 1] === "--token" || arg.startsWith("--token=");
    return arg === "join" || arg === at || isToken ? [] : [arg];
  };
}

function placeOf(text: string): { host: string; port: number } {
  const at = readAddress(text);
  if (at === undefined) throw new UsageError(`'${text}' is not HOST:PORT, as 10.0.0.1:7001`);
  return at;
}
