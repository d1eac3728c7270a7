// A process that takes a log into an index until it is killed: it says when it has begun, so that the kill falls into its work.
//
//   node writing.ts CHUNK LOG SEGMENT_ROWS

import { ChunkWriter } from "../../src/log-index/chunk/chunk-writer.ts";

const [folder = "", log = "", rows = ""] = process.argv.slice(2);
const writer = new ChunkWriter({ folder, segmentRows: Number(rows) });
process.stdout.write("begun\n");
await writer.addFile(log, { format: "common" });
writer.flush();
for (let i = 0; i < 3; i++) writer.tidy({ everything: i > 0 });
writer.close();
process.stdout.write("done\n");
