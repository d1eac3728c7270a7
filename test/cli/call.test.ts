// unum call and unum describe, against containers that run.

import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { cleanUp, endOf, jsonLines, LIMIT, type Served, scratch, serve, start, trouble, unum } from "./unum.ts";

const MODES = "unum.test.v1.Modes";

describe("unum call", LIMIT, () => {
  let home = "";
  let one: Served;
  let two: Served;
  before(async () => {
    home = await scratch();
    [one, two] = await Promise.all([
      serve(trouble, [], { home }),
      serve(trouble, ["--listen", "tcp://127.0.0.1:0"], { home }),
    ]);
  });
  after(cleanUp);

  const call = (method: string, text: string, ...more: string[]) =>
    unum(["call", `${MODES}/${method}`, JSON.stringify({ text }), "--to", one.address, ...more], { home });

  it("prints the value for people, and with --json where it ran and how long it took", async () => {
    const plain = await call("Plain", "hello");
    assert.equal(plain.code, 0, plain.stderr);
    assert.equal(JSON.parse(plain.stdout).text, "hello");
    assert.match(plain.stdout, /^\{\n {2}"text"/);
    const json = await call("Sync", "hello", "--json");
    const [said] = jsonLines(json);
    assert.equal(said.value.text, "hello");
    assert.equal(said.container, one.container);
    assert.equal(said.address, one.address);
    assert.equal(said.version, "1.4.2");
    assert.ok(said.ms > 0);
    assert.equal(json.stdout.trim().split("\n").length, 1);
  });

  it("says on standard error, with --timing, where it ran", async () => {
    const { stderr, stdout } = await call("Plain", "hello", "--timing");
    assert.match(stderr, new RegExp(`ran in ${one.container} at ${one.address}, version 1\\.4\\.2, [\\d.]+ ms`));
    assert.equal(JSON.parse(stdout).text, "hello");
  });

  it("waits for the result of an ASYNC method, or for its acceptance alone", async () => {
    assert.equal(JSON.parse((await call("Async", "later")).stdout).text, "later");
    const [accepted] = jsonLines(await call("Async", "later", "--no-wait", "--json"));
    assert.equal(accepted.accepted, true);
    assert.equal(accepted.container, one.container);
  });

  it("prints a STREAM as it comes, one JSON a line", async () => {
    const { stdout } = await call("Stream", "4");
    assert.deepEqual(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).text),
      ["1", "2", "3", "4"],
    );
    const lines = jsonLines(await call("PlainStream", "2", "--json"));
    assert.deepEqual(
      lines.map(({ value, done, items }) => value?.text ?? [done, items]),
      ["1", "2", [true, 2]],
    );
  });

  it("prints a STREAM's first item before the last is there", async () => {
    const args = ["call", `${MODES}/Stream`, '{"text":"1000000 1"}', "--ttl", "1h", "--to", two.address];
    const child = start(args, { home });
    const [first] = await once(child.stdout ?? assert.fail(), "data");
    assert.match(String(first), /"text":"1"/);
    child.kill("SIGINT");
    assert.equal((await endOf(child)).code, 130);
    await until(async () => (await runningIn(two)) === 0);
  });

  it("prints a line for each container of a BROADCAST, and those that were not reached", async () => {
    const args = ["call", `${MODES}/Broadcast`, '{"text":"all"}', "--to", one.address, "--to", two.address];
    const good = await unum([...args, "--json"], { home });
    assert.equal(good.code, 0);
    assert.deepEqual(
      jsonLines(good)
        .map(({ container }) => container)
        .sort(),
      [one.container, two.container].sort(),
    );
    const nowhere = `ipc://${join(home, "nowhere.sock")}`;
    const partly = await unum([...args, "--to", nowhere, "--json"], { home });
    assert.equal(partly.code, 3);
    assert.deepEqual(
      jsonLines(partly)
        .filter(({ error }) => error !== undefined)
        .map(({ address, error }) => [address, error.code]),
      [[nowhere, "undeliverable"]],
    );
    assert.equal(jsonLines(partly).length, 3);
  });

  it("hands over meta, and takes the message from a file or from standard input", async () => {
    const [said] = jsonLines(await call("Plain", "meta", "--meta", "user=ada", "--meta", "note=a=b", "--json"));
    assert.deepEqual(said.value.lines.sort(), ["note=a=b", "user=ada"]);
    const folder = await scratch({ "m.json": '{"text":"from file"}' });
    const to = ["--to", one.address];
    const file = await unum(["call", `${MODES}/Plain`, `@${folder}/m.json`, ...to], { home });
    assert.equal(JSON.parse(file.stdout).text, "from file");
    const stdin = await unum(["call", `${MODES}/Plain`, "-", ...to], { home, input: '{"text":"piped"}' });
    assert.equal(JSON.parse(stdin.stdout).text, "piped");
    const missing = await unum(["call", `${MODES}/Plain`, "@/no/such.json", ...to], { home });
    assert.deepEqual([missing.code, /cannot read \/no\/such\.json/.test(missing.stderr)], [2, true]);
  });

  it("suggests the nearest method, component and field, and ends with 2", async () => {
    const wrong = async (method: string, json: string, expected: RegExp) => {
      const { code, stderr } = await unum(["call", method, json, "--to", one.address], { home });
      assert.match(stderr, expected);
      assert.equal(code, 2);
    };
    await wrong(`${MODES}/Plan`, "{}", /did you mean 'unum\.test\.v1\.Modes\/Plain'/);
    await wrong("unum.test.v1.Mods/Plain", "{}", /did you mean 'unum\.test\.v1\.Modes\/Plain'/);
    await wrong("quite.Else/What", "{}", /no method 'quite\.Else\/What' here; there are unum\.test\.v1\.Modes\/Plain/);
    await wrong(`${MODES}/Plain`, '{"txt":"a"}', /no field "txt"; did you mean 'text'/);
    await wrong(`${MODES}/Plain`, '{"text":7}', /text/);
    await wrong(`${MODES}/Plain`, '{"text":', /JSON is broken at line 1/);
  });

  it("says which version runs where another was asked for, and ends with 4", async () => {
    assert.equal((await call("Plain", "a", "--version-range", "^1.2")).code, 0);
    const other = await call("Plain", "a", "--version-range", "^2");
    assert.equal(other.code, 4);
    assert.match(other.stderr, /not-found: .*runs here in version 1\.4\.2, asked for is \^2/);
    const none = await call("Plain", "a", "--version-range", "two");
    assert.equal(none.code, 2);
    assert.match(none.stderr, /'two' is no semver range/);
  });

  it("ends with 1 where the component threw, and says so as JSON too", async () => {
    const thrown = await call("Plain", "throw", "--json");
    assert.equal(thrown.code, 1);
    assert.match(thrown.stderr, /the component threw AsAsked: thrown/);
    assert.deepEqual(jsonLines(thrown), [{ error: { code: "application", type: "AsAsked", message: "thrown" } }]);
  });

  it("ends with 3 where nobody listens, and with 5 where no answer comes in time", async () => {
    const nowhere = await unum(["call", `${MODES}/Plain`, "--to", `ipc://${home}/nowhere.sock`], { home });
    assert.equal(nowhere.code, 3);
    assert.match(nowhere.stderr, /undeliverable: .*nobody listens/);
    const late = await call("Plain", "wait 5000", "--ttl", "2s");
    assert.equal(late.code, 5);
    assert.match(late.stderr, /unknown: .*did not answer within its 2000 ms/);
  });

  it("is withdrawn by Ctrl-C: the container is told, and the exit code is 130", async () => {
    const to = ["--to", two.address];
    const child = start(["call", `${MODES}/Plain`, '{"text":"wait-or-stop 25000"}', "--ttl", "1m", ...to], { home });
    const ended = endOf(child);
    await until(async () => (await runningIn(two)) === 1);
    child.kill("SIGINT");
    assert.equal((await ended).code, 130);
    // The function stops at its signal: nothing runs any more, long before its 25 s are over.
    await until(async () => (await runningIn(two)) === 0);
  });

  it("ends quietly when nobody reads the items any more", async () => {
    const child = start(["call", `${MODES}/Stream`, '{"text":"100000 1"}', "--ttl", "1m", "--to", two.address], {
      home,
    });
    const ended = endOf(child);
    await once(child.stdout ?? assert.fail(), "data");
    child.stdout?.destroy();
    const { code, stderr } = await ended;
    assert.equal(code, 141);
    assert.equal(stderr, "");
    await until(async () => (await runningIn(two)) === 0);
  });

  it("needs no --to where one container listens in $UNUM_HOME/run, and asks for it otherwise", async () => {
    const alone = await unum(["call", `${MODES}/Plain`, '{"text":"found"}'], { home });
    assert.equal(JSON.parse(alone.stdout).text, "found");
    const third = await serve(trouble, [], { home });
    const several = await unum(["call", `${MODES}/Plain`], { home });
    assert.equal(several.code, 2);
    assert.match(several.stderr, /2 containers listen/);
    assert.ok(several.stderr.includes(`--to ${third.address}`));
    third.child.kill("SIGTERM");
    await third.ended;
    const none = await unum(["call", `${MODES}/Plain`], { home: await scratch() });
    assert.equal(none.code, 2);
    assert.match(
      none.stderr,
      /no node and no container listens in .*; start one with 'unum up --components FOLDER' or 'unum serve FOLDER --listen ipc'/,
    );
  });

  it("names what is wrong with an address, a time and a pair", async () => {
    const wrong = async (args: string[], expected: RegExp) => {
      const { code, stderr } = await unum(["call", `${MODES}/Plain`, ...args], { home });
      assert.match(stderr, expected);
      assert.equal(code, 2);
    };
    await wrong(["--to", "http://x"], /'http:\/\/x' is not an address; write it as ipc:/);
    await wrong(["--to", "tcp://127.0.0.1"], /'tcp:\/\/127\.0\.0\.1' is not an address; expected SCHEME:\/\/HOST:PORT/);
    await wrong(["--to", "tls://127.0.0.1:7"], /tls:\/\/127\.0\.0\.1:7 needs a key and certificates/);
    await wrong(
      ["--to", one.address, "--ttl", "5"],
      /option '--ttl <time>' argument '5' is invalid\. '5' is not a time; write it as 50ms/,
    );
    await wrong(["--to", one.address, "--meta", "x"], /--meta 'x' is not KEY=VALUE/);
    await wrong(["--to", one.address, "--tls-key", "x"], /--tls-cert and --tls-ca is missing/);
  });

  describe("unum describe", LIMIT, () => {
    it("lists contracts, methods with modes, versions, messages, load and limits", async () => {
      const { code, stdout } = await unum(["describe", "--to", one.address], { home });
      assert.equal(code, 0);
      for (const expected of [
        `container ${one.container} at ${one.address}, Unum `,
        "places free",
        "the inbox takes 1024",
        "unum.test.v1.Modes 1.4.2, one call at a time, each within 5 s",
        /^ {2}SYNC +Plain\(Text\) returns \(Text\)$/m,
        /^ {2}BROADCAST +Broadcast\(Text\) returns \(Text\)$/m,
        /^ {2}STREAM +PlainStream\(Text\) returns \(stream Text\)$/m,
        /^ {4}repeated string lines = 2;$/m,
        /^ {4}unum\.test\.v1\.Text inner = 5;$/m,
      ]) {
        assert.ok(
          typeof expected === "string" ? stdout.includes(expected) : expected.test(stdout),
          `${expected}\n${stdout}`,
        );
      }
    });

    it("says the same as JSON, a line for each container, and who was not reached", async () => {
      const nowhere = `ipc://${home}/nowhere.sock`;
      const ended = await unum(["describe", "--json", "--to", one.address, "--to", nowhere], { home });
      assert.equal(ended.code, 3);
      const [first, second] = jsonLines(ended);
      assert.deepEqual(first.components[0].methods[2], {
        name: "Async",
        mode: "ASYNC",
        input: "unum.test.v1.Text",
        output: "unum.test.v1.Text",
      });
      assert.deepEqual(first.messages["unum.test.v1.Text"][0], {
        name: "text",
        json: "text",
        number: 1,
        type: "string",
      });
      assert.equal(first.limits.inbox, 1024);
      assert.deepEqual([second.address, second.error.code], [nowhere, "undeliverable"]);
    });
  });

  async function runningIn({ address }: Served): Promise<number> {
    const [said] = jsonLines(await unum(["describe", "--json", "--to", address], { home }));
    return said.load.running;
  }
});

/** Asks again until it holds; what it asks takes its time by itself. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await holds())) assert.ok(performance.now() < end, "it does not become true");
}
