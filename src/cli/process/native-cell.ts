// The process of a native cell: the functions of one shared library, and one socket at fd 3. Started by its container.
//
// A function is int32_t NAME(const uint8_t *request, uint32_t request_bytes, uint8_t *reply, uint32_t reply_limit). It answers with
// the bytes of its reply, or with -1 - n, where n bytes of text in `reply` say what is wrong. docs/guide/programs.md is its page.

import { Socket } from "node:net";
import { Fault } from "../../base/fault.ts";
import { type ByteFunction, runFunctionGuest } from "../../container/cell/function-guest.ts";
import { SocketStream } from "../../system/socket-stream.ts";
import { type FunctionsAsked, functionsAsked, REPLY_LIMIT_BYTES, replyOf } from "./functions-asked.ts";

/** What is used of node:ffi, which has no types yet. */
interface Ffi {
  dlopen(
    path: string,
    functions: Readonly<Record<string, { readonly arguments: readonly string[]; readonly return: string }>>,
  ): { readonly functions: Readonly<Record<string, NativeFunction>> };
}
type NativeFunction = (request: Uint8Array, bytes: number, reply: Uint8Array, limit: number) => number;

const SIGNATURE = { arguments: ["pointer", "u32", "pointer", "u32"], return: "i32" } as const;
/** For a request without bytes: an address there must be. */
const NOTHING = new Uint8Array(1);

const socket = new Socket({ fd: 3, readable: true, writable: true });
// Nobody is left to work for.
socket.on("close", () => process.exit(0));
runFunctionGuest({
  stream: new SocketStream(socket, "container"),
  soon: setImmediate,
  load: async (head) => functionsOf(functionsAsked(head)),
});

async function functionsOf({ file, functions }: FunctionsAsked): Promise<ReadonlyMap<string, ByteFunction>> {
  const { dlopen } = await foreignFunctions();
  const names = new Set(functions.values());
  const library = dlopen(file, Object.fromEntries([...names].map((name) => [name, SIGNATURE])));
  const reply = Buffer.alloc(REPLY_LIMIT_BYTES);
  const called = (name: string): ByteFunction => {
    const native = library.functions[name];
    if (native === undefined) throw new Fault("invalid", `no function ${name} in ${file}`);
    return (request) => {
      const bytes = native(request.length === 0 ? NOTHING : request, request.length, reply, reply.length);
      if (bytes <= reply.length && bytes >= -1 - reply.length) return replyOf(bytes, reply);
      // It wrote where nothing of it was: nothing here can be relied on any more.
      process.stderr.write(`${name} says that it wrote ${bytes} bytes; there is room for ${reply.length}\n`);
      process.exit(70);
    };
  };
  return new Map([...functions].map(([path, name]) => [path, called(name)]));
}

async function foreignFunctions(): Promise<Ffi> {
  // The name is computed, so that the compiler does not look for types.
  const name: string = "node:ffi";
  try {
    return (await import(name)) as Ffi;
  } catch (cause) {
    throw new Fault("invalid", `native parts need Node.js 26 or newer with node:ffi; this is ${process.version}`, {
      cause,
    });
  }
}
