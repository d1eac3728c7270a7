// Parts with a place: what is for controllers runs there alone, what is for nodes on every one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, describe, it } from "node:test";
import { digestOf } from "../../src/machine/archive/archive.ts";
import { signFile } from "../../src/machine/archive/minisign.ts";
import { trustBy } from "../../src/machine/privileges/trust.ts";
import { PIECE_BYTES } from "../../src/machine/programs/archive-folder.ts";
import { cleanUp, LIMIT, scratch } from "../cli/unum.ts";
import { eventually, type LocalMachine, type LocalNode, localMachine } from "./local-machine.ts";
import { packed } from "./program-folder.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const TTL = { ttlMs: 60_000 };
const [SHRINK, ACCENT] = ["thumbnails.v1.Shrink", "thumbnails.v1.Accent"];
const COMPONENTS = { kind: "component", folder: "components" };
const WASM = {
  ...{ kind: "wasm", module: "wasm/accent.wasm", contract: ACCENT, functions: { Of: "accent_of" }, memoryPages: 64 },
};

let machine: LocalMachine | undefined;
afterEach(async () => {
  await machine?.end();
  machine = undefined;
});
after(cleanUp);

async function put(node: LocalNode, of: LocalMachine, version: string, description: object) {
  const bytes = new Uint8Array(readFileSync(await packed(await scratch(), { version, description })));
  const [digest, total] = [digestOf(bytes), BigInt(bytes.length)];
  const signature = signFile(bytes, of.founder, "test");
  for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
    const piece = bytes.subarray(offset, offset + PIECE_BYTES);
    await node.machine.putArchive({ digest, offset: BigInt(offset), total, bytes: piece, signature }, TTL);
  }
  const trust = trustBy(of.founder, { machine: of.id, program: "thumbnails", digest });
  return { version, digest, bytes: total, trust };
}

/** Contracts that the node's own containers serve. */
async function servedBy({ node }: LocalNode): Promise<readonly string[]> {
  const { containers } = await node.status({}, TTL);
  const own = containers.filter((container) => container.program === "thumbnails");
  return [...new Set(own.flatMap(({ components }) => components.map(({ contract }) => contract)))];
}

describe("a program whose parts have places", { skip: linux, ...LIMIT }, () => {
  it("runs each where it belongs, and a node without any part of it runs nothing", LIMIT, async () => {
    machine = await localMachine();
    const controller = await machine.add({ containers: 2 });
    const plain = await machine.add({ containers: 2 });
    const parts = [{ ...COMPONENTS, place: "controllers" }, WASM];
    const first = await put(controller, machine, "1.0.0", { parts });
    const wanted = { running: true, graceMs: 1_000, mayBreak: true };
    await controller.propose("program/thumbnails", {
      case: "program",
      value: { ...wanted, loaded: [first], digest: first.digest },
    });
    const isThere = (contracts: readonly string[]) => (served: readonly string[]) =>
      [...served].sort().join() === [...contracts].sort().join();
    await eventually("the controller has both parts", () => servedBy(controller), isThere([SHRINK, ACCENT]));
    await eventually("the other node has its own alone", () => servedBy(plain), isThere([ACCENT]));
    const states = async () => {
      const { programs } = await controller.show();
      const { state = "", nodes = [] } = programs[0] ?? {};
      return { state, at: Object.fromEntries(nodes.map((node) => [node.node, node.state])) };
    };
    await eventually("it runs", states, ({ state, at }) => state === "running" && at[plain.id] === "running");

    const { programs } = await controller.show();
    assert.deepEqual(
      programs[0]?.nodes.flatMap(({ problems }) => problems),
      [],
    );

    // The next version is for controllers alone.
    const second = await put(controller, machine, "1.1.0", { parts: [COMPONENTS, WASM], runsOn: "controllers" });
    await controller.propose("program/thumbnails", {
      case: "program",
      value: { ...wanted, loaded: [first, second], digest: second.digest },
    });
    await eventually("the other node has nothing of it", () => servedBy(plain), isThere([]));
    await eventually("the controller goes on", () => servedBy(controller), isThere([SHRINK, ACCENT]));
    await eventually(
      "and that is what it should be",
      states,
      ({ state, at }) => state === "running" && at[plain.id] === "elsewhere",
    );
  });
});
