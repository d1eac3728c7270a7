// A program that is started at the top runs at the bottom: as far as each machine on the way lets it, and as its own operators say.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { endNodes, ok, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, scratch, unum } from "../cli/unum.ts";
import { founded, token, twoPorts, view } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";
import { stacked } from "./stacked-machines.ts";

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
const runsHere = (shown: any) =>
  program(shown)?.nodes.some(
    ({ node, state }: { node: string; state: string }) => node === shown.node && state === "running",
  );
// biome-ignore lint/suspicious/noExplicitAny: as above
const program = (shown: any) => shown.programs.find(({ name }: { name: string }) => name === "thumbnails");

describe("a program of the parent", { skip: linux, ...LIMIT }, () => {
  it(
    "runs three deep under the rights that each machine grants, and is gone when a machine is taken out",
    LIMIT,
    async () => {
      const [top, middle, bottom] = [await founded(), await founded(), await founded()];
      const rights = ["--program", "thumb*", "--grant", "machine"];
      await stacked(top, middle, { args: [...rights, "--trusted", "--export", "thumbnails.v1.*"] });
      await stacked(middle, bottom, { args: ["--program", "other*", "--export", "thumbnails.v1.*"] });
      const description = { capabilities: ["machine", "send"] };
      ok(await unum(["load", await packed(top, { version: "1.0.0", description })], { home: top }));
      const terms = ["--grant", "machine", "--grant", "send", "--memory", "512MiB"];
      ok(await unum(["start", "thumbnails", ...terms], { home: top }));
      const atMiddle = await until("it runs in the middle", () => view(middle), runsHere);
      assert.deepEqual(program(atMiddle).granted, ["machine"], "send it gets at the top alone");
      assert.equal(program(atMiddle).by, atMiddle.link.key);
      assert.equal(program(atMiddle).wanted.limits.memoryBytes, 512 * 2 ** 20, "the parent's limits hold here too");
      assert.equal(program(await view(top)).nodes.length, 2, "this machine is one node");

      // The bottom lets its parent run something else, and nothing inline.
      const why = async () => (await view(bottom)).link.problems.join();
      await until("it says that it is not trusted", why, (text) => /is not trusted with/.test(text));
      ok(await unum(["stack", "--program", "other*", "--trusted", "--export", "thumbnails.v1.*"], { home: bottom }));
      await until("it says what its grant is", why, (text) => /this key may deploy other\*/.test(text));
      assert.equal(program(await view(bottom)), undefined);
      ok(await unum(["stack", "--program", "thumb*", "--trusted", "--export", "thumbnails.v1.*"], { home: bottom }));
      const atBottom = await until("it runs", () => view(bottom), runsHere);
      assert.deepEqual(program(atBottom).granted, []);
      assert.equal(JSON.parse(ok(await unum(PLAN, { home: bottom }))).version, "1.0.0");
      assert.deepEqual(atBottom.link.problems, []);

      // What runs inline ends when its machine is not trusted with that any more.
      ok(await unum(["stack", "--program", "thumb*", "--export", "thumbnails.v1.*"], { home: bottom }));
      await until(
        "none of its containers is left",
        () => statusOf(bottom),
        ({ containers }) => containers.every((each: { program: string }) => each.program !== "thumbnails"),
      );
      await until("it says why", why, (text) => /is not trusted with/.test(text));
      ok(await unum(["stack", "--program", "thumb*", "--trusted", "--export", "thumbnails.v1.*"], { home: bottom }));
      await until("it runs again", () => view(bottom), runsHere);

      // The next version comes by the same way.
      ok(await unum(["load", await packed(top, { version: "1.1.0", description })], { home: top }));
      ok(await unum(["start", "thumbnails"], { home: top }));
      await until(
        "it is replaced at the bottom",
        async () => JSON.parse(ok(await unum(PLAN, { home: bottom }))).version,
        (version) => version === "1.1.0",
      );

      // What the bottom's own operator says of it counts as long as it stands.
      ok(await unum(["stop", "thumbnails"], { home: bottom }));
      await until(
        "the parent is told why",
        () => view(middle),
        (shown) =>
          program(shown).nodes.some(({ problems }: { problems: string[] }) =>
            problems.some((text) => /has its own word on it/.test(text)),
          ),
      );
      assert.equal(program(await view(bottom)).running, false);
      ok(await unum(["unload", "thumbnails"], { home: bottom }));
      await until("the parent's word counts again", () => view(bottom), runsHere);
      const { key } = (await view(bottom)).link;
      const audit = ok(await unum(["audit", "--json"], { home: bottom }));
      for (const verdict of ["done", "refused"])
        assert.match(audit, new RegExp(`"who":"${key}","what":"\\w+ program/thumbnails","verdict":"${verdict}"`));

      ok(await unum(["unstack"], { home: bottom }));
      assert.deepEqual([(await view(bottom)).parent, program(await view(bottom))], ["", undefined]);
      await until("nothing of it is left there", () => readdirSync(join(bottom, "machine/programs")).length === 0);
      assert.ok(!readdirSync(join(bottom, "machine")).includes("parent"));
      assert.ok(runsHere(await view(middle)), "in the middle it goes on");
      ok(await unum(["unload", "thumbnails"], { home: top }));
      await until("and is gone when the top says so", async () => program(await view(middle)) === undefined);
    },
  );

  it("never makes a circle: no machine becomes its own ancestor, and a token is for one machine", LIMIT, async () => {
    const [top, bottom] = [await founded(), await founded()];
    await stacked(top, bottom);
    const { machine: id } = await view(top);
    const { token: text, joinsAt } = await token(bottom, ["--machine", id]);
    const refused = await unum(["stack", joinsAt, "--token", text, "--open", "127.0.0.1:20001"], { home: top });
    assert.equal(refused.code, 4);
    assert.match(refused.stderr, /would be its own ancestor/);
    assert.match(
      ok(await unum(["audit", "--json"], { home: bottom })),
      new RegExp(`"what":"join node/${id}","verdict":"refused","why":"[^"]*its own ancestor`),
    );

    const other = await founded();
    const { machine: another } = await view(other);
    const { token: hers, joinsAt: there } = await token(top, ["--machine", another]);
    const twice = await unum(["stack", there, "--token", hers, "--open", "127.0.0.1:20001"], { home: bottom });
    assert.match(twice.stderr, /is a node of machine \w+ already/);
    const wrong = await unum(["join", there, "--token", hers, "--open", "127.0.0.1:20001", "--detach"], {
      home: await scratch(),
    });
    assert.match(wrong.stderr, new RegExp(`the token is for machine ${another}`));
    const plain = await token(top);
    const asMachine = await unum(["stack", plain.joinsAt, "--token", plain.token, "--open", "127.0.0.1:20001"], {
      home: other,
    });
    assert.match(asMachine.stderr, /the token is for a computer, not for a machine/);

    // At the same moment neither may know of the other: then both find it out, and pass nothing on.
    const last = await founded();
    const { machine: lastId } = await view(last);
    const [forLast, forOther] = [
      await token(other, ["--machine", lastId, "--calls", "*"]),
      await token(last, ["--machine", another, "--calls", "*"]),
    ];
    const all = ["--export", "*", "--calls", "*"];
    const open = async () => `127.0.0.1:${await twoPorts()}`;
    const both = await Promise.all([
      unum(["stack", forLast.joinsAt, "--token", forLast.token, "--open", await open(), ...all], { home: last }),
      unum(["stack", forOther.joinsAt, "--token", forOther.token, "--open", await open(), ...all], { home: other }),
    ]);
    assert.ok(both.some(({ code }) => code === 0));
    if (both.every(({ code }) => code === 0)) {
      for (const home of [other, last])
        await until(
          "it finds itself among its ancestors",
          () => view(home),
          ({ link }) => link.problems.some((text: string) => /is its own ancestor/.test(text)),
        );
      ok(await unum(["unstack"], { home: last }));
    } else assert.match(both.map(({ stderr }) => stderr).join(), /would be its own ancestor/);
    for (const home of [other, last])
      await until(
        "there is no circle any more",
        () => view(home),
        ({ ancestors }) => ancestors.length <= 1,
      );
  });
});
