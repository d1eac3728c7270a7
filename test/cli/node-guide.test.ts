// The guide to running a node: it gives no command that is not there, and says no word of the command that it does not say.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ENDED_KEPT } from "../../src/cli/up/old-logs.ts";
import { filesLike, textOf } from "../house/files.ts";
import { cleanUp, root, unum } from "./unum.ts";

const GUIDE = readFileSync(join(root, "docs/guide/running-it-for-real.md"), "utf8");

after(cleanUp);

/** Verbs with the options the guide names with them, in its blocks and in its sentences. */
function commandsOf(guide: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, verb = "", rest = ""] of guide.matchAll(/\bunum ([a-z]+)((?: (?!#)[^\s`]+)*)/g)) {
    const options = found.get(verb) ?? new Set();
    for (const [option] of rest.matchAll(/(?<=\s)--?[a-z][a-z-]*/g)) options.add(option);
    found.set(verb, options);
  }
  return found;
}

describe("the guide to running it for real", () => {
  it("names verbs and options that there are", async () => {
    const commands = commandsOf(GUIDE);
    assert.ok(commands.size >= 7, [...commands.keys()].join());
    for (const [verb, options] of commands) {
      const { code, stdout, stderr } = await unum([verb, "--help"]);
      assert.equal(code, 0, `${verb}: ${stderr}`);
      for (const option of options)
        assert.match(stdout, new RegExp(`(?<![\\w-])${option}(?![\\w-])`), `${verb} ${option}`);
    }
  });

  it("is found out when it names one that is not there (the rule can fail)", () => {
    const found = commandsOf("run `unum limits --memroy 2GB -x` and\nnpx unum fly    # --away\n");
    assert.deepEqual(
      [...found].map(([verb, options]) => [verb, [...options]]),
      [
        ["limits", ["--memroy", "-x"]],
        ["fly", []],
      ],
    );
  });

  it("quotes what is said, as it is said", () => {
    const sources = filesLike("src/{cli,governor,discovery,node}/**/*.ts").map(textOf).join("\n");
    const quoted = [...GUIDE.matchAll(/^\| `([^`]+)`/gm)]
      .map(([, text = ""]) => text)
      .filter((text) => text.includes(" "));
    assert.ok(quoted.length >= 5);
    for (const text of quoted) {
      for (const part of text.split(/ …[;:]? ?| FILE:LINE:COLUMN/).filter((each) => each !== "")) {
        assert.ok(sources.includes(part.trim()), part);
      }
    }
  });

  it("has the figures of the code", () => {
    assert.ok(GUIDE.includes(`the last ${ENDED_KEPT} containers that ended`));
  });
});
