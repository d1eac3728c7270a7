// Writes down what reaches it, when, and by which key, in the order in which it does.

import { appendFileSync, existsSync } from "node:fs";
import { component } from "unum";
import { Letters } from "../../../gen/unum/test/v1/letters_pb.ts";

export default component(
  Letters,
  {
    async put({ journal, text, waitMs, exitWhile }, call) {
      if (journal !== "") appendFileSync(journal, `${text} ${Date.now()} ${call.idempotencyKey}\n`);
      if (exitWhile !== "" && existsSync(exitWhile)) process.exit(3);
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      return {};
    },
    async pass({ node, letter }, call) {
      await call.send(Letters.method.put, letter ?? {}, { durable: { node } });
      return {};
    },
  },
  { version: "1.0.0" },
);
