// Packages installed by the real npm, from folders on this computer.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ensurePackages } from "./packages.mjs";

const home = mkdtempSync(join(tmpdir(), "unum-packages-"));
after(() => rmSync(home, { recursive: true }));

/** A package with one dependency beside it, locked; `mark` is a file that an installation would remove. */
function project(name: string) {
  const folder = join(home, name);
  mkdirSync(join(folder, "dependency"), { recursive: true });
  const write = (path: string, value: unknown) => writeFileSync(join(folder, path), JSON.stringify(value));
  write("dependency/package.json", { name: "dependency", version: "1.0.0" });
  const dependencies = { dependency: "file:./dependency" };
  write("package.json", { name, version: "1.0.0", dependencies });
  const lock = (more: object) =>
    write("package-lock.json", {
      ...{ name, version: "1.0.0", lockfileVersion: 3, requires: true, ...more },
      packages: {
        "": { name, version: "1.0.0", dependencies },
        dependency: { version: "1.0.0" },
        "node_modules/dependency": { resolved: "dependency", link: true },
      },
    });
  lock({});
  const mark = join(folder, "node_modules", ".mark");
  return {
    folder,
    lock,
    mark: () => writeFileSync(mark, ""),
    wasInstalledAnew: () => !existsSync(mark),
    has: (path: string) => existsSync(join(folder, "node_modules", path)),
    ensure: () => ensurePackages({ folder, what: `packages of ${name}`, lockFolder: join(home, `${name}.lock`) }),
  };
}

describe("packages", () => {
  it("are installed once, and again when the lock changes", async () => {
    const { ensure, has, mark, wasInstalledAnew, lock } = project("once");
    await ensure();
    assert.ok(has("dependency/package.json"));
    mark();
    await ensure();
    assert.ok(!wasInstalledAnew());
    lock({ version: "1.0.1" });
    rmSync(join(home, "once", "node_modules", ".package-lock.json"));
    await ensure();
    assert.ok(wasInstalledAnew());
  });

  it("that somebody installed by hand are believed, if they are those of the lock", async () => {
    const { folder, ensure, mark, wasInstalledAnew } = project("by-hand");
    execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit"], { cwd: folder, stdio: "ignore" });
    mark();
    await ensure();
    assert.ok(!wasInstalledAnew());
  });

  it("are installed once when two want them", async () => {
    const { ensure, has } = project("two");
    await Promise.all([ensure(), ensure()]);
    assert.ok(has("dependency/package.json"));
  });

  it("that cannot be fetched are named, with what to do", async () => {
    const { folder, ensure, has } = project("offline");
    const dependencies = { "some-package": "1.0.0" };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "offline", version: "1.0.0", dependencies }));
    const packages = {
      "": { name: "offline", version: "1.0.0", dependencies },
      "node_modules/some-package": { version: "1.0.0", integrity: `sha512-${Buffer.alloc(64).toString("base64")}` },
    };
    writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ name: "offline", lockfileVersion: 3, packages }));
    // Nobody listens there, and nothing is in that cache.
    process.env["npm_config_registry"] = "http://127.0.0.1:9/";
    process.env["npm_config_cache"] = join(home, "cache");
    process.env["npm_config_fetch_retries"] = "0";
    try {
      await assert.rejects(ensure(), /Could not install packages of offline\. The npm registry could not be reached/);
    } finally {
      for (const name of ["registry", "cache", "fetch_retries"]) delete process.env[`npm_config_${name}`];
    }
    assert.ok(!has(".ready"));
  });
});
