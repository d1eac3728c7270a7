// A server that stands in for a language model, with its interface: node examples/10-proposer/stub-model.ts [PORT]
//
// It knows nothing of the points. It reads the formulas of the prompt and answers with each of the better ones, one term more.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const MORE = ["x", "(x*x)", "((x*x)*(x*x))", "1", "2", "5"];

export function stubModel(port = 0) {
  let asked = 0;
  const server = createServer(async (request, response) => {
    asked++;
    let body = "";
    for await (const chunk of request) body += chunk;
    const { messages, seed } = JSON.parse(body);
    const prompt: string = messages[0].content;
    const known = [...prompt.matchAll(/^(\S+) {3}error/gm)].map(([, text]) => text ?? "x");
    const lines = Array.from({ length: 8 }, (_, i) => {
      const from = known[i % Math.min(2, known.length)] ?? "x";
      const more = MORE[(seed + i) % MORE.length];
      return `(${from}${(seed >> 3) % 2 === i % 2 ? "+" : "-"}${more})`;
    });
    const content = [...lines, "I hope that this helps!"].join("\n");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ choices: [{ message: { content } }], usage: { total_tokens: prompt.length } }));
  });
  const listening = new Promise<string>((resolve) => {
    // It listens at a port: its address is no path.
    server.listen(port, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
  // Whoever asked may have kept its connection for more.
  const close = () =>
    new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    });
  return { listening, asked: () => asked, close };
}

if (import.meta.main) console.log(`MODEL_URL=${await stubModel(Number(process.argv[2] ?? 9_100)).listening}`);
