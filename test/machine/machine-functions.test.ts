// What a program is told of its machine: members and variables, by what it was granted; and a disk that fills while one is loaded.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, statfsSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { Shrink } from "../../examples/04-program/components/shrink/gen/shrink_pb.ts";
import { newNodeClient, systemEnv, zmtpTransport } from "../../src/index.ts";
import { digestOf } from "../../src/machine/archive/archive.ts";
import { signFile } from "../../src/machine/archive/minisign.ts";
import { trustBy } from "../../src/machine/privileges/trust.ts";
import { PIECE_BYTES } from "../../src/machine/programs/archive-folder.ts";
import { confinementLayers } from "../../src/system/confinement.ts";
import { cleanUp, LIMIT, scratch } from "../cli/unum.ts";
import { eventually, type LocalMachine, type LocalNode, localMachine } from "./local-machine.ts";
import { packed } from "./program-folder.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const TTL = { ttlMs: 60_000 };
const unconfined = confinementLayers().find(({ present }) => !present);

let machine: LocalMachine | undefined;
const mounts: string[] = [];
afterEach(async () => {
  await machine?.end();
  machine = undefined;
  for (const mount of mounts.splice(0)) execFileSync("umount", ["-l", mount]);
});
after(cleanUp);

const TOLD = `
async function told(call, longest) {
  try {
    if (longest === 1) return JSON.stringify(await call.machine.describe({}), (_, v) => (typeof v === "bigint" ? String(v) : v));
    return (await call.machine.variable({ name: longest === 2 ? "region" : "secret" })).value;
  } catch (error) {
    return error.code + ": " + error.message;
  }
}
`;

/** An archive whose `plan` answers with what the machine tells it, in place of its version. */
async function asking(of: LocalMachine, version: string, description: object = {}) {
  const path = await packed(await scratch(), {
    version,
    code: (code) =>
      code
        .replace(/plan: \(\{ width, height, longest \}\) =>/, "plan: async ({ width, height, longest }, call) =>")
        .replace(/version: VERSION( \}\)|\s*\};)/, "version: await told(call, longest)$1") + TOLD,
    description: { capabilities: ["machine"], ...description },
  });
  const bytes = new Uint8Array(readFileSync(path));
  const digest = digestOf(bytes);
  const trust = trustBy(of.founder, { machine: of.id, program: "thumbnails", digest });
  return { version, bytes, digest, signature: signFile(bytes, of.founder, "test"), trust };
}

type Asking = Awaited<ReturnType<typeof asking>>;

async function put(node: LocalNode, { bytes, digest, signature }: Asking): Promise<void> {
  const total = BigInt(bytes.length);
  for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
    const piece = bytes.subarray(offset, offset + PIECE_BYTES);
    await node.machine.putArchive({ digest, offset: BigInt(offset), total, bytes: piece, signature }, TTL);
  }
}

function wanted({ version, digest, bytes, trust }: Asking, running: boolean, granted: string[] = []) {
  const loaded = [{ version, digest, bytes: BigInt(bytes.length), trust }];
  return {
    case: "program" as const,
    value: { loaded, running, digest: running ? digest : "", granted, mayBreak: true },
  };
}

describe("a program", { skip: linux, ...LIMIT }, () => {
  for (const trust of ["operator", "confined"] as const) {
    const skip = trust === "confined" && unconfined !== undefined ? `cannot confine: ${unconfined.text}` : false;
    const where = trust === "operator" ? "in its container" : "in a confined cell";
    it(`${where} is told of its machine and variables where it was granted 'machine', else that it was not`, {
      ...LIMIT,
      skip,
    }, async () => {
      machine = await localMachine();
      const first = await machine.add({ containers: 2 });
      const second = await machine.add({ controller: true });
      const archive = await asking(machine, "1.0.0", { trust });
      await put(first, archive);
      await first.propose("variable/region", { case: "variable", value: { value: "north" } });
      await first.propose("variable/secret", { case: "variable", value: { value: "s3", programs: ["another"] } });
      await first.propose("program/thumbnails", wanted(archive, true, ["machine"]));
      const env = systemEnv();
      const door = `ipc://${join(first.folder, "..")}/run/door.sock`;
      const client = await newNodeClient({
        env,
        transports: [zmtpTransport({ env })],
        seeds: [door],
        withinMs: 60_000,
      });
      try {
        const ask = async (longest: number) =>
          (await client.call(Shrink.method.plan, { width: 1, height: 1, longest }, { ...TTL, withinMs: 60_000 }))
            .version;
        const facts = JSON.parse(await ask(1));
        assert.equal(facts.machine, machine.id);
        assert.equal(facts.node, first.id);
        assert.equal(facts.program, "thumbnails");
        assert.deepEqual(facts.variables, { region: "north" });
        assert.deepEqual(facts.granted, ["machine"]);
        const isThere = (text: string) => {
          const members: { node: string; controller: boolean; online: boolean }[] = JSON.parse(text).members;
          return members.some(({ node, controller, online }) => node === second.id && controller && online);
        };
        await eventually("the other controller is named", () => ask(1), isThere);
        assert.equal(await ask(2), "north");
        assert.match(await ask(3), /^denied: variable 'secret' is for another, not for 'thumbnails'/);
        await first.propose("variable/region", { case: "variable", value: { value: "south" } });
        assert.equal(await ask(2), "south");
        await second.close();
        const isAway = (text: string) =>
          JSON.parse(text).members.some(
            (member: { node: string; online: boolean; offlineMs: string }) =>
              member.node === second.id && !member.online && Number(member.offlineMs) > 0,
          );
        await eventually("that it is away, and since when", () => ask(1), isAway);
        await first.propose("program/thumbnails", wanted(archive, true, []));
        assert.match(
          await ask(2),
          /^denied: variable 'region' needs the capability 'machine', which program 'thumbnails'/,
        );
        assert.match(await ask(1), /^denied: .*needs the capability 'machine'/);
      } finally {
        await client.close();
      }
    });
  }

  it(
    "that is loaded while the disk is full is refused whole, and loads when there is room again",
    LIMIT,
    async (test) => {
      const place = await scratch();
      try {
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", place], { stdio: "pipe" });
      } catch {
        return test.skip("this user may not mount a file system");
      }
      mounts.push(place);
      machine = await localMachine(place);
      const first = await machine.add();
      const archive = await asking(machine, "1.0.0");
      const filling = join(place, "filling");
      const { bavail, bsize } = statfsSync(place);
      writeFileSync(filling, Buffer.alloc(bavail * bsize));
      await assert.rejects(put(first, archive), /no space|ENOSPC/);
      await assert.rejects(first.propose("program/thumbnails", wanted(archive, false)), /ENOSPC|no space|is not here/);
      assert.deepEqual((await first.show()).programs, [], "nothing of it is there");
      await rm(filling);
      await put(first, archive);
      await first.propose("program/thumbnails", wanted(archive, false));
      const isLoaded = ({ programs }: { programs: { state: string }[] }) => programs[0]?.state === "loaded";
      await eventually("it is loaded", first.show, isLoaded);
      const { broken } = await first.machine.audit({ verify: true }, TTL);
      assert.equal(broken, "", "the audit log is whole");

      // The archive fits, unpacked it does not.
      const next = await asking(machine, "1.1.0");
      await put(first, next);
      const left = statfsSync(place);
      writeFileSync(filling, Buffer.alloc(Math.max(0, (left.bavail - 4) * left.bsize)));
      const loaded = [archive, next].map(({ version, digest, bytes, trust }) => ({
        version,
        digest,
        trust,
        bytes: BigInt(bytes.length),
      }));
      const both = { case: "program" as const, value: { loaded, running: false, digest: "" } };
      const outcome = await first.propose("program/thumbnails", both).catch((error) => String(error));
      if (outcome === "") {
        const problems = ({ programs }: { programs: { nodes: { problems: string[] }[] }[] }) =>
          programs[0]?.nodes.some((node) => node.problems.some((text) => /no space|ENOSPC/.test(text))) === true;
        await eventually("it says that there is no room", first.show, problems);
      } else assert.match(outcome, /no space|ENOSPC/);
      await rm(filling);
      if (outcome !== "") await first.propose("program/thumbnails", both);
      await eventually("it is loaded when there is room", first.show, isLoaded);
    },
  );
});
