// What programs import as unum/log-index.

export type { LineSearch } from "./asleep/line-search.ts";
export { Chunk, type ChunkSettings } from "./chunk/chunk.ts";
export { type Added, type AddSettings, ChunkWriter, type WriterSettings } from "./chunk/chunk-writer.ts";
export { type Batch, type LogRecord, type Part, recordOf, recordsOf } from "./find/batch.ts";
export type { FindOptions, Index, IndexFacts } from "./find/index.ts";
export type { Estimate, Gap, Query } from "./find/query.ts";
export { Tally, type TallyWanted } from "./find/tally.ts";
export { type LogIndexSettings, logIndexComponent } from "./machine/log-index-component.ts";
export { type IndexNode, NodesIndex } from "./machine/nodes-index.ts";
export { AddressSet } from "./records/address-set.ts";
export { parseTimes } from "./records/time.ts";
export { type CostLimits, DEFAULT_COST_LIMITS, miniserver } from "./server/miniserver.ts";
export { addLogs, addUrl } from "./tree/add-logs.ts";
export { IndexDispatcher } from "./tree/index-dispatcher.ts";
export { type Removed, removeIndex } from "./tree/remove-index.ts";
export { UrlDispatcher } from "./tree/url-dispatcher.ts";
