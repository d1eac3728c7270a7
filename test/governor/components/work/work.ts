// What tests of governors call: waits, blocks, exits, holds memory, and says in which process.

import { appendFileSync } from "node:fs";
import { type Call, component } from "unum";
import { Work, type WorkRequest } from "../../../gen/unum/test/v1/work_pb.ts";

const CODE = "one";
const JOURNAL = process.env["UNUM_TEST_JOURNAL"];
const held: Uint8Array[] = [];

async function work({ waitMs, blockMs, exit, holdBytes, key }: WorkRequest, call: Call) {
  // What is begun twice is found out there, whatever its callers were told.
  if (JOURNAL !== undefined && key !== "") appendFileSync(JOURNAL, `${key}\n`);
  if (holdBytes > 0) held.push(new Uint8Array(holdBytes).fill(1));
  const until = performance.now() + blockMs;
  while (performance.now() < until);
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  if (exit > 0) process.exit(exit);
  return { pid: process.pid, container: call.container, code: CODE, key };
}

export default component(
  Work,
  {
    do: work,
    async *count(request, call) {
      for (let item = 0; item < request.items; item++) yield await work(request, call);
    },
  },
  { version: "1.0.0" },
);
