// A STREAM method in a real confined cell: items are produced as they are pulled, and no further.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GoodnightSchema, MealSchema, MenuSchema } from "../../examples/03-modes/components/kitchen/gen/kitchen_pb.ts";
import { CELL_PROGRAM } from "../../src/cli/process/governor-start.ts";
import type { Call } from "../../src/container/call.ts";
import { Cell } from "../../src/container/cell/cell.ts";
import { systemClock } from "../../src/system/clock.ts";
import { confinementLayers, startConfined } from "../../src/system/confinement.ts";
import { root } from "../cli/unum.ts";

const missing = confinementLayers().find(({ present }) => !present);
const skip = missing === undefined ? false : `this system cannot confine: ${missing.text}`;
const readable = ["src", "node_modules", "package.json", "examples"].map((name) => join(root, name));
const KITCHEN = "example.kitchen.v1.Kitchen";

describe("a stream from a confined cell", { skip, timeout: 100_000 }, () => {
  it("comes whole and in order, and is produced no further than it is pulled", async () => {
    const settings = { program: CELL_PROGRAM, readable, granted: [], heapMiB: 128, say: () => {} };
    const start = async () => startConfined(settings);
    const load = { folders: [join(root, "examples/03-modes/components")] };
    const cell = new Cell({ clock: systemClock(), start, load, limit: "loop" });
    try {
      const asked = (method: string, body = new Uint8Array()) => ({
        ...{ path: `${KITCHEN}/${method}`, body, budgetMs: 5_000 },
        call: callOfNobody(),
      });
      const menu = (courses: number) => toBinary(MenuSchema, create(MenuSchema, { courses }));
      const names: string[] = [];
      for await (const body of cell.stream(asked("Courses", menu(300)))) names.push(fromBinary(MealSchema, body).name);
      assert.deepEqual(
        names,
        Array.from({ length: 300 }, (_, i) => `course ${i + 1}`),
      );
      for await (const body of cell.stream(asked("Courses", menu(1_000_000)))) {
        if (fromBinary(MealSchema, body).name === "course 3") break;
      }
      assert.equal(fromBinary(GoodnightSchema, await cell.call(asked("Close"))).cooked, 303);
    } finally {
      await cell.close();
    }
  });
});

/** All of a call that a cell is told. */
function callOfNobody(): Call {
  const told = { from: ["test"], meta: {}, idempotencyKey: "", traceparent: "", container: "k", msLeft: 60_000 };
  return { ...told, signal: new AbortController().signal } as unknown as Call;
}
