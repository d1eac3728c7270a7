// What the audit log says that a command gave.

import assert from "node:assert/strict";
import { it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RecordSchema } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { givenBy } from "./given.ts";

const started = (value: object) => create(RecordSchema, { body: { case: "program", value } });

it("says what a program may use and where it runs, and what a key may do until when", () => {
  assert.equal(givenBy("start", started({ running: true })), "nothing granted");
  const limits = { memoryBytes: 268_435_456n, cpuPermille: 500 };
  assert.equal(
    givenBy("start", started({ granted: ["fs:read=/srv", "net"], nodes: ["n1"], limits })),
    "granted fs:read=/srv, net; 268435456 bytes of memory at most; 0.5 processors at most; on n1",
  );
  assert.equal(givenBy("stop", started({ granted: ["net"] })), "");
  const grant = create(RecordSchema, {
    body: { case: "grant", value: { role: "deployer", programs: ["thumb*"], expiresMs: 1_767_225_600_000n } },
  });
  assert.equal(givenBy("grant", grant), "deployer of thumb* until 2026-01-01T00:00:00.000Z");
});
