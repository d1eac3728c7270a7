import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "../base/fault.ts";
import { type Envelope, envelope, Kind } from "../messages/envelope.ts";
import { PendingReply, type ReplyReader, readReply } from "./pending-reply.ts";

const reply = envelope({ kind: Kind.REPLY, id: 7 });
const failure = new Fault("unknown", "the connection ended");

/** Notes what it is told, under a name. */
function reader(notes: string[], name: string): ReplyReader {
  return {
    replied: ({ id }: Envelope) => notes.push(`${name}: reply ${id}`),
    failed: ({ message }) => notes.push(`${name}: ${message}`),
  };
}

describe("a pending reply", () => {
  it("tells its readers while it settles, in the order they came, and later ones at once", () => {
    const notes: string[] = [];
    const pending = new PendingReply();
    for (const name of ["first", "second", "third"]) pending.read(reader(notes, name));
    assert.deepEqual(notes, []);
    pending.resolve(reply);
    pending.read(reader(notes, "late"));
    assert.deepEqual(notes, ["first: reply 7", "second: reply 7", "third: reply 7", "late: reply 7"]);
  });

  it("settles once", () => {
    const notes: string[] = [];
    const pending = new PendingReply();
    pending.read(reader(notes, "it"));
    pending.reject(failure);
    pending.reject(new Fault("internal", "again"));
    pending.resolve(reply);
    pending.read(reader(notes, "late"));
    assert.deepEqual(notes, ["it: the connection ended", "late: the connection ended"]);
  });

  it("may be awaited like a promise, before it settles and after", async () => {
    const pending = new PendingReply();
    const awaited = pending.then(({ id }) => id);
    pending.resolve(reply);
    assert.equal(await awaited, 7);
    assert.equal(await pending, reply);
    const failed = new PendingReply();
    failed.reject(failure);
    await assert.rejects(failed, failure);
    assert.equal(await failed.catch(() => "caught"), "caught");
    let ended = 0;
    await pending.finally(() => ended++);
    assert.equal(ended, 1);
  });

  it("is read from a promise too, whatever that rejects with", async () => {
    const notes: string[] = [];
    readReply(Promise.resolve(reply), reader(notes, "it"));
    readReply(Promise.reject("a text"), reader(notes, "it"));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(notes, ["it: reply 7", "it: a text"]);
  });
});
