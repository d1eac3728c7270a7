// The process of a WebAssembly cell: the functions of one module, and one socket at fd 3. Started by its container.
//
// The module exports `memory`, `unum_reserve(bytes) → address` and its functions: (request, request_bytes, reply, reply_limit) → bytes of
// the reply, or -1 - n, where n bytes of text in `reply` say what is wrong. It may import WASI. docs/guide/programs.md is its page.

import { readFile } from "node:fs/promises";
import { Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { WASI } from "node:wasi";
import { Fault } from "../../base/fault.ts";
import { type ByteFunction, runFunctionGuest } from "../../container/cell/function-guest.ts";
import { SocketStream } from "../../system/socket-stream.ts";
import { type FunctionsAsked, functionsAsked, REPLY_LIMIT_BYTES, replyOf } from "./functions-asked.ts";

/** What is used of WebAssembly, whose types come with those of browsers alone. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  readonly Module: { imports(module: WasmModule): readonly { readonly module: string }[] };
  readonly Instance: new (
    module: WasmModule,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly Memory: new (...unused: never) => WasmMemory;
  readonly RuntimeError: new (...unused: never) => Error;
};
type WasmModule = { readonly unum: "module" };
type WasmMemory = { readonly buffer: ArrayBuffer };

const WASI_IMPORTS = "wasi_snapshot_preview1";
/** The reply begins where any value may. */
const ALIGNMENT = 16;

type WasmFunction = (...numbers: readonly number[]) => number;

interface Instance {
  readonly memory: WasmMemory;
  readonly reserve: WasmFunction;
  readonly functions: ReadonlyMap<string, WasmFunction>;
}

const socket = new Socket({ fd: 3, readable: true, writable: true });
// Nobody is left to work for.
socket.on("close", () => process.exit(0));
runFunctionGuest({
  stream: new SocketStream(socket, "container"),
  soon: setImmediate,
  load: (head) => functionsOf(functionsAsked(head)),
});

async function functionsOf(asked: FunctionsAsked): Promise<ReadonlyMap<string, ByteFunction>> {
  // Only now: Node's own modules need more to begin with.
  setFlagsFromString(`--wasm-max-mem-pages=${asked.pages}`);
  const module = await WebAssembly.compile(await readFile(asked.file));
  let instance = instanceOf(module, asked);
  const called = (name: string): ByteFunction => {
    if (!instance.functions.has(name)) throw new Fault("invalid", `the module exports no function '${name}'`);
    return (request) => {
      try {
        return call(instance, name, request);
      } catch (thrown) {
        if (!(thrown instanceof WebAssembly.RuntimeError) && !(thrown instanceof RangeError)) throw thrown;
        // Whatever it was in the middle of is gone with its memory.
        instance = instanceOf(module, asked);
        throw new Fault("internal", `${name} trapped: ${thrown.message}`);
      }
    };
  };
  return new Map([...asked.functions].map(([path, name]) => [path, called(name)]));
}

function instanceOf(module: WasmModule, { functions, folders }: FunctionsAsked): Instance {
  const asksWasi = WebAssembly.Module.imports(module).some(({ module: from }) => from === WASI_IMPORTS);
  const preopens = Object.fromEntries(folders.map((folder) => [folder, folder]));
  const wasi = asksWasi ? new WASI({ version: "preview1", preopens }) : undefined;
  const instance = new WebAssembly.Instance(module, { ...wasi?.getImportObject() });
  wasi?.initialize(instance);
  const { memory, unum_reserve: reserve } = instance.exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof reserve !== "function")
    throw new Fault(
      "invalid",
      "the module does not export 'memory' and 'unum_reserve'; docs/guide/programs.md says how",
    );
  const exported = [...new Set(functions.values())].flatMap((name) => {
    const found = instance.exports[name];
    // A WebAssembly function takes and gives numbers; what else it declares is a trap when it is called.
    return typeof found === "function" ? [[name, found as WasmFunction] as const] : [];
  });
  return { memory, reserve: reserve as WasmFunction, functions: new Map(exported) };
}

function call({ memory, reserve, functions }: Instance, name: string, request: Uint8Array): Uint8Array {
  const replyAt = Math.ceil(request.length / ALIGNMENT) * ALIGNMENT;
  const at = reserve(replyAt + REPLY_LIMIT_BYTES) >>> 0;
  if (at + replyAt + REPLY_LIMIT_BYTES > memory.buffer.byteLength) {
    throw new Fault("internal", `the module has no room for a call: unum_reserve gave ${at}`);
  }
  new Uint8Array(memory.buffer, at, request.length).set(request);
  const bytes = functions.get(name)?.(at, request.length, at + replyAt, REPLY_LIMIT_BYTES) ?? 0;
  if (bytes > REPLY_LIMIT_BYTES || bytes < -1 - REPLY_LIMIT_BYTES)
    throw new Fault("internal", `${name} says that it wrote ${bytes} bytes; there is room for ${REPLY_LIMIT_BYTES}`);
  return replyOf(bytes, new Uint8Array(memory.buffer, at + replyAt, REPLY_LIMIT_BYTES));
}
