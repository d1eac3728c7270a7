// A program on a computer of a machine that has its ledger written to again and again, and says what became of each.
//
//   argument: { home, node, journal, tag }    standard output: a line each, {"text", "epoch"} or {"text", "code", "message"}
//   standard input ends ──▶ it ends

import { setTimeout as pause } from "node:timers/promises";
import { ownTls } from "../../src/cli/machine/identity-folder.ts";
import { newNodeClient, systemEnv, zmtpTransport } from "../../src/index.ts";
import { Ledger } from "../gen/unum/test/v1/ledger_pb.ts";

// Written by the test that starts this program.
const start = JSON.parse(process.argv[2] ?? "") as Record<"home" | "node" | "journal" | "tag", string>;
process.env["UNUM_HOME"] = start.home;
const env = systemEnv();
const tls = await ownTls();
const transports = [zmtpTransport({ env, ...(tls === undefined ? {} : { tls }) })];
const client = await newNodeClient({ env, transports, seeds: [`ipc://${start.home}/run/door.sock`] });
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();

for (let number = 0; ; number++) {
  const text = `${start.tag}${number}`;
  const { node, journal } = start;
  const said = await client.call(Ledger.method.write, { node, journal, text }, { ttlMs: 3_000, withinMs: 500 }).then(
    ({ epoch }) => ({ text, epoch: Number(epoch) }),
    (error) => ({ text, code: error.code ?? error.name, message: error.message }),
  );
  process.stdout.write(`${JSON.stringify(said)}\n`);
  await pause(50);
}
