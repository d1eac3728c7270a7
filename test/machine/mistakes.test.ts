// What somebody mistypes, forgets or does in the wrong order: each has its exit code and says the way out.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { endLater, endNodes, ok, tellLogs } from "../cli/node.ts";
import { cleanUp, jsonLines, LIMIT, scratch, unum } from "../cli/unum.ts";
import { founded, twoPorts } from "./machine-nodes.ts";

const linux = process.platform === "linux" ? false : "needs Linux";

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

/** Where no node is. */
const NOBODY = [
  [["machine"], 3, /no node runs here: .*start one with 'unum up'/],
  [["token", "--for", "0s"], 2, /a token for no time lets nobody in/],
  [["load", "nothing.zip"], 2, /there is no file nothing\.zip; 'unum pack' writes an archive/],
  [["pack", "nothing"], 2, /there is no file nothing\/program\.json; it says the program's name/],
  [["grant", "ada.pub", "deployer"], 2, /there is no file ada\.pub; give a public key/],
  [["machin"], 2, /Did you mean machine/],
  [["join", "127.0.0.1:1", "--token", "T", "--open", "127.0.0.1:2"], 2, /'T' is no join token/],
] as const;

/** At a machine with no program in it. */
const FOUNDED = [
  [["up", "--detach"], 4, /a node runs here already: keeper \d+, since /],
  [["start", "thumbnails"], 2, /no program 'thumbnails' is loaded; none is: load one with 'unum load'/],
  [["set", "region", "--remove"], 2, /'region' is no variable of the machine/],
  [["revoke", "nobody"], 2, /'nobody' is no node of this machine; known: n/],
  [["leave"], 4, /is a controller: .*--force leaves all the same/],
] as const;

describe("a mistake", { skip: linux, ...LIMIT }, () => {
  it("is answered with the way out where no node is", LIMIT, async () => {
    const home = await scratch();
    for (const [args, code, why] of NOBODY) {
      const ended = await unum(args, { home, cwd: home });
      assert.equal(ended.code, code, args.join(" "));
      assert.match(ended.stderr, why);
    }
  });

  it("is answered with the way out at a machine, and changes nothing", LIMIT, async () => {
    const home = await founded();
    for (const [args, code, why] of FOUNDED) {
      const ended = await unum(args, { home });
      assert.equal(ended.code, code, `${args.join(" ")}: ${ended.stderr}`);
      assert.match(ended.stderr, why);
    }
    const known = readFileSync(join(home, "machine/machine.json"), "utf8");
    const elsewhere = await unum(["up", "--open", `127.0.0.1:${await twoPorts()}`, "--detach"], { home });
    assert.equal(elsewhere.code, 4, elsewhere.stderr);
    assert.equal(readFileSync(join(home, "machine/machine.json"), "utf8"), known, "it stays open where it is");
    const { token, joinsAt } = JSON.parse(ok(await unum(["token", "--json"], { home })));
    const [host, port] = joinsAt.split(":");
    const joins = async (at: string, open: string) =>
      unum(["join", at, "--token", token, "--open", open, "--detach"], { home: await scratch() });
    const joining = await joins(`${host}:${Number(port) - 1}`, `127.0.0.1:${await twoPorts()}`);
    assert.equal(joining.code, 4);
    assert.match(joining.stderr, /others are let in where 'unum token' says, at the port after/);
    for (const [open, why] of [
      [`${host}:${Number(port) - 1}`, /another process listens there; choose another port/],
      ["203.0.113.7:7000", /this computer has no such address; give one by which the other nodes reach it/],
    ] as const) {
      const unable = await joins(joinsAt, open);
      assert.equal(unable.code, 2, unable.stderr);
      assert.match(unable.stderr, why);
    }
    const nobody = await unum(["set", "region", "north", "--for", "thumbnail"], { home });
    assert.match(ok(nobody), /region = north/);
    assert.match(nobody.stderr, /no program 'thumbnail' is loaded, and nobody reads it before one is/);
    const able = await scratch();
    endLater(able);
    const open = ["--open", `127.0.0.1:${await twoPorts()}`, "--detach"];
    ok(await unum(["join", joinsAt, "--token", token, ...open], { home: able }));
    const unknown = await unum(["revoke", "0a1b2c3d4e5f6071"], { home });
    assert.equal(unknown.code, 0);
    assert.match(unknown.stderr, /was given nothing here; look whether it is the one you mean/);

    const last = async () => jsonLines(await unum(["audit", "--verify", "--json"], { home })).at(-1);
    assert.deepEqual(await last(), { verified: true, broken: "" });
    const folder = join(home, "machine/audit");
    const file = join(folder, readdirSync(folder).find((name) => name.endsWith(".jsonl")) ?? assert.fail("no log"));
    writeFileSync(file, readFileSync(file, "utf8").replace("0a1b2c3d", "0a1b2c3e"));
    assert.equal((await last()).verified, false);
    const tampered = await unum(["audit", "--verify"], { home });
    assert.equal(tampered.code, 1);
    assert.match(tampered.stderr, /tampered with or damaged/);
  });
});
