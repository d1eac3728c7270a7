// Three nodes on three computers, as far as the network shows: mutual TLS between them, gossip under a key, and bad days
// on the roads. Real processes, real packets.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { startNode } from "../governor/node.ts";
import { makeKeys, type TestKeys } from "./certificates.ts";
import { makeHosts, type TestHost, type TestHosts, whyNoNamespaces } from "./namespaces.ts";
import { type NetworkNode, seeEachOther } from "./nodes.ts";

const PORT = 7_000;
/** Ten times what it takes to see that somebody is gone. */
const SEEN_MS = 100_000;
const CALLER = fileURLToPath(new URL("caller.ts", import.meta.url));
const why = whyNoNamespaces();

interface Said {
  readonly made: number;
  readonly ended: Readonly<Record<string, number>>;
}

describe("nodes on three computers", { timeout: 600_000, ...(why === undefined ? {} : { skip: why }) }, () => {
  let network: TestHosts;
  let keys: TestKeys;
  let nodes: NetworkNode[] = [];
  const callers: ChildProcess[] = [];

  const hostOf = (number: number): TestHost => {
    const host = network.hosts[number];
    assert.ok(host);
    return host;
  };
  const nodeOf = (number: number): NetworkNode => {
    const node = nodes[number];
    assert.ok(node);
    return node;
  };

  async function start(host: TestHost, id: string): Promise<NetworkNode> {
    const at = `${host.ip}:${PORT}`;
    const seeds = [`${hostOf(0).ip}:${PORT}`];
    const { gossipKey: keyFile } = keys;
    const gossip = { host: host.ip, port: PORT };
    const set = {
      ...{ id, listen: [`tls://${at}`], tls: keys.tlsOf(host.ip) },
      network: { gossip, seeds, containers: `tls://${host.ip}:0`, keyFile },
    };
    const node = await startNode({ node: { containers: 2, spares: 0 } }, set, host.via);
    return { ...node, id, at };
  }

  /** Calls from a computer by the client library until `end`, which tells what became of all calls. */
  function callFrom(host: TestHost) {
    const told = JSON.stringify({
      seeds: network.hosts.map(({ ip }) => `tls://${ip}:${PORT}`),
      tls: keys.tlsOf(host.ip),
    });
    const [program = "", ...words] = [...host.via, process.execPath, CALLER, told];
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
    callers.push(child);
    let last: Said = { made: 0, ended: {} };
    const listeners = new Set<() => void>();
    createInterface({ input: child.stdout }).on("line", (line) => {
      last = JSON.parse(line);
      for (const listener of listeners) listener();
    });
    const closed = new Promise((resolve) => child.once("close", resolve));
    return {
      get said() {
        return last;
      },
      /** Settles when so many calls more have been made than now. */
      more: (calls: number): Promise<void> => {
        const until = last.made + calls;
        return new Promise((resolve) => {
          const look = () => {
            if (last.made < until) return;
            listeners.delete(look);
            resolve();
          };
          listeners.add(look);
        });
      },
      end: async (): Promise<Said> => {
        child.stdin.end();
        await closed;
        return last;
      },
    };
  }

  const goneFor = async (node: NetworkNode): Promise<readonly string[]> => {
    const { events } = await node.status();
    return events.map(({ text }) => text).filter((text) => / is gone/.test(text));
  };

  before(async () => {
    network = makeHosts(3);
    keys = makeKeys(network.hosts.map(({ ip }) => ip));
    nodes = await Promise.all(network.hosts.map((host, number) => start(host, `n${number + 1}`)));
    await seeEachOther(nodes);
  });
  after(async () => {
    for (const caller of callers) caller.kill("SIGKILL");
    network?.heal();
    await Promise.all(nodes.map((node) => node.end()));
    network?.end();
    if (keys !== undefined) rmSync(keys.folder, { recursive: true, force: true });
  });

  it("call each other in mutual TLS, wherever the caller came in", async () => {
    const caller = callFrom(hostOf(1));
    await caller.more(200);
    const { made, ended } = await caller.end();
    assert.deepEqual(ended, { ok: made });
  });

  it("count nobody as dead while 30 % of all packets are lost, and every call has an outcome", async () => {
    const caller = callFrom(hostOf(2));
    await caller.more(50);
    network.lose(30);
    await caller.more(600);
    network.heal();
    const { made, ended } = await caller.end();
    assert.equal(sumOf(ended), made);
    assert.ok((ended["ok"] ?? 0) > 50, JSON.stringify(ended));
    for (const node of nodes) assert.deepEqual(await goneFor(node), []);
    await seeEachOther(nodes);
  });

  it("do not take for dead whom one of them cannot hear, while another can", async () => {
    const [one, two] = [hostOf(0), hostOf(1)];
    const caller = callFrom(hostOf(2));
    await caller.more(50);
    network.cut(one, two);
    // Suspected by the one that does not hear it, and asked for by way of the third.
    await caller.more(1_500);
    for (const node of nodes) assert.deepEqual(await goneFor(node), []);
    network.heal();
    const { made, ended } = await caller.end();
    assert.equal(sumOf(ended), made);
    await seeEachOther(nodes);
  });

  it("see who is cut off, go on without it, and take it in again", async () => {
    const [one, two, three] = [hostOf(0), hostOf(1), hostOf(2)];
    const caller = callFrom(two);
    await caller.more(50);
    for (const other of [two, three]) {
      network.cut(one, other);
      network.cut(other, one);
    }
    for (const number of [1, 2]) {
      await nodeOf(number).until(
        ({ peers }) => peers.some(({ id, state }) => id === "n1" && state === "dead"),
        SEEN_MS,
      );
    }
    await nodeOf(0).until(({ peers }) => peers.filter(({ state }) => state === "dead").length === 2, SEEN_MS);
    await caller.more(100);
    network.heal();
    await seeEachOther(nodes);
    const { made, ended } = await caller.end();
    assert.equal(sumOf(ended), made);
    assert.ok((ended["ok"] ?? 0) > made / 2, JSON.stringify(ended));
  });
});

function sumOf(ended: Readonly<Record<string, number>>): number {
  return Object.values(ended).reduce((sum, count) => sum + count, 0);
}
