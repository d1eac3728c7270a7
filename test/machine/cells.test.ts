// Programs that are not trusted, with real processes, by the command: packed, loaded, started, called, and what they may ask for.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cp, readFile, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ShrinkingSchema } from "../../examples/04-program/components/shrink/gen/shrink_pb.ts";
import { type Picture, readPicture, writePng } from "../../examples/04-program/components/shrink/pictures/picture.ts";
import { confinementLayers } from "../../src/system/confinement.ts";
import { endNodes, ok, runs, statusOf, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, root, scratch, unum } from "../cli/unum.ts";
import { alone } from "./machine-nodes.ts";
import { packed } from "./program-folder.ts";

const missing = confinementLayers().find(({ present }) => !present);
const skip = missing === undefined ? false : `this system cannot confine: ${missing.text}`;
const noCompiler = spawnSync("cc", ["--version"]).error === undefined ? false : "needs a C compiler";
const NATIVE = join(root, "examples/04-program/native");
const CONFINED = { trust: "confined" } as const;

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

async function started(home: string, archive: string, name: string, ...grants: string[]): Promise<void> {
  ok(await unum(["load", archive], { home }));
  ok(await unum(["start", name, ...grants.flatMap((grant) => ["--grant", grant])], { home }));
}

const plan = async (home: string) =>
  JSON.parse(
    ok(
      await unum(["call", "thumbnails.v1.Shrink/Plan", '{"width":400,"height":300,"longest":40}', "--within", "20s"], {
        home,
      }),
    ),
  );

/** A greeter that asks thumbnails how large a picture will be, and says so. */
async function asker(home: string, capabilities: readonly string[]): Promise<string> {
  const folder = join(await scratch(), "asker");
  await cp(join(root, "examples/01-one-process/components/greeter"), join(folder, "components/greeter"), {
    recursive: true,
  });
  const shrink = await readFile(join(root, "examples/04-program/components/shrink/gen/shrink_pb.ts"));
  await writeFile(join(folder, "components/greeter/gen/shrink_pb.ts"), shrink);
  await writeFile(
    join(folder, "components/greeter/greeter.ts"),
    `import { component } from "unum";
import { Greeter } from "./gen/greeter_pb.ts";
import { Shrink } from "./gen/shrink_pb.ts";
export default component(Greeter, {
  async greet({ name }, call) {
    const { width, height } = await call.call(Shrink.method.plan, { width: 400, height: 300, longest: Number(name) });
    return { text: \`\${width} x \${height}\` };
  },
});
`,
  );
  const description = { name: "asker", version: "1.0.0", parts: [{ kind: "component", folder: "components" }] };
  await writeFile(join(folder, "program.json"), JSON.stringify({ ...description, ...CONFINED, capabilities }));
  return JSON.parse(ok(await unum(["pack", folder, "--out", await scratch(), "--json"], { home }))).path;
}

describe("a program that is not trusted", { skip, ...LIMIT }, () => {
  it("is packed, loaded and started, answers from a confined child, and leaves no process behind", async () => {
    const home = await alone();
    await started(home, await packed(home, { version: "1.2.0", description: CONFINED }), "thumbnails");
    assert.deepEqual(await plan(home), { width: 40, height: 30, version: "1.2.0" });
    const { containers } = await statusOf(home);
    const own = containers.find(({ program }: { program: string }) => program === "thumbnails");
    const children = await childrenOf(own.pid);
    assert.ok(children.length > 0, "its code runs in a child of its container");
    ok(await unum(["unload", "thumbnails"], { home }));
    await until("its processes have ended", () => ![own.pid, ...children].some(runs));
  });

  it("calls another by the capability it was granted, and is told which one it lacks", async () => {
    const home = await alone();
    await started(home, await packed(home, { version: "1.2.0", description: CONFINED }), "thumbnails");
    const archive = await asker(home, ["send=thumbnails.v1.Shrink"]);
    const greet = () => unum(["call", "example.v1.Greeter/Greet", '{"name":"40"}', "--within", "20s"], { home });
    await started(home, archive, "asker");
    const refused = await greet();
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /denied.*needs the capability 'send=thumbnails\.v1\.Shrink'.*--grant/s);
    ok(await unum(["stop", "asker"], { home }));
    ok(await unum(["start", "asker", "--grant", "send=thumbnails.v1.Shrink"], { home }));
    assert.equal(JSON.parse(ok(await greet())).text, "40 x 30");
  });
});

const native = process.platform === "linux" && process.arch === "x64" ? skip : "its library is for linux-x64";

describe("the example of a program with three parts", { skip: native, ...LIMIT }, () => {
  it("is packed, loaded, started with a folder, asked for a small picture, looked at, stopped and unloaded", async () => {
    const home = await alone();
    const pictures = await realpath(await scratch());
    const picture = gradient(640, 480);
    await writeFile(join(pictures, "sky.png"), writePng(picture));
    const dist = await scratch();
    ok(await unum(["pack", "examples/04-program", "--out", dist], { home }));
    ok(await unum(["load", join(dist, "thumbnails-1.2.0.zip")], { home }));
    ok(await unum(["start", "thumbnails", "--grant", `fs:read=${pictures}`], { home }));
    const ask = (path: string) =>
      unum(["call", "thumbnails.v1.Shrink/Thumbnail", JSON.stringify({ path, longest: 64 }), "--within", "30s"], {
        home,
      });
    const { png, accent, width, height, ...from } = JSON.parse(ok(await ask(join(pictures, "sky.png"))));
    assert.deepEqual([width, height, from], [64, 48, { fromWidth: 640, fromHeight: 480 }]);
    const small = readPicture(Buffer.from(png, "base64"));
    // Each pixel is the mean of ten by ten, worked out here another way.
    for (const [x, y] of [
      [0, 0],
      [63, 0],
      [17, 31],
      [63, 47],
    ] as const)
      assert.deepEqual([...small.pixels.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3)], meanAt(picture, x, y));
    assert.equal(accent, accentOf(small));
    const secret = join(await scratch({ "secret.ppm": "P6 1 1 255 abc" }), "secret.ppm");
    const outside = await ask(secret);
    assert.notEqual(outside.code, 0);
    assert.match(outside.stderr, /ERR_ACCESS_DENIED|restricted|ENOENT/);
    assert.match(ok(await unum(["ps"], { home })), /thumbnails/);
    const described = ok(await unum(["describe", "thumbnails"], { home }));
    for (const text of [
      /thumbnails 1\.2\.0: running/,
      /fs:read=/,
      /Shrink 1\.2\.0/,
      /Resample 1\.2\.0/,
      /Accent 1\.2\.0/,
    ])
      assert.match(described, text);
    assert.equal((await unum(["logs", "thumbnails"], { home })).code, 0);
    assert.match(ok(await unum(["stop", "thumbnails"], { home })), /has stopped/);
    assert.match(ok(await unum(["unload", "thumbnails"], { home })), /is gone/);
  });

  it("has a library that does what its source does", { skip: noCompiler }, async () => {
    const built = join(await scratch(), "resample.so");
    const [, command = ""] = /^ \* {3}cc (.*) -o /m.exec(await readFile(join(NATIVE, "resample.c"), "utf8")) ?? [];
    execFileSync("cc", [...command.split(" "), "-o", built, join(NATIVE, "resample.c")]);
    const input = gradient(97, 61);
    const request = toBinary(
      ShrinkingSchema,
      create(ShrinkingSchema, { width: 97, height: 61, toWidth: 13, toHeight: 7, pixels: input.pixels }),
    );
    const code = `const { dlopen } = require("node:ffi"); const reply = Buffer.alloc(9999);
const { functions } = dlopen(process.argv[1], { resample_shrink: { arguments: ["pointer", "u32", "pointer", "u32"], return: "i32" } });
const request = Buffer.from(process.argv[2], "base64");
console.log(reply.subarray(0, functions.resample_shrink(request, request.length, reply, reply.length)).toString("base64"));`;
    const answer = (library: string) =>
      execFileSync(process.execPath, ["--no-warnings", "-e", code, library, Buffer.from(request).toString("base64")]);
    const shipped = answer(join(NATIVE, "linux-x64/resample.so"));
    assert.ok(shipped.length > 13 * 7 * 3);
    assert.deepEqual(shipped, answer(built));
  });
});

function gradient(width: number, height: number): Picture {
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 7 + (i >> 9) * 13) % 256;
  return { width, height, pixels };
}

/** Of the box of ten by ten that the pixel stands for. */
function meanAt({ width, pixels }: Picture, x: number, y: number): readonly number[] {
  return [0, 1, 2].map((channel) => {
    let sum = 0;
    for (let box = 0; box < 100; box++) {
      const [column, row] = [x * 10 + (box % 10), y * 10 + Math.floor(box / 10)];
      sum += pixels[(row * width + column) * 3 + channel] ?? 0;
    }
    return Math.floor((sum + 50) / 100);
  });
}

function accentOf({ pixels }: Picture): string {
  const means = [0, 1, 2].map((channel) => {
    const values = [...pixels].filter((_, i) => i % 3 === channel);
    return Math.floor((values.reduce((sum, value) => sum + value, 0) + (values.length >> 1)) / values.length);
  });
  return `#${means.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** All below it, as far as they can be seen. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "latin1").catch(() => "");
  const children = text.trim().split(" ").filter(Boolean).map(Number);
  return [...children, ...(await Promise.all(children.map(childrenOf))).flat()];
}
