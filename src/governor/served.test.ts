import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { Events } from "./events.ts";
import type { Kept } from "./kept.ts";
import { Served } from "./served.ts";

describe("a program of which nothing can be served", () => {
  it("says so until other code comes, which may serve", () => {
    const events = new Events(new VirtualClock(), { write: () => {} });
    const served = new Served({ name: "shop", code: { folder: "/f", digest: "a" }, target: 1, events });
    // What is looked at of a container.
    const kept = { components: [] } as unknown as Kept;
    assert.equal(served.onAssigned(kept, ["no such file"], 0), "nothing of the program can be served");
    served.take({ folder: "/f", digest: "a" }, []);
    assert.deepEqual(served.problems(0), ["no such file"]);
    served.take({ folder: "/f", digest: "b" }, []);
    assert.deepEqual(served.problems(0), []);
  });
});
