// A server that evaluates, as a user would write one: {"candidates":[[…],…]} -> {"values":[…]}. Prints its port.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { candidates }: { candidates: number[][] } = JSON.parse(Buffer.concat(parts).toString());
    const values = candidates.map((x) => x.reduce((sum, gene) => sum + gene * gene, 0));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ values }));
  });
});
// It listens at a port: its address is no path.
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
