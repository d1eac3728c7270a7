// What a cell of functions is told to load, and the one convention of what such a function answers.

/** Of one reply; a frame takes no more. */
export const REPLY_LIMIT_BYTES = 2 ** 20 - 1_024;

export interface FunctionsAsked {
  /** Absolute. */
  readonly file: string;
  /** Path of the method → name of the function. */
  readonly functions: ReadonlyMap<string, string>;
  /** Absolute: folders that a WASI module finds under the same name. */
  readonly folders: readonly string[];
  /** Of a WebAssembly module's memory, of 64 KiB each. */
  readonly pages: number;
}

/** The container asks so: it is the trusted side. */
export function functionsAsked(head: Readonly<Record<string, unknown>>): FunctionsAsked {
  const { functions, ...asked } = head as Omit<FunctionsAsked, "functions"> & { functions: Record<string, string> };
  return { ...asked, functions: new Map(Object.entries(functions)) };
}

/** `bytes`: of the reply, or -1 - n where n bytes of text say what is wrong; then it throws that, as the caller gets it. */
export function replyOf(bytes: number, reply: Uint8Array): Uint8Array {
  if (bytes >= 0) return reply.slice(0, bytes);
  const text = new TextDecoder().decode(reply.subarray(0, -1 - bytes));
  throw Object.assign(new Error(text === "" ? "it failed and does not say why" : text), { name: "FunctionError" });
}
