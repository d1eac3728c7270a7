// Streams of bytes as Node's sockets give them: Unix sockets, loopback TCP, mutual TLS 1.3.
//
// What is refused here, so that nobody above can forget it: plain TCP that others than this computer could reach,
// a socket path that is somebody's, a peer without a certificate of ours. Errors of Node become Faults here.

import { constants } from "node:crypto";
import { chmodSync } from "node:fs";
import net from "node:net";
import type tls from "node:tls";
import { Fault } from "../base/fault.ts";
import type { ByteStream, Endpoint, Listening, Network, TlsSettings } from "../base/network.ts";
import { connectFault, endpointText, listenFault } from "./network-fault.ts";
import { prepareSocketFolder, takeOver } from "./socket-path.ts";
import { SocketStream } from "./socket-stream.ts";
import { TlsPeers } from "./tls-peers.ts";

export interface SystemNetworkOptions {
  /** Of one listening socket, TLS handshakes included; what comes on top is dropped by the system. Default 8192. */
  readonly connections?: number;
  /** How long a TLS handshake may take on the accepting side. Default 5000. */
  readonly tlsHandshakeMs?: number;
}

/** Loaded when the first speaks TLS: that takes half of what a bare process takes to start, and many never do. */
const tlsModule = (): typeof tls => process.getBuiltinModule("node:tls");
/** How many may wait to be accepted; the system's own limit (net.core.somaxconn) counts where it is lower. */
const BACKLOG = 4_096;
/** A full backlog of a Unix socket answers EAGAIN; this long after, the next attempt is made. */
const RETRY_MS = 5;

/** One for a process. */
export function systemNetwork(options: SystemNetworkOptions = {}): Network {
  const peers = new TlsPeers();
  return {
    listen: (at, onStream) => listen(at, onStream, options, peers),
    connect: (to, timeoutMs) => connect(to, timeoutMs, peers),
    ruleTls: (rules) => peers.rule(rules),
  };
}

async function listen(
  at: Endpoint,
  onStream: (stream: ByteStream) => void,
  options: SystemNetworkOptions,
  peers: TlsPeers,
): Promise<Listening> {
  if (at.kind === "tcp") mustBeLoopback(at);
  if (at.kind === "ipc") await prepareSocketFolder(at.path);
  const server = makeServer(at, onStream, options, peers);
  server.maxConnections = options.connections ?? 8_192;
  await bind(server, at);
  if (at.kind === "ipc") chmodSync(at.path, 0o600);
  // A failed accept (too many open files) is the system's to overcome; those who were accepted are unharmed.
  server.on("error", () => {});
  return { endpoint: bound(server, at), close: () => new Promise((resolve) => closeServer(server, resolve)) };
}

/** Node's own close waits for every connection; here those go on by themselves. */
function closeServer(server: net.Server, done: () => void): void {
  server.close();
  // The listening socket is closed, and an ipc path removed, before close returns.
  setImmediate(done);
}

function makeServer(
  at: Endpoint,
  onStream: (stream: ByteStream) => void,
  options: SystemNetworkOptions,
  peers: TlsPeers,
): net.Server {
  if (at.kind !== "tls") {
    const peer = endpointText(at);
    return net.createServer({ noDelay: at.kind === "tcp" }, (socket) =>
      onStream(new SocketStream(socket, nameOf(socket, peer))),
    );
  }
  const server = tlsModule().createServer(
    {
      ...peers.mutual(at.tls),
      ...{ noDelay: true, requestCert: true, handshakeTimeout: options.tlsHandshakeMs ?? 5_000 },
      // Who resumes an earlier session would not show again who signed its certificate.
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    (socket) => {
      const wrong = wrongName(socket, at.tls) ?? peers.take(socket);
      if (wrong !== undefined) return void socket.destroy();
      onStream(new SocketStream(socket, nameOf(socket, endpointText(at)), peers.nameOf(socket)));
    },
  );
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  peers.listening(server, at.tls);
  return server;
}

/** Takes a socket path over when nobody answers there any more. */
async function bind(server: net.Server, at: Endpoint): Promise<void> {
  try {
    await bindOnce(server, at);
  } catch (cause) {
    if (at.kind !== "ipc" || codeOf(cause) !== "EADDRINUSE") throw listenFault(at, cause);
    await takeOver(at.path, () => bindOnce(server, at)).catch((again: unknown) => {
      throw listenFault(at, again);
    });
  }
}

function bindOnce(server: net.Server, at: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const where = at.kind === "ipc" ? { path: at.path } : { host: at.host, port: at.port };
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function bound(server: net.Server, at: Endpoint): Endpoint {
  if (at.kind === "ipc") return at;
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : at.port;
  return { ...at, port };
}

async function connect(to: Endpoint, timeoutMs: number, peers: TlsPeers): Promise<ByteStream> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await connectOnce(to, Math.max(1, until - performance.now()), peers);
    } catch (cause) {
      const busy = to.kind === "ipc" && codeOf(cause) === "EAGAIN" && performance.now() + RETRY_MS < until;
      if (!busy) throw cause instanceof Fault ? cause : connectFault(to, cause);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function connectOnce(to: Endpoint, timeoutMs: number, peers: TlsPeers): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const socket = open(to, peers);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(Object.assign(new Error(`no connection within ${Math.round(timeoutMs)} ms`), { code: "ETIMEDOUT" }));
    }, timeoutMs);
    const failed = (cause: Error) => {
      clearTimeout(timer);
      reject(cause);
    };
    socket.once("error", failed);
    socket.once(to.kind === "tls" ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      const barred = to.kind === "tls" && socket instanceof tlsModule().TLSSocket ? peers.take(socket) : undefined;
      if (barred !== undefined) return void socket.destroy(barred);
      socket.off("error", failed);
      resolve(new SocketStream(socket, endpointText(to)));
    });
  });
}

function open(to: Endpoint, peers: TlsPeers): net.Socket {
  if (to.kind === "ipc") return net.connect({ path: to.path });
  if (to.kind === "tcp") return net.connect({ host: to.host, port: to.port, noDelay: true });
  const { serverName } = to.tls;
  const { connect: connectTls, checkServerIdentity } = tlsModule();
  const socket = connectTls({
    ...peers.mutual(to.tls),
    host: to.host,
    port: to.port,
    ...(serverName === undefined ? {} : { servername: serverName }),
    checkServerIdentity: (host, cert) => checkServerIdentity(serverName ?? host, cert),
  });
  socket.setNoDelay(true);
  return socket;
}

/** The dialling side's name is checked too, where one is given: its host says nothing. */
function wrongName(socket: tls.TLSSocket, { serverName }: TlsSettings): Error | undefined {
  return serverName === undefined
    ? undefined
    : tlsModule().checkServerIdentity(serverName, socket.getPeerCertificate());
}

/** Plain TCP is for programs on one computer, where nobody else can listen or speak. */
function mustBeLoopback({ host, port }: { host: string; port: number }): void {
  if (host === "localhost" || host === "::1" || (net.isIPv4(host) && host.startsWith("127."))) return;
  throw new Fault(
    "denied",
    `tcp://${host}:${port} can be reached from other computers and plain TCP is neither encrypted nor authenticated; ` +
      `listen at tls://${host}:${port}, or at 127.0.0.1`,
  );
}

function nameOf(socket: net.Socket, listener: string): string {
  return socket.remoteAddress === undefined
    ? `a client of ${listener}`
    : `${socket.remoteAddress}:${socket.remotePort}`;
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
}
