// Nodes that listen at every address of their computer and are told of by one: real processes, mutual TLS.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, it } from "node:test";
import { readTlsFiles } from "../../src/cli/tls-files.ts";
import { newClient, systemEnv, zmtpTransport } from "../../src/index.ts";
import { Container } from "../../src/messages/gen/unum/control/v1/container_pb.ts";
import { endNodes, ok, tellLogs, until, up } from "../cli/node.ts";
import { cleanUp, scratch, trouble, unum } from "../cli/unum.ts";
import { makeKeys } from "./certificates.ts";
import { freePort } from "./nodes.ts";

const HOST = "127.0.0.1";

after(async () => {
  await endNodes();
  await cleanUp();
});

it("nodes at 0.0.0.0 find each other, and are reached, by the host that they tell", {
  timeout: 600_000,
}, async (test) => {
  const keys = makeKeys([HOST]);
  const { tlsKey = "", tlsCert = "", tlsCa = "" } = keys.tlsOf(HOST);
  const tls = ["--tls-key", tlsKey, "--tls-cert", tlsCert, "--tls-ca", tlsCa];
  try {
    const start = async (seeds: readonly string[]) => {
      const [port, home] = [await freePort("0.0.0.0"), await scratch()];
      const at = ["--listen", `0.0.0.0:${port}`, "--advertise", HOST, "--gossip-key", keys.gossipKey, ...tls];
      const node = await up(trouble, [...at, ...seeds.flatMap((seed) => ["--seeds", seed])], { home });
      return { home, at: `${HOST}:${port}`, node };
    };
    const one = await start([]);
    const two = await start([one.at]);
    for (const [here, there] of [
      [one, two],
      [two, one],
    ] as const) {
      await until(
        "each tells the other's door as it is reached",
        () => here.node.status(),
        ({ peers }) => peers.some(({ doors, state }: Peer) => state === "alive" && doors.includes(`tls://${there.at}`)),
      );
    }
    const { doors } = await two.node.status();
    assert.deepEqual(doors, [`ipc://${two.home}/run/door.sock`, `tls://${two.at}`]);
    // By the door that others are told, and by an address of a container that they are told.
    const described = ok(await unum(["describe", "--json", "--to", `tls://${one.at}`, ...tls], { home: two.home }));
    assert.match(described, /unum\.test\.v1\.Modes/);
    const { containers } = await two.node.status();
    const addresses: string[] = containers.flatMap((each: { addresses: string[] }) => each.addresses);
    const reached = addresses.filter((address) => address.startsWith("tls:"));
    assert.ok(reached.length > 0, JSON.stringify(addresses));
    for (const address of reached) assert.match(address, /^tls:\/\/127\.0\.0\.1:\d+$/);
    const env = systemEnv();
    const told = await readTlsFiles(keys.tlsOf(HOST));
    const client = newClient({ env, transports: [zmtpTransport({ env, ...(told && { tls: told }) })], to: reached });
    assert.match((await client.of(Container).describe({}, { ttlMs: 60_000 })).container, /^k/);
    await client.close();
  } catch (error) {
    tellLogs({ ...test, passed: false });
    throw error;
  } finally {
    rmSync(keys.folder, { recursive: true, force: true });
  }
});

interface Peer {
  readonly state: string;
  readonly doors: readonly string[];
}
