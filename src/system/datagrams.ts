// Datagrams as Node's UDP sockets give them.

import dgram from "node:dgram";
import {
  addressText,
  type DatagramAddress,
  type DatagramOptions,
  type DatagramSocket,
  type Datagrams,
  isIpAddress,
  isLoopback,
} from "../base/datagrams.ts";
import { asError, Fault } from "../base/fault.ts";

/** Asked of the system for each direction; it may grant less. Holds what comes while the process is busy. */
const BUFFER_BYTES = 1024 * 1024;

/** Multicast stays on the networks this computer is part of. */
const HOPS = 1;

/** One for a process. */
export function systemDatagrams(): Datagrams {
  return { open };
}

async function open(at: DatagramAddress, options: DatagramOptions = {}): Promise<DatagramSocket> {
  const socket = dgram.createSocket({
    type: at.host.includes(":") ? "udp6" : "udp4",
    reuseAddr: options.group !== undefined,
  });
  try {
    await bind(socket, at, options);
    if (options.group !== undefined) join(socket, at, options.group);
  } catch (cause) {
    socket.close();
    throw openFault(at, options, cause);
  }
  return new UdpSocket(socket);
}

/** A group's datagrams are addressed to the group, so the socket is bound to every address and joins on `at.host`. */
function bind(socket: dgram.Socket, at: DatagramAddress, { group }: DatagramOptions): Promise<void> {
  const address = group === undefined ? at.host : at.host.includes(":") ? "::" : "0.0.0.0";
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address, port: at.port }, () => {
      socket.off("error", reject);
      resolve();
    });
  });
}

function join(socket: dgram.Socket, at: DatagramAddress, group: string): void {
  socket.addMembership(group, at.host);
  socket.setMulticastInterface(at.host);
  socket.setMulticastLoopback(true);
  socket.setMulticastTTL(HOPS);
}

class UdpSocket implements DatagramSocket {
  readonly address: DatagramAddress;
  onDatagram: (bytes: Uint8Array, from: DatagramAddress) => void = () => {};
  readonly #socket: dgram.Socket;
  readonly #loopbackOnly: boolean;
  #closing: Promise<void> | undefined;

  constructor(socket: dgram.Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.address = { host: address, port };
    this.#loopbackOnly = isLoopback(address);
    enlarge(socket);
    socket.on("message", (bytes, from) => {
      if (this.#closing === undefined) this.onDatagram(bytes, { host: from.address, port: from.port });
    });
    // Of a datagram that could not be sent, or was refused at its end: it is lost.
    socket.on("error", () => {});
  }

  send(bytes: Uint8Array, to: DatagramAddress): void {
    if (this.#closing !== undefined) return;
    // The system would refuse it with an error for each.
    if (this.#loopbackOnly && isIpAddress(to.host) && !isLoopback(to.host) && !isMulticast(to.host)) return;
    try {
      this.#socket.send(bytes, to.port, to.host, () => {});
    } catch {
      // A port or host that cannot be: lost like any other.
    }
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => this.#socket.close(resolve));
    return this.#closing;
  }
}

function enlarge(socket: dgram.Socket): void {
  try {
    socket.setRecvBufferSize(BUFFER_BYTES);
    socket.setSendBufferSize(BUFFER_BYTES);
  } catch {
    // The system's own size serves too.
  }
}

function isMulticast(host: string): boolean {
  const first = Number(host.split(".")[0]);
  return host.toLowerCase().startsWith("ff") || (first >= 224 && first <= 239);
}

function openFault(at: DatagramAddress, { group }: DatagramOptions, cause: unknown): Fault {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const where = group === undefined ? addressText(at) : `${addressText(at)} (group ${group})`;
  if (code === "EADDRINUSE") {
    return new Fault("invalid", `udp ${where} is in use by another process; choose another port`, { cause });
  }
  if (code === "EADDRNOTAVAIL") {
    return new Fault("invalid", `udp ${where}: this computer has no address ${at.host}`, { cause });
  }
  if (code === "EACCES")
    return new Fault("denied", `udp ${where}: no right to it; choose a port above 1023`, { cause });
  return new Fault("invalid", `udp ${where}: ${asError(cause).message}`, { cause });
}
