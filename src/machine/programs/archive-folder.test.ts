import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../../base/random.ts";
import { SimulatedDisk } from "../../testing/hosts/simulated-disk.ts";
import { settledOn } from "../../testing/promises/settled.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { ArchiveFolder } from "./archive-folder.ts";

const [WHOLE, TORN] = ["a".repeat(64), "b".repeat(64)];
const MANIFEST = JSON.stringify({
  ...{ unum: 1, name: "shop", version: "1.0.0", contracts: "contracts.binpb", serves: [], files: [] },
  parts: [{ kind: "component", folder: "components" }],
});

describe("the archives of a node", () => {
  it("are there again after a loss of power, but for one whose manifest it has damaged", async () => {
    const clock = new VirtualClock();
    const random = seededRandom(1);
    const disk = new SimulatedDisk(clock, random);
    disk.put(`/m/programs/${WHOLE}/MANIFEST.json`, MANIFEST);
    disk.put(`/m/programs/${TORN}/MANIFEST.json`, MANIFEST.slice(0, 40));
    disk.put(`/m/programs/new-abc/MANIFEST.json`, MANIFEST);
    const archives = new ArchiveFolder(disk.of({ alive: true, deliver: (fire) => fire() }), "/m", random);
    await settledOn(clock, archives.open(), 1_000);
    assert.deepEqual(archives.unpackedOf("shop"), [WHOLE]);
    assert.deepEqual(disk.paths, [`/m/programs/${WHOLE}/MANIFEST.json`]);
  });
});
