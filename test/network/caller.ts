// A program on a computer of its own that calls without end, by the client library: says what became of each call.
//
//   argument: { seeds, tls }      standard output: {"made": n, "ended": { ok: n, CODE: n, … }} every 100 calls, and at its end
//   standard input ends ──▶ it makes no further call, waits for those under way, and ends

import { readTlsFiles, type TlsFiles } from "../../src/cli/tls-files.ts";
import { newNodeClient, systemEnv, zmtpTransport } from "../../src/index.ts";
import { Work } from "../gen/unum/test/v1/work_pb.ts";

// Written by the test that starts this program.
const { seeds, tls: files } = JSON.parse(process.argv[2] ?? "") as { seeds: string[]; tls: TlsFiles };
const env = systemEnv();
const tls = await readTlsFiles(files);
const transport = () => zmtpTransport({ env, ...(tls === undefined ? {} : { tls }) });
const client = await newNodeClient({ env, transports: [transport()], seeds, withinMs: 30_000 });

const ended: Record<string, number> = {};
let made = 0;
let over = false;
process.stdin.on("end", () => {
  over = true;
});
process.stdin.resume();

const say = () =>
  process.stdout.write(`${JSON.stringify({ made, ended, nodes: client.nodes().map(({ id }) => id) })}\n`);

async function keepCalling(): Promise<void> {
  while (!over) {
    made++;
    const outcome = await client.call(Work.method.do, { waitMs: 20 }, { ttlMs: 3_000, withinMs: 1_000 }).then(
      () => "ok",
      (error) => error.code ?? error.name,
    );
    ended[outcome] = (ended[outcome] ?? 0) + 1;
    if (made % 50 === 0) say();
  }
}

await Promise.all(Array.from({ length: 4 }, keepCalling));
say();
await client.close();
process.exit(0);
