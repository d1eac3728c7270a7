// unum serve and unum check: what is printed, what is served, how it ends.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { cleanUp, endOf, jsonLines, LIMIT, root, scratch, serve, start, trouble, unum } from "./unum.ts";

const MODES = "unum.test.v1.Modes";
const contracts = join(root, "test/gen/unum/test/v1/services_pb.ts");
const HEAD = `import { component } from "unum";\nimport { Kinds } from ${JSON.stringify(contracts)};\n`;
const GOOD = `${HEAD}export default component(Kinds, { echo: (input) => input }, { version: "1.2.3" });\n`;

after(cleanUp);

describe("unum serve", LIMIT, () => {
  it("prints one address a line once it serves, and nothing else on standard output", async () => {
    const home = await scratch();
    const child = start(["serve", trouble, "--listen", "ipc", "--listen", "tcp://127.0.0.1:0"], { home });
    const lines = createInterface(child.stdout ?? assert.fail())[Symbol.asyncIterator]();
    const addresses = [(await lines.next()).value, (await lines.next()).value];
    assert.match(addresses[0] ?? "", new RegExp(`^ipc://${home}/run/k[a-z2-7]{16}\\.sock$`));
    assert.match(addresses[1] ?? "", /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    assert.equal((await stat(join(home, "run"))).mode & 0o777, 0o700);
    for (const address of addresses) {
      assert.equal((await unum(["call", `${MODES}/Plain`, "--to", address ?? ""])).code, 0);
    }
    child.kill("SIGTERM");
    assert.deepEqual(await lines.next(), { value: undefined, done: true });
    assert.equal((await endOf(child)).code, 0);
    assert.deepEqual(await readdir(join(home, "run")), []);
  });

  it("says as JSON what it serves and what it does not", async () => {
    const folder = await scratch({ "good.ts": GOOD, "bad/bad.ts": "const a = 1;\nconst b = ;\n" });
    const child = start(["serve", folder, "--json"], { home: folder });
    const [line] = await once(createInterface(child.stdout ?? assert.fail()), "line");
    child.kill("SIGINT");
    const { components, failures, addresses } = JSON.parse(line);
    assert.deepEqual(components, [{ contract: "unum.test.v1.Kinds", version: "1.2.3" }]);
    assert.equal(addresses.length, 1);
    assert.equal(failures[0].file, join(folder, "bad/bad.ts"));
    assert.deepEqual([failures[0].line, failures[0].column], [2, 11]);
    assert.equal((await endOf(child)).code, 0);
  });

  it("says file, line and code of a component that is not served, and serves the others", async () => {
    const folder = await scratch({ "good.ts": GOOD, "bad/bad.ts": "const a = 1;\nconst b = ;\n" });
    const child = start(["serve", folder], { home: folder });
    const ended = endOf(child);
    await once(child.stdout ?? assert.fail(), "data");
    child.kill("SIGINT");
    const { stderr, code } = await ended;
    assert.match(stderr, /not served .*bad\/bad\.ts:2:11: .*Expression expected/);
    assert.match(stderr, /2 \| const b = ;\n {4}\| {11}\^\n {2}→ correct the syntax/);
    assert.match(stderr, /serving unum\.test\.v1\.Kinds 1\.2\.3/);
    assert.equal(code, 0);
  });

  it("serves nothing and ends with 1 where nothing can be, or with --strict where one cannot be", async () => {
    const bad = await scratch({ "bad.ts": "export const a = 1;\n" });
    const nothing = await unum(["serve", bad], { home: bad });
    assert.deepEqual([nothing.code, nothing.stdout], [1, ""]);
    assert.match(nothing.stderr, /bad\.ts: has no default export/);
    assert.match(nothing.stderr, /nothing is served/);
    await writeFile(join(bad, "good.ts"), GOOD);
    const strict = await unum(["serve", bad, "--strict"], { home: bad });
    assert.deepEqual([strict.code, strict.stdout], [1, ""]);
    assert.match(strict.stderr, /nothing is served: 1 of its components cannot be, and --strict was given/);
  });

  it("serves what starts, and says whose start hook threw", async () => {
    const failing = `import { component } from "unum";
import { Modes } from ${JSON.stringify(contracts)};
const one = (input) => input;
async function* many(input) { yield input; }
export default component(Modes, { plain: one, sync: one, async: one, broadcast: one, plainStream: many, stream: many }, {
  start() { throw new Error("no database"); },
});
`;
    const folder = await scratch({ "good.ts": GOOD, "hook/hook.ts": failing });
    const served = await serve(folder, [], { home: folder });
    assert.equal(served.failures.length, 1);
    assert.equal(served.failures[0]?.["message"], "start hook: no database");
    assert.equal(served.failures[0]?.["line"], 6);
    served.child.kill("SIGTERM");
    assert.equal((await served.ended).code, 0);
  });

  it("lets the call under way end at Ctrl-C and then ends with 0", async () => {
    const home = await scratch();
    const served = await serve(trouble, ["--grace", "1m", "--log", "info"], { home });
    const text = `until-there ${home}/end`;
    const args = ["call", `${MODES}/Plain`, JSON.stringify({ text }), "--to", served.address, "--ttl", "1m"];
    const call = unum(args, { home });
    await running(served.address, 1);
    const draining = once(served.child.stderr ?? assert.fail(), "data");
    served.child.kill("SIGINT");
    await draining;
    await writeFile(join(home, "end"), "");
    assert.equal(JSON.parse((await call).stdout).text, text);
    assert.equal((await served.ended).code, 0);
  });

  it("ends with 1 where a call is left when the grace ends", async () => {
    const home = await scratch();
    const served = await serve(trouble, ["--grace", "200ms"], { home });
    const call = unum(["call", `${MODES}/Plain`, '{"text":"never"}', "--to", served.address, "--ttl", "1m"], { home });
    await running(served.address, 1);
    served.child.kill("SIGTERM");
    const ended = await served.ended;
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /"drained","left":1/);
    assert.equal((await call).code, 5);
  });

  it("ends at once at a second Ctrl-C, and leaves no socket behind", async () => {
    const home = await scratch();
    const served = await serve(trouble, ["--grace", "1h", "--log", "info"], { home });
    const call = unum(["call", `${MODES}/Plain`, '{"text":"never"}', "--to", served.address, "--ttl", "1m"], { home });
    await running(served.address, 1);
    const draining = once(served.child.stderr ?? assert.fail(), "data");
    served.child.kill("SIGINT");
    await draining;
    served.child.kill("SIGINT");
    assert.equal((await served.ended).code, 130);
    assert.deepEqual(await readdir(join(home, "run")), []);
    assert.equal((await call).code, 5);
  });

  it("goes on when nobody reads its output any more", async () => {
    const home = await scratch();
    const child = start(["serve", trouble], { home });
    await once(child.stdout ?? assert.fail(), "data");
    child.stdout?.destroy();
    child.stderr?.destroy();
    assert.equal((await unum(["call", `${MODES}/Plain`], { home })).code, 0);
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    assert.equal(code, 0);
  });

  it("ends when standard input does, where it was asked to", async () => {
    const home = await scratch();
    const served = await serve(trouble, ["--until-stdin-ends"], { home });
    served.child.stdin?.end();
    assert.equal((await served.ended).code, 0);
  });

  it("removes sockets of containers that were killed, and no other file", async () => {
    const home = await scratch();
    const first = await serve(trouble, [], { home });
    first.child.kill("SIGKILL");
    await first.ended;
    const run = join(home, "run");
    const [left = ""] = await readdir(run);
    assert.match(left, /\.sock$/);
    execFileSync("touch", ["-h", "-d", "1 hour ago", join(run, left)]);
    await writeFile(join(run, "note.sock"), "a file");
    const second = await serve(trouble, [], { home });
    assert.equal((await readdir(run)).includes(left), false);
    assert.equal((await readdir(run)).includes("note.sock"), true);
    second.child.kill("SIGTERM");
    await second.ended;
  });

  it("finds its sockets where the path of $UNUM_HOME leaves no room for them", async () => {
    const home = join(await scratch(), "long-".repeat(30));
    const served = await serve(trouble, [], { home });
    assert.ok(served.address.length < 115, served.address);
    assert.equal((await unum(["call", `${MODES}/Plain`], { home })).code, 0);
    served.child.kill("SIGTERM");
    assert.equal((await served.ended).code, 0);
    await rm(join(served.address.slice("ipc://".length), ".."), { recursive: true });
  });

  it("refuses a run folder in which others may write", async () => {
    const home = await scratch();
    await mkdir(join(home, "run"));
    await chmod(join(home, "run"), 0o777);
    const refused = await unum(["serve", trouble], { home });
    assert.equal(refused.code, 4);
    assert.match(refused.stderr, /denied: .*others may write in it; set UNUM_HOME/);
  });

  it("refuses an address in use, a bare TCP address that others reach, and nonsense", async () => {
    const home = await scratch();
    const served = await serve(trouble, [], { home });
    const refused = async (address: string, code: number, expected: RegExp) => {
      const ended = await unum(["serve", trouble, "--listen", address], { home });
      assert.match(ended.stderr, expected);
      assert.equal(ended.code, code);
    };
    await refused(served.address, 2, /is in use/);
    await refused("tcp://0.0.0.0:0", 4, /denied: .*tls:\/\/0\.0\.0\.0/);
    await refused("nonsense", 2, /'nonsense' is not an address; write it as ipc:/);
    await refused("tls://127.0.0.1:0", 2, /needs a key and certificates/);
    served.child.kill("SIGTERM");
    await served.ended;
  });

  it("refuses what is no folder, no number, no level", async () => {
    const refused = async (args: string[], expected: RegExp) => {
      const { code, stderr } = await unum(["serve", ...args]);
      assert.match(stderr, expected);
      assert.equal(code, 2);
    };
    await refused(["/no/such/folder"], /there is no folder \/no\/such\/folder/);
    await refused([trouble, "--inbox", "many"], /argument 'many' is invalid\. 'many' is not a number of calls/);
    await refused([trouble, "--log", "loud"], /'loud' is not a log level; there are debug/);
    await refused([trouble, "--grace", "-1s"], /'-1s' is not a time/);
    await refused([], /missing required argument 'folder'[\s\S]*Usage: unum serve/);
  });

  it("is called over mutual TLS, and by nobody without a certificate", async () => {
    const folder = await scratch();
    certificates(folder);
    const tls = (name: string) => [
      ...["--tls-key", `${folder}/${name}.key`, "--tls-cert", `${folder}/${name}.crt`, "--tls-ca", `${folder}/ca.crt`],
    ];
    const served = await serve(trouble, ["--listen", "tls://127.0.0.1:0", ...tls("me")], { home: folder });
    const to = ["--to", served.address];
    const good = await unum(["call", `${MODES}/Plain`, '{"text":"sealed"}', ...to, ...tls("you")]);
    assert.equal(JSON.parse(good.stdout).text, "sealed");
    const stranger = await unum(["call", `${MODES}/Plain`, ...to, ...tls("stranger")]);
    assert.equal(stranger.code, 3, stranger.stderr);
    served.child.kill("SIGTERM");
    assert.equal((await served.ended).code, 0);
  });
});

describe("unum check", LIMIT, () => {
  const UNTYPED = `${HEAD}export default component(Kinds, {\n  echo: (input) => ({ ...input, children: 7 }),\n});\n`;

  it("says file, line and column of a type error", async () => {
    const folder = await scratch({ "good/good.ts": GOOD });
    assert.equal((await unum(["check", folder])).code, 0);
    await writeFile(join(folder, "good/good.ts"), UNTYPED);
    const { code, stderr } = await unum(["check", folder]);
    assert.equal(code, 1);
    assert.match(stderr, /good\/good\.ts:4:20: TS2322: /);
    assert.match(stderr, /4 \| {3}echo: /);
  });

  it("keeps a component with a type error from being served with serve --check, and only then", async () => {
    const folder = await scratch({ "typed/typed.ts": UNTYPED });
    const checked = await unum(["serve", folder, "--check"], { home: folder });
    assert.equal(checked.code, 1);
    assert.match(checked.stderr, /typed\.ts:4:20: TS2322/);
    const served = await serve(folder, [], { home: folder });
    served.child.kill("SIGTERM");
    assert.equal((await served.ended).code, 0);
  });

  it("tells a mistake that also keeps the file from loading once", async () => {
    const folder = await scratch({ "good.ts": GOOD, "bad/bad.ts": "const a = 1;\nconst b = ;\n" });
    const [{ components, failures }] = jsonLines(await unum(["check", folder, "--json"]));
    assert.equal(components.length, 1);
    assert.equal(failures.length, 1);
  });
});

/** A container with so many calls under way, asked until it is so. */
async function running(address: string, wanted: number): Promise<void> {
  const end = performance.now() + 60_000;
  for (;;) {
    const [said] = jsonLines(await unum(["describe", "--json", "--to", address]));
    if (said.load.running === wanted) return;
    assert.ok(performance.now() < end, `${said.load.running} run, expected ${wanted}`);
  }
}

/** me and you are signed by ca; stranger by another. */
function certificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const key = (name: string) => openssl("genpkey", "-algorithm", "ed25519", "-out", `${name}.key`);
  const authority = (name: string) => {
    key(name);
    openssl("req", "-x509", "-key", `${name}.key`, "-subj", `/CN=${name}`, "-days", "2", "-out", `${name}.crt`);
  };
  const leaf = (name: string, ca: string) => {
    key(name);
    openssl(
      "req",
      "-new",
      "-key",
      `${name}.key`,
      "-subj",
      `/CN=${name}`,
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-out",
      `${name}.csr`,
    );
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      `${ca}.crt`,
      "-CAkey",
      `${ca}.key`,
      "-copy_extensions",
      "copyall",
      "-days",
      "2",
      "-out",
      `${name}.crt`,
    );
  };
  authority("ca");
  authority("other");
  leaf("me", "ca");
  leaf("you", "ca");
  leaf("stranger", "other");
}
