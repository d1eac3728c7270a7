import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Record as SaidRecord } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { newSigningKey, type SigningKey } from "../keys/signing-key.ts";
import { RecordSet } from "../records/record-set.ts";
import { readRecord, signRecord } from "../records/signed-record.ts";
import { checkParentsWord, PARENT_RECORD } from "./links.ts";

type Body = SaidRecord["body"]["case"];

describe("the parent's word on a program", () => {
  const [founder, parent] = [newSigningKey(), newSigningKey()];
  let counter = 0n;
  const said = (key: SigningKey, name: string, body: object, kind: Body) =>
    readRecord(
      // What a test says is of the kind it names.
      signRecord(
        { machine: "mchild", name, counter: ++counter, body: { case: kind, value: body } as SaidRecord["body"] },
        key,
      ),
    );
  const linked = () => {
    const records = new RecordSet();
    const link = { machine: "mparent", node: "n1", key: parent.raw, capabilities: ["log", "send=demo.v1.*"] };
    records.merge(said(founder, PARENT_RECORD, link, "parent"));
    return records;
  };
  const program = (key: SigningKey, granted: readonly string[] = []) =>
    said(key, "program/shop", { running: true, granted: [...granted] }, "program");

  it("is not set against what another key wrote, until that is removed", () => {
    const records = linked();
    records.merge(program(founder));
    assert.throws(() => checkParentsWord(program(parent), records), {
      code: "denied",
      message: /has its own word on it/,
    });
    assert.throws(() => checkParentsWord(said(parent, "program/shop", {}, "removed"), records), { code: "denied" });
    records.merge(said(founder, "program/shop", {}, "removed"));
    checkParentsWord(program(parent), records);
  });

  it("goes on from what it was before", () => {
    const records = linked();
    records.merge(program(parent));
    checkParentsWord(program(parent), records);
    checkParentsWord(said(parent, "program/shop", {}, "removed"), records);
  });

  it("gets the program what the link names, and no more", () => {
    const records = linked();
    checkParentsWord(program(parent, ["log", "send=demo.v1.*"]), records);
    for (const beyond of ["store", "send", "send=other.v1.*"])
      assert.throws(() => checkParentsWord(program(parent, ["log", beyond]), records), {
        code: "denied",
        message: new RegExp(`do not get '${beyond.replace(/[.*]/g, ".")}'`),
      });
  });

  it("is all that is looked at: what others write is not", () => {
    const records = linked();
    records.merge(program(parent));
    checkParentsWord(program(founder, ["store"]), records);
    checkParentsWord(program(parent, ["store"]), new RecordSet());
  });
});
