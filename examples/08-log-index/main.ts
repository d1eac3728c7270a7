// An index of two logs, asked through two containers of this process: a question goes to whichever has room.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirectNetwork, newClient, runContainer, systemEnv } from "unum";
import { AddressSet, addLogs, logIndexComponent, NodesIndex, parseTimes, recordsOf } from "unum/log-index";

const folder = mkdtempSync(join(tmpdir(), "unum-example-"));
const home = join(folder, "index");
const line = (address: string, time: string, path: string) =>
  `${address} - - [18/May/2015:${time} +0000] "GET ${path} HTTP/1.1" 200 512\n`;

// Two folders of logs, taken in as `unum logs add` does.
for (const [name, lines] of Object.entries({
  shop: [
    line("10.0.0.1", "14:00:01", "/cart"),
    line("10.0.0.2", "14:00:02", "/cart"),
    line("10.0.0.1", "15:30:00", "/pay"),
  ],
  blog: [line("10.0.0.1", "14:00:02", "/news"), line("10.0.0.3", "14:20:00", "/news")],
})) {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, "access.log"), lines.join(""));
  await addLogs({ home, path: join(folder, name), format: "auto" });
}

const env = systemEnv();
const network = new DirectNetwork();
const containers = await Promise.all(
  ["north", "south"].map((id) =>
    runContainer({
      env,
      id,
      transports: [network.transport()],
      listen: [`direct://${id}`],
      components: [logIndexComponent({ folder: home })],
    }),
  ),
);
const client = newClient({ env, transports: [network.transport()], to: ["direct://north", "direct://south"] });

const index = new NodesIndex([{ name: "here", calls: client }]);
const span = parseTimes("2015-05-18T14:00", "+1h", Date.now() / 1000);
for await (const part of index.find({ ...span, addresses: AddressSet.parse(["10.0.0.0/30"]) })) {
  if ("gap" in part) console.log("missing:", part.gap.where, part.gap.why);
  else for (const record of recordsOf(part.batch)) console.log(record.line);
}
const { addresses } = await index.tally({ from: 0, to: 2 ** 32 - 1 }, { addresses: true });
console.log(
  addresses
    .top(1)
    .map(({ address, count }) => `${address}: ${count} records`)
    .join(),
);

await client.close();
await Promise.all(containers.map((container) => container.drain(1_000)));
rmSync(folder, { recursive: true });
