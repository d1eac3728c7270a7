import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { compileAhead } from "./compile-ahead.ts";

const run = promisify(execFile);
const LIMIT_MS = 120_000;
const place = await mkdtemp(join(tmpdir(), "unum-ahead-"));
after(() => rm(place, { recursive: true }));

describe("compiling ahead", () => {
  it("compiles a program's components and what they import, runs none of it, and does it once", async () => {
    const [compiled, folder, ran] = [join(place, "compiled"), join(place, "components"), join(place, "ran")];
    await mkdir(compiled);
    await mkdir(join(folder, "one"), { recursive: true });
    const mark = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(ran)}, "");\n`;
    await writeFile(join(folder, "one/other.ts"), `${mark}export const other: number = 1;\n`);
    const file = join(folder, "one/one.ts");
    await writeFile(file, `${mark}import { other } from "./other.ts";\nexport default other as number;\n`);
    // One that cannot be compiled keeps the others from nothing.
    await writeFile(join(folder, "broken.ts"), "export default {{{\n");

    await compileAhead(compiled, [folder]);
    assert.ok(!existsSync(ran), "a module of the program was run");
    const { stderr } = await run(process.execPath, ["--no-warnings", file], {
      env: { ...process.env, NODE_COMPILE_CACHE: compiled, NODE_DEBUG_NATIVE: "COMPILE_CACHE" },
      timeout: LIMIT_MS,
    });
    assert.ok(existsSync(ran));
    for (const name of ["one.ts", "other.ts"])
      assert.match(stderr, new RegExp(`code cache for ESM \\S*${name} was accepted`), name);

    const before = await readdir(compiled);
    await compileAhead(compiled, [folder]);
    assert.deepEqual(await readdir(compiled), before);
  });
});
