// Texts over HTTP, for who reads figures: GET and HEAD, one answer a request.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { asError, Fault } from "../base/fault.ts";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const REQUEST_LIMIT_MS = 10_000;
const MOST_CONNECTIONS = 64;

/** `at`: HOST:PORT. Settles with the address it listens at, port included. Rejects with the Fault `invalid` where it cannot. */
export async function serveText(
  at: string,
  answer: (path: string) => Promise<Answer>,
): Promise<{ readonly at: string; close(): Promise<void> }> {
  const [, host = "", port = ""] = /^\[?(.+?)\]?:(\d{1,5})$/.exec(at) ?? [];
  if (host === "" || Number(port) > 65_535) throw new Fault("invalid", `'${at}' is not HOST:PORT, as 127.0.0.1:9464`);
  // Here and not above: every container would load it at its start, and nearly none serves texts.
  const { createServer } = await import("node:http");
  const server = createServer(
    { requestTimeout: REQUEST_LIMIT_MS, headersTimeout: REQUEST_LIMIT_MS },
    (request, response) => {
      void respond(request, response, answer);
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new Fault("invalid", `cannot listen at ${at}: ${cause.message}`, { cause })),
    );
    server.listen(Number(port), host, resolve);
  });
  // A listening server of this kind has one.
  const { port: own } = server.address() as AddressInfo;
  return {
    at: `${host.includes(":") ? `[${host}]` : host}:${own}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (path: string) => Promise<Answer>,
): Promise<void> {
  const { method = "", url = "/" } = request;
  const { status, type, text } =
    method === "GET" || method === "HEAD"
      ? await answer(url.split("?", 1)[0] ?? "/").catch((thrown) => ({
          ...{ status: 500, type: "text/plain" },
          text: `${asError(thrown).message}\n`,
        }))
      : { status: 405, type: "text/plain", text: "GET or HEAD\n" };
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(method === "HEAD" ? undefined : text);
}
