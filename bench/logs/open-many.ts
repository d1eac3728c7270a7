// Opens an index and says what that took: node --expose-gc open-many.ts FOLDER

import { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { openSnapshot } from "../../src/log-index/chunk/snapshot.ts";
import { systemEnv } from "../../src/system/env.ts";

const [folder = ""] = process.argv.slice(2);
const mb = (): number => {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 2 ** 20;
};
const chunk = new Chunk({ folder, name: "many", clock: systemEnv().clock });
const before = process.cpuUsage();
await chunk.wakeUp();
const { user, system } = process.cpuUsage(before);
const openedMb = mb();
// Everything that a question may bring into memory for good.
const { segments, postings } = openSnapshot(folder);
const held = [...segments.map(({ times }) => times), ...postings.map(({ index }) => index)];
const askedMb = mb();
process.stdout.write(JSON.stringify({ openMs: (user + system) / 1000, openedMb, askedMb, held: held.length }));
chunk.sleep();
