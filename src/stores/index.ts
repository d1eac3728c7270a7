// Versioned objects for programs, as `unum/stores`.

export { type FileStore, type FileStoreSettings, fileStore } from "./file-store.ts";
export type { PutOutcome, Store, StoredObject } from "./store.ts";
