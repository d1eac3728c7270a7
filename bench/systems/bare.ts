// A Unix socket with length-prefixed frames and nothing else: what no message system on Node's sockets can beat.
//
// Frames written in one turn leave in one system call, as ours do; replies come in the order of the calls.

import { once } from "node:events";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type Payloads, sameBytes } from "../harness/payload.ts";
import { frameReader, frameWriter } from "./bare-frames.ts";
import type { Calling, Exchange, Serving } from "./system.ts";

export async function serve(inFolder: string): Promise<Serving> {
  const path = join(inFolder, "bare.sock");
  const sockets = new Set<Socket>();
  let served = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    const write = frameWriter(socket);
    const read = frameReader((frame) => {
      served++;
      write(frame);
    });
    socket.on("data", read).on("error", () => socket.destroy());
  });
  server.listen(path);
  await once(server, "listening");
  return {
    address: path,
    served: () => served,
    held: () => 0,
    release: () => {},
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

export async function connect(path: string): Promise<Calling> {
  const socket = connectSocket(path);
  await once(socket, "connect");
  const waiting: ((frame: Uint8Array) => void)[] = [];
  let answered = 0;
  const write = frameWriter(socket);
  const read = frameReader((frame) => {
    waiting[answered++]?.(frame);
    if (answered < 4_096) return;
    waiting.splice(0, answered);
    answered = 0;
  });
  socket.on("data", read);
  return {
    echo(pool: Payloads): Exchange<Uint8Array> {
      const { bytes, at } = pool;
      return {
        call(index) {
          const payload = bytes[at(index)];
          if (payload === undefined) throw new RangeError(`no payload ${index}`);
          return new Promise((resolve) => {
            waiting.push(resolve);
            write(payload);
          });
        },
        right: (reply, index) => sameBytes(reply, bytes[at(index)] ?? new Uint8Array()),
      };
    },
    hold: () => Promise.reject(new Error("a bare socket has no function that could hold a call")),
    async close() {
      socket.destroy();
    },
  };
}
