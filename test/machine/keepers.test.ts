// Keepers of a program with one owner that are gone for good: an operator is told, and what he is told to say mends it. Real nodes.

import assert from "node:assert/strict";
import { after, afterEach, describe, it } from "node:test";
import { endNodes, ok, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, unum } from "../cli/unum.ts";
import { founded, joined, online, view } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const PLAN = [
  "call",
  "thumbnails.v1.Shrink/Plan",
  '{"width":400,"height":300,"longest":40}',
  "--within",
  "20s",
  "--ttl",
  "30s",
];

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what the command printed
const program = async (home: string): Promise<any> => (await view(home)).programs[0];

/** The command that a text names, word by word. */
function commandIn(text: string): readonly string[] {
  const [, command = ""] = /'unum (start thumbnails --keeper [^']*)'/.exec(text) ?? [];
  assert.notEqual(command, "", text);
  return command.split(" ");
}

describe("keepers of a program", { skip: linux, ...LIMIT }, () => {
  it("that are gone for good are said, with the command that names others, which mends it", async () => {
    const first = await founded();
    const others = [await joined(first, ["--controller"]), await joined(first, ["--controller"])];
    await until("the machine is three", () => view(first), online(3));
    const ids: string[] = [];
    for (const home of [first, ...others]) ids.push((await view(home)).node);
    const description = { disconnected: { policy: "replace", afterMs: 5_000 } };
    ok(await unum(["load", await packed(first, { version: "1.0.0", description })], { home: first }));
    const started = await unum(["start", "thumbnails"], { home: first });
    ok(started);
    assert.doesNotMatch(started.stderr, /keepers/);
    const { owner, problems } = await program(first);
    assert.deepEqual(problems, []);

    // One of three, which is not the owner: it goes on, and no other may be lost.
    const lost = ids.findLast((id) => id !== owner.node && id !== ids[0]) ?? assert.fail();
    const revoked = await unum(["revoke", lost], { home: first });
    ok(revoked);
    const says = new RegExp(`of its 3 keepers ${lost} no part of the machine any more: 2 of them can vote, 2 have to`);
    assert.match(revoked.stderr, says);
    assert.match(ok(await unum(["machine"], { home: first })), says);
    assert.match(ok(await unum(["describe", "thumbnails"], { home: first })), says);
    ok(await unum(commandIn(revoked.stderr), { home: first }));
    assert.deepEqual((await program(first)).problems, []);
    assert.equal((await program(first)).wanted.keepers.length, 2);
    ok(await unum(PLAN, { home: first }));

    // The owner itself, and with it more than half of the keepers.
    const [, second = ""] = ids.filter((id) => id !== lost);
    ok(await unum(["start", "thumbnails", "--on", second], { home: first }));
    await until(
      "it is the owner",
      () => program(first),
      (found) => found.owner?.node === second,
    );
    const again = await unum(["revoke", second], { home: first });
    assert.match(again.stderr, /1 of them can vote, 2 have to; without them it ends, and nobody is voted for/);
    assert.match(again.stderr, /none of the nodes that it is to run on is part of the machine any more; .* --on NODE/);
    ok(await unum([...commandIn(again.stderr), "--on", ids[0] ?? ""], { home: first }));
    const mended = await until(
      "it has an owner again",
      () => program(first),
      (found) => found.owner?.node === ids[0],
    );
    assert.deepEqual(mended.problems, []);
    ok(await unum(PLAN, { home: first }));
  });
});
