// One question and one answer over TLS, from who has no certificate yet: he knows the server by the hash of its root.
//
// The server shows leaf, intermediate and root. The asker accepts it only where each certificate signed the one before it and
// the last one's hash is the one he was given; nothing is sent before.

import { createHash, X509Certificate } from "node:crypto";
import tls from "node:tls";
import { asError, Fault } from "../base/fault.ts";

const LONGEST_TEXT = 64 * 1024;
const LIMIT_MS = 10_000;
const MOST_CONNECTIONS = 32;

/** `answer` rejects with what the asker is told. Rejects with the Fault `invalid` where it cannot listen. */
export async function answerQuestions(
  { host, port, key, certs }: { host: string; port: number; key: string; certs: string },
  answer: (question: string) => Promise<string>,
): Promise<{ speak(as: { key: string; certs: string }): void; close(): Promise<void> }> {
  const open = new Set<tls.TLSSocket>();
  const server = tls.createServer({ key, cert: certs, minVersion: "TLSv1.3", handshakeTimeout: LIMIT_MS }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(LIMIT_MS, () => socket.destroy());
    lineOf(socket)
      .then(answer)
      .then(
        (text) => socket.end(`${JSON.stringify({ answer: text })}\n`),
        (error) => socket.end(`${JSON.stringify({ error: asError(error).message })}\n`),
      );
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new Fault("invalid", `cannot listen at ${host}:${port}: ${cause.message}`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  return {
    speak: (as) => server.setSecureContext({ key: as.key, cert: as.certs, minVersion: "TLSv1.3" }),
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Rejects with the Fault `undeliverable` where nobody answers, `denied` where he is not who he should be or refuses. */
export async function askQuestion(
  { host, port, root }: { host: string; port: number; root: string },
  question: string,
): Promise<string> {
  // Whom it is connected to is checked below, by what the caller knows of him.
  const socket = tls.connect({ host, port, minVersion: "TLSv1.3", rejectUnauthorized: false, timeout: LIMIT_MS });
  socket.on("timeout", () => socket.destroy(new Error(`no answer within ${LIMIT_MS} ms`)));
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
    });
    const why = whyNot(socket.getPeerCertificate(true), root);
    if (why !== undefined) throw new Fault("denied", `${host}:${port} is not a controller of that machine: ${why}`);
    socket.write(`${question}\n`);
    const reply: unknown = JSON.parse(await lineOf(socket));
    const { answer, error } = Object(reply);
    if (typeof answer === "string") return answer;
    throw new Fault("denied", typeof error === "string" ? error : `${host}:${port} answers what nobody understands`);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("undeliverable", `${host}:${port} does not answer: ${asError(cause).message}`, { cause });
  } finally {
    socket.destroy();
  }
}

const LONGEST_CHAIN = 4;

function whyNot(leaf: tls.DetailedPeerCertificate, root: string): string | undefined {
  const chain: X509Certificate[] = [];
  for (let next = leaf; next?.raw !== undefined && chain.length < LONGEST_CHAIN; next = next.issuerCertificate) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === next) break;
  }
  const last = chain.at(-1);
  if (last === undefined || createHash("sha256").update(last.raw).digest("base64url") !== root) {
    return "it does not show the root that the token names; others are let in where 'unum token' says, at the port after that of the node's door";
  }
  const broken = chain.findIndex((cert, index) => {
    const signer = chain[index + 1] ?? cert;
    return !cert.checkIssued(signer) || !cert.verify(signer.publicKey) || (index > 0 && !cert.ca);
  });
  return broken < 0 ? undefined : "its certificates do not lead to its root";
}

function lineOf(socket: tls.TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (more: string) => {
      text += more;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > LONGEST_TEXT) socket.destroy(new Error(`more than ${LONGEST_TEXT} characters`));
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection ended before the answer")));
  });
}
