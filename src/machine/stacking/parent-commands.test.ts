import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Fault } from "../../base/fault.ts";
import { NO_PROGRAM_LIMITS } from "../../capacity/limits.ts";
import { HeadReplySchema, MachineViewSchema } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { newSigningKey } from "../keys/signing-key.ts";
import { ParentCommands } from "./parent-commands.ts";

describe("what the parent wants to run, and the child's controller refuses", () => {
  const world = () => {
    const clock = new VirtualClock();
    const tries: number[] = [];
    const state = { refuses: true };
    const commands = new ParentCommands({
      clock,
      key: newSigningKey(),
      controller: {
        head: async () => create(HeadReplySchema, { machine: "mchild", counter: 1n }),
        putArchive: async ({ total = 0n }) => ({
          $typeName: "unum.machine.v1.ArchiveProgress",
          have: total,
          complete: true,
        }),
        propose: async () => {
          tries.push(clock.now() / 1_000);
          if (state.refuses) throw new Fault("denied", "an operator here has his own word on it");
          return { $typeName: "unum.machine.v1.ProposalReply", conflict: "", digest: "cd" };
        },
      },
      archives: () => ({ manifestOf: () => ({ version: "1.0.0" }), bytesOf: async () => new Uint8Array(9) }),
    });
    const hosting = {
      root: "/r",
      granted: ["log"],
      inline: false,
      store: "/s",
      controller: false,
      owned: false,
      limits: NO_PROGRAM_LIMITS,
    };
    commands.setPrograms([
      { name: "shop", digest: "ab", terms: "t", folder: "/f", containers: 1, mayBreak: false, graceMs: 0, hosting },
    ]);
    const link = { machine: "mparent", node: "n1", capabilities: [] as string[] };
    const see = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        await commands.see(create(MachineViewSchema, { machine: "mchild", link }));
        await clock.advance(1_000);
      }
    };
    return { commands, tries, state, link, see };
  };

  it("is proposed again within seconds, since what stood against it may be gone; then ever later", async () => {
    const { commands, tries, state, see } = world();
    await see(200);
    assert.deepEqual(tries, [0, 2, 6, 14, 30, 62, 122, 182]);
    assert.match(commands.problems.join(), /his own word/);
    state.refuses = false;
    await see(60);
    assert.deepEqual(commands.problems, []);
  });

  it("is proposed at once when what it may has changed", async () => {
    const { tries, link, see } = world();
    await see(40);
    link.capabilities.push("log");
    await see(1);
    assert.deepEqual(tries.slice(-1), [40]);
    await see(3);
    assert.deepEqual(tries.slice(-1), [42], "and soon again");
  });
});
