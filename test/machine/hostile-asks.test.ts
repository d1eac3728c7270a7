// A confined child that speaks to its container as no cell does: whatever it asks for, it gets what it was granted and no more, or
// it is ended; and its container goes on.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Greeter, GreetingSchema } from "../../examples/01-one-process/components/greeter/gen/greeter_pb.ts";
import type { Call } from "../../src/container/call.ts";
import { brokerOf } from "../../src/container/cell/broker.ts";
import { Cell } from "../../src/container/cell/cell.ts";
import { schemaOf } from "../../src/messages/schema.ts";
import { systemClock } from "../../src/system/clock.ts";
import { confinementLayers, startConfined } from "../../src/system/confinement.ts";

const missing = confinementLayers().find(({ present }) => !present);
const skip = missing === undefined ? false : `this system cannot confine: ${missing.text}`;

/** Sends the frames it is told to, and answers with what came back within a while. */
const CHILD = `
const KINDS = { loaded: 2, reply: 4, error: 5, ask: 7, pong: 10, item: 12, want: 13, drop: 15, answer: 8, part: 14, nonsense: 99 };
const socket = new (require("node:net").Socket)({ fd: 3, readable: true, writable: true });
const send = (kind, head, body = Buffer.alloc(0)) => {
  const text = Buffer.from(JSON.stringify(head));
  const frame = Buffer.alloc(7 + text.length + body.length);
  frame.writeUInt32BE(3 + text.length + body.length, 0); frame.writeUInt8(KINDS[kind], 4); frame.writeUInt16BE(text.length, 5);
  text.copy(frame, 7); body.copy(frame, 7 + text.length); socket.write(frame);
};
let held = Buffer.alloc(0), told = [], call;
socket.on("data", (data) => {
  held = Buffer.concat([held, data]);
  while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
    const frame = held.subarray(4, 4 + held.readUInt32BE(0)); held = held.subarray(4 + frame.length);
    const kind = frame[0], end = 3 + frame.readUInt16BE(1), head = JSON.parse(frame.subarray(3, end)), body = frame.subarray(end);
    if (kind === 1) send("loaded", {});
    else if (kind === 9) send("pong", {});
    else if (kind === 3) {
      call = head.id; told = [];
      const { frames, expect } = JSON.parse(body);
      for (const f of frames) for (let i = 0; i < (f.times ?? 1); i++) send(f.kind, { id: call, ask: 1, ...f.head, ...(f.times ? { ask: i + 1 } : {}) }, Buffer.from(f.body ?? "", "base64"));
      if (expect === 0) send("reply", { id: call }, Buffer.from("[]"));
      call = { id: call, expect };
    } else if (kind === 8) {
      told.push(head.error ? head.error.code + ": " + head.error.message : "got it");
      if (told.length === call.expect) send("reply", { id: call.id }, Buffer.from(JSON.stringify(told)));
    }
  }
});
`;

const home = mkdtempSync(join(tmpdir(), "unum-hostile-"));
const program = join(home, "child.cjs");
writeFileSync(program, CHILD);
after(() => rmSync(home, { recursive: true }));

const schema = Buffer.from(toBinary(FileDescriptorSetSchema, schemaOf([Greeter])));
const GREET = "example.v1.Greeter/Greet";
const asking = (head: object, body: Buffer = schema) => ({
  ...{ kind: "ask", body: body.toString("base64") },
  head: { verb: "call", path: GREET, schema: body.length, ...head },
});

/** What was asked of the container in the end, whatever the child said. */
let asked: string[] = [];

async function world(
  granted: readonly string[],
  use: (told: (frames: object[], expect: number) => Promise<string[]>) => Promise<void>,
) {
  asked = [];
  const note = (verb: string) => async (method: { parent: { typeName: string } }) => {
    asked.push(`${verb} ${method.parent.typeName}`);
    return create(GreetingSchema, { text: "hello" });
  };
  const call = {
    ...{ from: ["t"], meta: {}, idempotencyKey: "", traceparent: "", container: "k", msLeft: 60_000 },
    ...{
      signal: new AbortController().signal,
      call: note("call"),
      send: () => new Promise(() => {}),
      stream: () => assert.fail(),
    },
  } as unknown as Call;
  const settings = { program, readable: [home], granted: [], heapMiB: 64, say: () => {} };
  const cell = new Cell({
    ...{ clock: systemClock(), load: {}, limit: "loop", answer: brokerOf(granted) },
    start: async () => startConfined(settings),
  });
  try {
    await use(async (frames, expect) => {
      const body = Buffer.from(JSON.stringify({ frames, expect }));
      return JSON.parse(Buffer.from(await cell.call({ path: "x/y", body, call, budgetMs: 30_000 })).toString());
    });
  } finally {
    await cell.close();
  }
}

describe("a confined child that asks for what it should not", { skip, timeout: 300_000 }, () => {
  it("is denied the control plane and what it was not granted, whatever it calls it", async () => {
    await world(["send=example.v1.Greeter", "log", "net"], async (told) => {
      for (const path of [
        "unum.control.v1.Node/Drain",
        "unum.control.v1.Container/Drain",
        "unum.control.v1.Governed/Assign",
        "unum.machine.v1.Machine/Propose",
        "unum.machine.v1.Machine/Facts",
        "unum.machine.v1.Functions/Describe",
        "unum.machine.v1.Store/Get",
        "unum.machine.v1.Timer/Set",
        "unum.wire.v1.Any/Thing",
        "example.v1.Greeters/Greet",
        "example.v1.Greeter.Greet",
        "example.v1/Greeter/Greet",
        "/",
        "",
        "__proto__/constructor",
      ]) {
        const [answer = ""] = await told([asking({ path })], 1);
        assert.match(answer, /^denied: /, `${path}: ${answer}`);
      }
      assert.deepEqual(asked, []);
      assert.deepEqual(await told([asking({})], 1), ["got it"]);
    });
    // Even with everything granted nothing of the control plane is asked.
    await world(["send", "machine", "store", "timer", "exec", "net"], async (told) => {
      for (const path of ["unum.control.v1.Node/Drain", "unum.machine.v1.Machine/Propose"])
        assert.match((await told([asking({ path })], 1))[0] ?? "", /^denied: .*control plane/);
      assert.deepEqual(asked, []);
    });
  });

  it("is told that it makes no sense", async () => {
    await world(["send"], async (told) => {
      for (const head of [
        { verb: "explode" },
        { verb: "__proto__" },
        { verb: undefined },
        { path: "example.v1.Greeter/Explode" },
        { path: "example.v1.Nobody/Greet" },
        { schema: 3 },
        { schema: -1 },
        { schema: "x" },
        { schema: 1e9 },
        { ttlMs: "soon" },
        { ttlMs: { toString: 1 } },
        { withinMs: -1 },
        { scope: "everywhere" },
        { prefer: { key: 7 } },
        { meta: { a: 1 } },
        { credit: 1e9 },
        { idempotencyKey: ["x"] },
        { verb: "result", of: 77 },
      ]) {
        const [answer = ""] = await told([asking(head)], 1);
        assert.match(answer, /^(?:invalid|not-found): /, `${JSON.stringify(head)}: ${answer}`);
      }
      assert.deepEqual(asked, []);
      const garbage = Buffer.from("garbage that is no descriptor");
      assert.doesNotMatch((await told([asking({}, garbage)], 1))[0] ?? "", /got it/);
      assert.deepEqual(asked, []);
    });
  });

  it("is ended, and the next call has another, where it speaks as none does", async () => {
    await world(["send"], async (told) => {
      for (const frames of [
        [{ kind: "nonsense" }],
        [{ kind: "reply", head: { id: 999 } }],
        [{ kind: "item", head: {} }],
        [{ kind: "part", head: {} }],
        [asking({ verb: "send" }), { kind: "want", head: { count: -1 } }],
        [asking({ verb: "send", ask: 5 }), asking({ verb: "send", ask: 5 })],
      ]) {
        const outcome = await told(frames, 99).catch((error) => String(error));
        assert.match(String(outcome), /its cell ended/, JSON.stringify(frames).slice(0, 80));
        assert.deepEqual(await told([asking({})], 1), ["got it"]);
      }
    });
  });

  it("asks in the name of no call but one that it works on, and of so much at a time", async () => {
    await world(["send"], async (told) => {
      assert.match((await told([asking({ id: 12_345 })], 1))[0] ?? "", /^cancelled: the call in whose name/);
      // Those that are let in wait for ever.
      const many = await told([{ ...asking({ verb: "send" }), times: 1_000 }], 1_000 - 256);
      assert.ok(
        many.every((answer) => answer.startsWith("overloaded: a cell may ask for 256")),
        many[0] ?? "none",
      );
    });
  });
});
