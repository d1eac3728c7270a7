// Machines as nodes of machines, three deep, with real processes: calls both ways, what each may, and who is killed meanwhile.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { newClient, systemEnv, zmtpTransport } from "../../src/index.ts";
import { Container } from "../../src/messages/gen/unum/control/v1/container_pb.ts";
import { Node } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { Machine } from "../../src/messages/gen/unum/machine/v1/machine_pb.ts";
import { endNodes, ok, runs, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, scratch, unum } from "../cli/unum.ts";
import { First, Third } from "../gen/unum/test/v1/chain_pb.ts";
import { view } from "./machine-nodes.ts";
import { machine, stacked, TEST_CONTRACTS, way } from "./stacked-machines.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const TTL = { ttlMs: 60_000 };

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

describe("machines three deep", { skip: linux, ...LIMIT }, () => {
  it("call each other both ways, and nothing that a call carries grows on its way", LIMIT, async () => {
    const [top, middle, bottom] = [await machine("top"), await machine("middle"), await machine("bottom")];
    await stacked(top, middle);
    await stacked(middle, bottom);
    const [down] = await way(top, "Third");
    assert.deepEqual({ ...down, ms: 0, container: "" }, { name: "Third", deep: 2, ms: 0, path: 3, container: "" });
    const steps = await way(bottom, "First", ["Third", "Second"]);
    assert.deepEqual(
      steps.map(({ name, deep, path }) => [name, deep, path]),
      [
        ["First", 0, 3],
        ["Third", 2, 3],
        ["Second", 1, 2],
      ],
    );
    const left = [60_000, ...steps.map(({ ms }) => ms)];
    for (const [place, ms] of left.slice(1).entries()) assert.ok(ms <= (left[place] ?? 0), `${left} ms are left`);

    const staying = await unum(["call", "unum.test.v1.First/Go", '{"way":["Third!"]}'], { home: bottom });
    assert.notEqual(staying.code, 0, "its scope ends before the gateway");
    assert.match(staying.stderr, /no address is known for unum.test.v1.Third/);

    // One runs at the bottom and takes two calls; the third, which a caller at the top waits with, has another started there.
    ok(await unum(["limits", "--containers", "2", "--inbox", "1"], { home: bottom }));
    const folder = join(await scratch(), "2");
    await mkdir(folder);
    const side = await Promise.all([1, 2, 3].map(() => way(top, "Third", [folder])));
    assert.equal(new Set(side.map(([step]) => step?.container)).size, 2);

    const { nodes, machine: own } = await view(top);
    const child = nodes.find((node: { machine: boolean }) => node.machine);
    const { machine: id, ancestors, link } = await view(middle);
    assert.deepEqual([child.id, child.online, child.calls], [id, true, [TEST_CONTRACTS]]);
    assert.deepEqual([ancestors, link.state], [[own], "joined"]);
    assert.deepEqual((await view(bottom)).ancestors, [id, own]);
  });

  it("let through what both sides allow, and let no child ask what only operators and nodes may", LIMIT, async () => {
    const [top, middle] = [await machine("top"), await machine("middle")];
    const open = await stacked(top, middle);
    await way(top, "Second");
    await way(middle, "First");
    const env = systemEnv();
    const read = (path: string) => readFile(join(path), "utf8");
    const tlsOf = async (folder: string) => ({
      key: await read(join(folder, "node.key")),
      cert: await read(join(folder, "node.crt")),
      ca: await read(join(folder, "ca.pem")),
    });
    const asNode = zmtpTransport({ env, tls: await tlsOf(join(top, "machine/identity")) });
    const asChild = zmtpTransport({ env, tls: await tlsOf(join(middle, "machine/parent/identity")) });
    try {
      const gateway = newClient({ env, transports: [asNode], to: [`tls://${open}`] });
      const denied = (why: RegExp) => (error: { code: string; message: string }) => {
        assert.deepEqual([error.code, why.test(error.message)], ["denied", true], error.message);
        return true;
      };
      await assert.rejects(gateway.of(Third).go({}, { ...TTL, scope: "network" }), denied(/its scope ends before/));
      for (const asked of [
        gateway.of(Node).drain({}, TTL),
        gateway.of(Node).status({}, TTL),
        gateway.of(Machine).show({}, TTL),
        gateway.of(Container).drain({}, TTL),
      ])
        await assert.rejects(asked, denied(/is not asked of a machine that is a node/));
      const { doors, containers } = await statusOf(top);
      const door = newClient({ env, transports: [asChild], to: [doors.find((at: string) => at.startsWith("tls:"))] });
      const { node } = await view(top);
      for (const asked of [
        door.of(Node).find({}, TTL),
        door.of(Node).status({}, TTL),
        door.of(Machine).head({}, TTL),
        door.of(Node).demand({ contract: "other.v1.Thing", withinMs: 1 }, TTL),
        door.of(Machine).exchange({ node }, TTL),
      ])
        await assert.rejects(
          asked,
          denied(/^(?:machine m\w+ (?:may call|speaks in)|unum\.\S+ is not asked by a machine)/),
        );

      // What the parent said, at the parent's own containers.
      const { machine: id } = await view(middle);
      const { addresses } = containers.find(({ state }: { state: string }) => state === "serving");
      const inside = newClient({
        env,
        transports: [asChild],
        to: [addresses.find((at: string) => at.startsWith("tls:"))],
      });
      assert.equal((await inside.of(First).go({}, TTL)).passed.length, 1);
      ok(await unum(["token", "--machine", id, "--calls", "other.v1.*"], { home: top }));
      await until("it may not any more", async () =>
        inside
          .of(First)
          .go({}, TTL)
          .then(
            () => false,
            ({ code, message }) => code === "denied" && /may call other\.v1\.\* here, and not unum\.test/.test(message),
          ),
      );
      await until(
        "nobody offers it to it",
        async () => (await unum(["call", "unum.test.v1.First/Go", "{}"], { home: middle })).code !== 0,
      );

      // What the child exports.
      ok(await unum(["stack", "--calls", TEST_CONTRACTS], { home: middle }));
      await until("nothing goes in", () =>
        gateway
          .of(Third)
          .go({}, TTL)
          .then(
            () => false,
            ({ code, message }) => code === "denied" && /exports nothing, and not unum\.test\.v1\.Third/.test(message),
          ),
      );
      ok(await unum(["revoke", id], { home: top }));
      await until("its connection is gone and none is taken", () =>
        inside
          .of(First)
          .go({}, { ttlMs: 5_000 })
          .then(
            () => false,
            ({ code }) => code === "undeliverable" || code === "unknown",
          ),
      );
    } finally {
      await Promise.all([asNode.close(), asChild.close()]);
    }
  });

  it("go on when the middle one's governor, its gateway, or all of it is killed", LIMIT, async () => {
    const [top, middle, bottom] = [await machine("top"), await machine("middle"), await machine("bottom")];
    await stacked(top, middle);
    await stacked(middle, bottom);
    await way(top, "Third");
    const gatewayOf = async () =>
      Number(
        /process (\d+)/.exec(
          (await eventsOf(middle)).findLast((text) => /gateway .* is started/.test(text)) ?? "",
        )?.[1],
      );
    const gateway = await gatewayOf();
    const { pid } = await statusOf(middle);
    process.kill(pid, "SIGKILL");
    await way(top, "Third");
    await until(
      "it is governed again",
      () => statusOf(middle),
      (status) => status.pid !== pid,
    );
    await until(
      "the gateway is still the same",
      () => view(middle),
      ({ link }) => link.state === "joined",
    );
    assert.ok(runs(gateway));

    process.kill(gateway, "SIGKILL");
    await until(
      "another has taken its place",
      () => view(middle),
      ({ link }) => link.state === "joined",
    );
    await way(top, "Third");
    await way(bottom, "First");
    assert.ok(!runs(gateway));

    ok(await unum(["down"], { home: middle }));
    await until(
      "the bottom knows that it is cut off",
      () => view(bottom),
      ({ link }) => link.state === "cut off",
    );
    const [here] = await way(bottom, "Third");
    assert.equal(here?.path, 1, "by itself it goes on");
    await until(
      "the top knows since when",
      () => view(top),
      ({ nodes }) => nodes.some((node: { machine: boolean; online: boolean }) => node.machine && !node.online),
    );
    ok(
      await unum(["up", "--detach", "--json", "--components", join(import.meta.dirname, "stacked/middle")], {
        home: middle,
      }),
    );
    await way(top, "Third");
    await way(bottom, "First");
  });
});

async function eventsOf(home: string): Promise<readonly string[]> {
  return (await statusOf(home)).events.map(({ text }: { text: string }) => text);
}
