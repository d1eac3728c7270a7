// A socket of Node as a ByteStream.

import type net from "node:net";
import type { ByteStream } from "../base/network.ts";

/** How long the last bytes may take to leave after `end`. */
const LINGER_MS = 5_000;

const ignore = (): void => {};

export class SocketStream implements ByteStream {
  onData: (bytes: Uint8Array) => void = ignore;
  onDrain: () => void = ignore;
  onClose: (cause: Error | undefined) => void = ignore;
  readonly peer: string;
  readonly name?: string;
  readonly #socket: net.Socket;
  #cause: Error | undefined;
  #closed = false;

  constructor(socket: net.Socket, peer: string, name?: string) {
    this.#socket = socket;
    this.peer = peer;
    if (name !== undefined) this.name = name;
    socket.on("data", (bytes: Buffer) => {
      if (!this.#closed) this.onData(bytes);
    });
    socket.on("drain", () => {
      if (!this.#closed) this.onDrain();
    });
    socket.on("error", (cause) => {
      this.#cause = cause;
    });
    socket.on("close", () => {
      this.#closed = true;
      this.onClose(this.#cause);
    });
  }

  get buffered(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    // What is written to a stream that has ended is lost like what was under way; onClose says so.
    return this.#socket.writable && this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    this.#socket.once("close", () => clearTimeout(timer));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
