// The command as a whole: help, version, wrong input, completion, colours.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { cleanUp, LIMIT, root, scratch, unum } from "./unum.ts";

const VERBS = [
  ...["up", "status", "ps", "top", "limits", "logs", "deploy", "drain", "down"],
  ...["serve", "call", "describe", "check", "tour", "completion"],
];

after(cleanUp);

describe("the command", LIMIT, () => {
  it("prints its version", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    assert.equal((await unum(["--version"])).stdout, `${version}\n`);
  });

  it("has help for every verb, with examples, on standard output", async () => {
    const { code, stdout } = await unum(["--help"]);
    assert.equal(code, 0);
    for (const verb of VERBS) {
      assert.match(stdout, new RegExp(`^ {2}${verb} `, "m"));
      const help = await unum([verb, "--help"]);
      assert.equal(help.code, 0);
      assert.equal(help.stderr, "");
      assert.match(help.stdout, new RegExp(`^Usage: unum ${verb}`));
      assert.match(help.stdout, /^Examples:\n {2}\S/m);
    }
  });

  it("says in the help of call what each exit code means", async () => {
    const { stdout } = await unum(["call", "--help"]);
    for (const code of [0, 1, 2, 3, 4, 5, 130]) assert.match(stdout, new RegExp(`^ {2}${code} +\\S`, "m"));
  });

  it("ends with 2 and helps where the input is wrong", async () => {
    const wrong = async (args: string[], expected: RegExp) => {
      const { code, stdout, stderr } = await unum(args);
      assert.match(stderr, expected);
      assert.match(stderr, /Usage: unum|unum \w+ --help/);
      assert.deepEqual([code, stdout], [2, ""]);
    };
    await wrong([], /^Usage: unum/);
    await wrong(["srve", "x"], /unknown command 'srve'\n\(Did you mean serve\?\)/);
    await wrong(["call", "a.B/C", "--tto", "2s"], /unknown option '--tto'\n\(Did you mean[^\n]* --ttl\b/);
    await wrong(["call"], /missing required argument 'method'/);
    await wrong(["describe", "x", "y"], /too many arguments/);
    await wrong(["completion", "bsh"], /no completion for 'bsh'; did you mean 'bash'/);
    await wrong(["tour", "--limit", "none"], /'none' is not a number of megabytes/);
  });

  it("completes verbs, options and shells in bash", async () => {
    const { stdout } = await unum(["completion", "bash"]);
    const folder = await scratch({ "unum.bash": stdout });
    const complete = (...words: string[]) => {
      const list = words.map((word) => `'${word}'`).join(" ");
      const script = `source ${folder}/unum.bash; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _unum; echo "\${COMPREPLY[*]}"`;
      return execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim().split(" ");
    };
    assert.deepEqual(complete("unum", "de"), ["deploy", "describe"]);
    assert.deepEqual(complete("unum", "call", "--tt"), ["--ttl"]);
    assert.deepEqual(complete("unum", "serve", "--tls-"), ["--tls-key", "--tls-cert", "--tls-ca", "--tls-name"]);
    assert.deepEqual(complete("unum", "completion", "f"), ["fish"]);
    assert.deepEqual(complete("unum", "flow", "st"), ["status", "stop"]);
    assert.deepEqual(complete("unum", "flow", "limits", "--cap"), ["--capacity", "--capacity-bytes"]);
    assert.deepEqual(complete("unum", "flow", "limits", "st"), [""]);
  });

  it("has a completion for zsh and fish that names every verb", async () => {
    for (const shell of ["zsh", "fish"]) {
      const { stdout, code } = await unum(["completion", shell]);
      assert.equal(code, 0);
      for (const verb of VERBS) assert.ok(stdout.includes(verb), `${shell}: ${verb}`);
    }
  });

  it("has no colours where no terminal reads, and none with NO_COLOR", async () => {
    const bare = { NO_COLOR: undefined, FORCE_COLOR: undefined };
    const colour = String.fromCharCode(27);
    assert.ok(!(await unum(["call", "x", "--to", "y"], { env: bare })).stderr.includes(colour));
    const forced = await unum(["call", "x", "--to", "y"], { env: { ...bare, FORCE_COLOR: "1" } });
    assert.ok(forced.stderr.includes(colour), "FORCE_COLOR shows that there are colours to be left out");
    assert.ok(!(await unum(["call", "x", "--to", "y"], { env: { ...bare, NO_COLOR: "1" } })).stderr.includes(colour));
  });
});
