import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { cgroupLimits } from "./cgroup.ts";
import { available, memoryFromProc, memoryFromPs, Shares, systemResources } from "./resources.ts";

const folder = mkdtempSync(join(tmpdir(), "unum-cgroup-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let roots = 0;

/** A root with these files. */
function root(files: Record<string, string>): string {
  const at = join(folder, String(++roots));
  for (const [path, content] of Object.entries({ "/proc/self/none": "", ...files })) {
    mkdirSync(dirname(join(at, path)), { recursive: true });
    writeFileSync(join(at, path), `${content}\n`);
  }
  return at;
}

const V2 = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";
const V1 = ["cpu,cpuacct", "memory", "cpuset"].map(
  (controllers, i) => `3${i} 24 0:3${i} / /sys/fs/cgroup/${controllers} rw - cgroup cgroup rw,${controllers}`,
);
const NONE = { quotaCpus: undefined, cpuCount: undefined, memoryBytes: undefined };

describe("what control groups leave", () => {
  const table: [string, Record<string, string>, ReturnType<typeof cgroupLimits>][] = [
    ["is everything where there are none", {}, NONE],
    [
      "is everything where version 2 says max",
      {
        "/proc/self/mountinfo": V2,
        "/proc/self/cgroup": "0::/app",
        "/sys/fs/cgroup/app/cpu.max": "max 100000",
        "/sys/fs/cgroup/app/memory.max": "max",
      },
      NONE,
    ],
    [
      "is the quota, the set and the memory of version 2",
      {
        "/proc/self/mountinfo": V2,
        "/proc/self/cgroup": "0::/app",
        "/sys/fs/cgroup/app/cpu.max": "150000 100000",
        "/sys/fs/cgroup/app/memory.max": "536870912",
        "/sys/fs/cgroup/app/cpuset.cpus.effective": "0-2,6",
      },
      { quotaCpus: 1.5, cpuCount: 4, memoryBytes: 512 * 2 ** 20 },
    ],
    [
      "is the least of what the groups above say",
      {
        "/proc/self/mountinfo": V2,
        "/proc/self/cgroup": "0::/a/b/c",
        "/sys/fs/cgroup/a/cpu.max": "50000 100000",
        "/sys/fs/cgroup/a/b/cpu.max": "400000 100000",
        "/sys/fs/cgroup/a/b/c/memory.max": "4096",
        "/sys/fs/cgroup/a/memory.max": "8192",
      },
      { quotaCpus: 0.5, cpuCount: undefined, memoryBytes: 4_096 },
    ],
    [
      "is found in a container whose mount begins at its own group",
      {
        "/proc/self/mountinfo": V2.replace(" / ", " /docker/1f "),
        "/proc/self/cgroup": "0::/docker/1f/inner",
        "/sys/fs/cgroup/cpu.max": "200000 100000",
        "/sys/fs/cgroup/inner/memory.max": "4096",
      },
      { quotaCpus: 2, cpuCount: undefined, memoryBytes: 4_096 },
    ],
    [
      "is found where the path is told from outside the mount",
      {
        "/proc/self/mountinfo": V2.replace(" / ", " /docker/1f "),
        "/proc/self/cgroup": "0::/",
        "/sys/fs/cgroup/cpu.max": "200000 100000",
      },
      { quotaCpus: 2, cpuCount: undefined, memoryBytes: undefined },
    ],
    [
      "is the quota, the set and the memory of version 1",
      {
        "/proc/self/mountinfo": V1.join("\n"),
        "/proc/self/cgroup": "3:cpu,cpuacct:/app\n2:memory:/app\n1:cpuset:/\n0::/",
        "/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us": "75000",
        "/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us": "100000",
        "/sys/fs/cgroup/memory/app/memory.limit_in_bytes": "1048576",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        "/sys/fs/cgroup/cpuset/cpuset.cpus": "3",
      },
      { quotaCpus: 0.75, cpuCount: 1, memoryBytes: 1_048_576 },
    ],
    [
      "is everything where version 1 says -1 and the largest number",
      {
        "/proc/self/mountinfo": V1.join("\n"),
        "/proc/self/cgroup": "3:cpu,cpuacct:/\n2:memory:/",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
      },
      NONE,
    ],
    [
      "comes from both versions where they are mixed",
      {
        "/proc/self/mountinfo": `${V1[1]}\n${V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")}`,
        "/proc/self/cgroup": "2:memory:/m\n0::/u",
        "/sys/fs/cgroup/memory/m/memory.limit_in_bytes": "4096",
        "/sys/fs/cgroup/unified/u/cpu.max": "300000 100000",
      },
      { quotaCpus: 3, cpuCount: undefined, memoryBytes: 4_096 },
    ],
    [
      "is everything where the files say nonsense",
      {
        "/proc/self/mountinfo": `${V2}\nnonsense\n - cgroup2`,
        "/proc/self/cgroup": "0::/app\nnonsense\n::",
        "/sys/fs/cgroup/app/cpu.max": "many 0",
        "/sys/fs/cgroup/app/memory.max": "-5",
        "/sys/fs/cgroup/app/cpuset.cpus.effective": "a-b,",
      },
      NONE,
    ],
  ];
  for (const [says, files, expected] of table) it(says, () => assert.deepEqual(cgroupLimits(root(files)), expected));
});

describe("what is available", () => {
  it("is the least of what the computer and its groups say", () => {
    const limited = root({
      "/proc/self/mountinfo": V2,
      "/proc/self/cgroup": "0::/",
      "/sys/fs/cgroup/cpu.max": "150000 100000",
      "/sys/fs/cgroup/memory.max": "4096",
    });
    assert.deepEqual(available({ parallelism: 8, totalBytes: 10_000, root: limited }), {
      cpus: 1.5,
      memoryBytes: 4_096,
    });
    assert.deepEqual(available({ parallelism: 1, totalBytes: 1_000, root: limited }), { cpus: 1, memoryBytes: 1_000 });
  });

  it("is something on this computer, and no more than it has", () => {
    const { cpus, memoryBytes } = systemResources().available();
    assert.ok(cpus > 0 && cpus <= availableParallelism(), `${cpus} CPUs`);
    assert.ok(memoryBytes > 2 ** 20 && memoryBytes <= totalmem(), `${memoryBytes} bytes`);
  });
});

describe("the memory of a process", () => {
  it("is seen of this process, and grows with what it holds", async () => {
    const resources = systemResources();
    const before = await resources.memoryOf(process.pid);
    const held = Buffer.alloc(64 * 2 ** 20, 1);
    const now = await resources.memoryOf(process.pid);
    assert.ok(before !== undefined && now !== undefined);
    assert.ok(
      now.residentBytes - before.residentBytes > 40 * 2 ** 20,
      `${before.residentBytes} to ${now.residentBytes}`,
    );
    if (process.platform === "linux") {
      assert.ok(now.proportionalBytes !== undefined && now.proportionalBytes <= now.residentBytes * 1.1);
    }
    assert.equal(held.length, 64 * 2 ** 20);
  });

  it("is seen by ps too", async () => {
    const memory = await memoryFromPs(process.pid);
    assert.ok(memory !== undefined && memory.residentBytes > 10 * 2 ** 20);
    assert.equal(await memoryFromPs(2 ** 22 + 5), undefined);
  });

  it("is unknown of a process that does not exist, and in part where the system hides the rest", async () => {
    assert.equal(await systemResources().memoryOf(2 ** 22 + 5), undefined);
    const proc = root({ "/proc/7/status": "Name:\tnode\nVmRSS:\t    100 kB\nThreads:\t1" });
    assert.deepEqual(await memoryFromProc(7, join(proc, "proc")), {
      residentBytes: 102_400,
      proportionalBytes: undefined,
    });
  });

  it("has its share reckoned while it hardly changes, and looked at anew where it has, and now and then", async () => {
    const files = (residentKb: number, shareKb: number) => ({
      "/proc/7/status": `Name:\tnode\nVmRSS:\t${residentKb} kB\n`,
      "/proc/7/smaps_rollup": `Rss:\t${residentKb} kB\nPss:\t${shareKb} kB\n`,
    });
    const shares = new Shares();
    const share = async (residentKb: number, shareKb: number) => {
      const memory = await memoryFromProc(7, join(root(files(residentKb, shareKb)), "proc"), shares);
      return (memory?.proportionalBytes ?? 0) / 1_024;
    };
    assert.equal(await share(100_000, 40_000), 40_000);
    assert.equal(await share(101_000, 1), 41_000, "what it grew by is its own");
    assert.equal(await share(150_000, 70_000), 70_000, "it grew by much");
    for (let i = 0; i < 10; i++) assert.equal(await share(150_000, 60_000), 70_000);
    assert.equal(await share(150_000, 60_000), 60_000, "it was long ago");
  });
});
