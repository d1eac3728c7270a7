// Commands from other computers: each by each role at a real door, and what is forged, replayed, downgraded or over.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DescMethod, MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { newClient } from "../../src/client/client.ts";
import { newSigningKey, type SigningKey } from "../../src/machine/keys/signing-key.ts";
import { RULES } from "../../src/machine/privileges/commands.ts";
import { NEEDED, ROLES, type Role } from "../../src/machine/privileges/roles.ts";
import { signing } from "../../src/machine/privileges/signed-command.ts";
import { signRecord } from "../../src/machine/records/signed-record.ts";
import type { Envelope } from "../../src/messages/envelope.ts";
import { Container } from "../../src/messages/gen/unum/control/v1/container_pb.ts";
import { Governed } from "../../src/messages/gen/unum/control/v1/governed_pb.ts";
import { Node } from "../../src/messages/gen/unum/control/v1/node_pb.ts";
import { Machine } from "../../src/messages/gen/unum/machine/v1/machine_pb.ts";
import { RecordSchema, SignedRecordSchema } from "../../src/messages/gen/unum/machine/v1/record_pb.ts";
import { systemEnv } from "../../src/system/env.ts";
import type { Transport } from "../../src/transports/transport.ts";
import { zmtpTransport } from "../../src/transports/zmtp/index.ts";
import { LIMIT } from "../cli/unum.ts";
import { type LocalMachine, type LocalNode, localMachine } from "./local-machine.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const TTL = { ttlMs: 30_000 };

describe("commands from another computer", { skip: linux, ...LIMIT }, () => {
  let machine: LocalMachine;
  let controller: LocalNode;
  const keys: Record<Role | "none", SigningKey> = {
    operator: newSigningKey(),
    deployer: newSigningKey(),
    observer: newSigningKey(),
    none: newSigningKey(),
  };
  const env = systemEnv();
  const transports: Transport[] = [];

  before(async () => {
    machine = await localMachine();
    controller = await machine.add();
    for (const role of ROLES)
      await controller.propose(`grant/${keys[role].id}`, { case: "grant", value: { key: keys[role].raw, role } });
  });
  after(async () => {
    await Promise.all(transports.map((transport) => transport.close()));
    await machine.end();
  });

  /** A way to the door over TLS, as another node has it; signed by nobody unless `key` is given. */
  function wayTo(key?: SigningKey, change: (request: Envelope) => Envelope = (request) => request) {
    const bare = zmtpTransport({ env, tls: controller.tls });
    const changed: Transport = {
      schemes: bare.schemes,
      listen: (at, receive) => bare.listen(at, receive),
      send: (to, request) => bare.send(to, change(request)),
      close: () => bare.close(),
    };
    transports.push(bare);
    const meant = async () => ({ machine: machine.id, node: controller.id });
    const by = { key: async () => key ?? assert.fail(), meant, clock: env.clock, random: env.random };
    const transport = key === undefined ? changed : signing(changed, by);
    return newClient({ env, transports: [transport], to: [controller.door] });
  }

  /** Of each command that needs a role: a call that changes nothing where it is let in. */
  const CALLS: Readonly<Record<string, () => [DescMethod, MessageInitShape<DescMethod["input"]>]>> = {
    "unum.control.v1.Node/Status": () => [Node.method.status, {}],
    "unum.control.v1.Node/SetLimits": () => [Node.method.setLimits, {}],
    "unum.control.v1.Node/Deploy": () => [Node.method.deploy, {}],
    "unum.control.v1.Node/Drain": () => [Node.method.drain, { container: "knobody", graceMs: 0 }],
    "unum.machine.v1.Machine/Show": () => [Machine.method.show, {}],
    "unum.machine.v1.Machine/Audit": () => [Machine.method.audit, {}],
  };

  for (const [path, rule] of RULES) {
    if (rule.needs !== "role") continue;
    for (const role of [...ROLES, "none"] as const) {
      const isAllowed = role !== "none" && ROLES.indexOf(role) <= ROLES.indexOf(NEEDED[rule.command]);
      it(`${path} is ${isAllowed ? "let in" : "refused"} for ${role}`, LIMIT, async () => {
        const [method, message] = (CALLS[path] ?? assert.fail(`no call for ${path}`))();
        const outcome = await wayTo(keys[role])
          // The methods of the table differ in type; each gets a message of its own.
          .call(method as typeof Node.method.status, message as object, TTL)
          .then(
            () => "let in",
            (fault) => fault,
          );
        const wasDenied = outcome !== "let in" && outcome.code === "denied";
        assert.equal(wasDenied, !isAllowed, String(outcome));
        if (!isAllowed) assert.match(outcome.message, new RegExp(`needs the role ${NEEDED[rule.command]}`));
      });
    }
  }

  it("that are signed by nobody are refused, and what is only for its own computer always", LIMIT, async () => {
    const bare = wayTo();
    await assert.rejects(bare.of(Node).drain({ container: "", graceMs: 0 }, TTL), /signed by no key/);
    await assert.rejects(bare.of(Node).status({}, TTL), { code: "denied" });
    const operator = wayTo(keys.operator);
    await assert.rejects(operator.of(Container).drain({ graceMs: 0 }, TTL), /its own computer only/);
    await assert.rejects(operator.of(Governed).assign({ folder: "/" }, TTL), /its own computer only/);
    assert.equal((await bare.of(Machine).head({ name: "" }, TTL)).guarded, true);
    await controller.node.status({}, TTL); // At its own socket nobody is asked for a key.
  });

  it(
    "that are forged, replayed, changed, of another node or over: 10,000 refused, the audit bounded",
    LIMIT,
    async () => {
      const { raw } = keys.operator;
      const before = (await controller.machine.audit({ after: 0n, verify: true }, TTL)).entries.length;
      let sent: Envelope | undefined;
      const note = (request: Envelope) => {
        if (request.to.endsWith("/SetLimits")) sent = request;
        return request;
      };
      await wayTo(keys.operator, note).of(Node).setLimits({ inbox: 500 }, TTL);
      const header = sent?.meta?.["unum-command"] ?? assert.fail();
      const [key = "", expires = "", nonce = "", signature = ""] = header.split(".");
      const headers = [
        header, // Replayed.
        [key, expires, `${nonce}x`, signature].join("."),
        [key, String(Number(expires) + 60_000), nonce, signature].join("."),
        [key, "1", nonce, signature].join("."),
        [Buffer.from(keys.none.raw).toString("base64url"), expires, nonce, signature].join("."),
        [key, expires, nonce, Buffer.from(newSigningKey().sign(raw)).toString("base64url")].join("."),
        "nonsense",
        "",
      ];
      const forger = (text: string) =>
        wayTo(undefined, (request) => ({ ...request, meta: { "unum-command": text } })).of(Node);
      const ways = headers.map(forger);
      const oldRecord = signRecord(
        {
          machine: machine.id,
          name: "variable/region",
          counter: 0n,
          body: { case: "variable", value: { value: "x" } },
        },
        machine.founder,
      );
      await controller.propose("variable/region", { case: "variable", value: { value: "north" } });
      const forged = signRecord(
        {
          machine: machine.id,
          name: "variable/region",
          counter: 99n,
          body: { case: "variable", value: { value: "x" } },
        },
        keys.none,
      );
      const elsewhere = signRecord({ ...oldRecordBody("other"), counter: 99n }, machine.founder);
      const changed = create(SignedRecordSchema, {
        ...oldRecord,
        record: toBinary(RecordSchema, create(RecordSchema, { ...oldRecordBody(machine.id), counter: 99n })),
      });
      const records = [oldRecord, forged, elsewhere, changed];
      const bare = wayTo().of(Machine);
      const letIn = () => assert.fail("it was let in");
      let refused = 0;
      const count = (fault: { code: string }) => {
        if (fault.code === "denied" || fault.code === "invalid") refused++;
        else throw fault;
      };
      for (let round = 0; round < 834; round++) {
        await Promise.all([
          ...ways.map((way) => way.setLimits({ inbox: 1 }, TTL).then(letIn, count)),
          ...records.map((record) => bare.propose({ record }, TTL).then(letIn, count)),
        ]);
      }
      assert.equal(refused, 834 * 12);
      assert.equal((await controller.node.status({}, TTL)).limits?.inbox, 500);
      const region = (await controller.show()).variables.find(({ name }) => name === "region");
      assert.equal(region?.value, "north");
      const { entries, broken } = await controller.machine.audit({ after: 0n, verify: true }, TTL);
      assert.equal(broken, "");
      assert.ok(
        entries.some(
          ({ verdict, why }) => verdict === "refused" && /given before|has not signed|and \d+ more/.test(why),
        ),
      );
      assert.ok(entries.length - before < 250, `${entries.length - before} entries`);
    },
  );

  function oldRecordBody(id: string) {
    return {
      ...{ machine: id, name: "variable/region" },
      body: { case: "variable" as const, value: { value: "x" } },
    };
  }
});
