// The guide to a first component, done as it is written: its files, its generator, its commands.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root, textOf } from "./files.ts";

const GUIDE = "docs/guide/first-component.md";

/** A fenced block and the path named last before it. */
function filesOf(guide: string): Map<string, string> {
  const files = new Map<string, string>();
  const pattern = /`([a-z/]+\.(?:proto|yaml|gen\.yaml|ts))`(?:(?!```)[\s\S])*?\n```(?:proto|yaml|ts)\n([\s\S]*?)```/g;
  for (const [, path = "", text = ""] of guide.matchAll(pattern)) files.set(path, text);
  return files;
}

/** The commands of the guide: `npx` put to what it would run. */
function commandsOf(guide: string): string[] {
  return [...guide.matchAll(/^npx unum (.+)$/gm)].map(([, command = ""]) => command);
}

const bin = (name: string) => join(root, "node_modules", ".bin", name);
const tools = {
  ...process.env,
  PATH: `${dirname(process.execPath)}:${join(root, "node_modules", ".bin")}:${process.env["PATH"]}`,
};

describe("the guide to a first component", () => {
  const guide = textOf(GUIDE);
  let folder = "";
  let serving: ChildProcess | undefined;

  before(() => {
    // Inside the checkout, where the package finds itself by its name.
    mkdirSync(join(root, ".unum"), { recursive: true });
    folder = mkdtempSync(join(root, ".unum", "guide-"));
    for (const [path, text] of filesOf(guide)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    execFileSync(bin("buf"), ["generate", "."], { cwd: join(folder, "components", "greeter"), env: tools });
  });
  after(() => {
    serving?.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  it("has the files it speaks of", () => {
    const names = [...filesOf(guide).keys()];
    assert.deepEqual(names, [
      "components/greeter/greeter.proto",
      "components/greeter/buf.gen.yaml",
      "components/greeter/greeter.ts",
      "try.ts",
    ]);
  });

  it("compiles", () => {
    const files = { extends: join(root, "tsconfig.json"), include: ["."], exclude: [] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(files));
    execFileSync(bin("tsc"), ["-p", "."], { cwd: folder, env: tools });
  });

  it("greets within one process", () => {
    assert.equal(execFileSync(process.execPath, ["try.ts"], { cwd: folder, encoding: "utf8" }), "Good day, Ada.\n");
  });

  it("greets from another process, by the commands it gives", async () => {
    const [serve = "", describing = "", call = ""] = commandsOf(guide);
    const env = { ...process.env, UNUM_HOME: folder };
    const unum = (command: string, address: string) =>
      execFileSync(
        "sh",
        ["-c", `"$0" "$1" ${command.replace("ADDRESS", address)}`, process.execPath, join(root, "bin", "unum.mjs")],
        {
          cwd: folder,
          env,
          encoding: "utf8",
        },
      );
    const started = spawn(process.execPath, [join(root, "bin", "unum.mjs"), ...serve.split(" "), "--log", "error"], {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    serving = started;
    const ended = new Promise((resolve) => started.on("close", resolve));
    const address = await new Promise<string>((resolve, reject) => {
      let said = "";
      started.stdout.on("data", (bytes) => {
        said += bytes;
        const found = /(?:ipc):\/\/\S+/.exec(said);
        if (found !== null && said.includes("\n")) resolve(found[0]);
      });
      started.on("close", () => reject(new Error(`serve ended and had said '${said}'`)));
    });
    assert.match(unum(describing, address), /hello\.v1\.Greeter/);
    assert.match(unum(call, address), /"text": ?"Good day, Ada\."/);
    started.kill("SIGINT");
    assert.equal(await ended, 0);
  });
});
