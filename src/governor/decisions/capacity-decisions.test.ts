import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DemandAnswer, type DemandView, onDemand } from "./demand.ts";
import { type ExcessView, excess } from "./excess.ts";
import { endsForAnother, type FirstPlaceView } from "./first-place.ts";
import type { Member } from "./members.ts";
import { type ReserveAction, type ReserveView, reserve } from "./reserve.ts";
import { type Room, startable } from "./room.ts";

const MIB = 2 ** 20;
const NOW = 100_000;

function member(id: string, set: Partial<Member> = {}): Member {
  const base = { contracts: ["demo.v1.A"], running: 0, waiting: 0, idleSince: NOW - 500, memoryBytes: 60 * MIB };
  return { id, state: "serving", ...base, ...set };
}

const busy = { running: 1, idleSince: undefined };
const spare = { state: "spare", contracts: [] } as const;
const other = { contracts: ["demo.v1.B"], idleSince: NOW - 5_000 };

function room(members: Member[], set: Partial<Room> = {}): Room {
  return { members, allowed: 4, memoryAllowedBytes: 1_000 * MIB, memoryOfOneBytes: 100 * MIB, ...set };
}

describe("room", () => {
  const table: [string, Room, number][] = [
    ["all that is allowed, where nothing runs", room([]), 4],
    ["less by each that is there, also one that drains", room([member("a"), member("b", { state: "draining" })]), 2],
    ["none above the limit", room([member("a"), member("b")], { allowed: 1 }), 0],
    ["as many as memory takes", room([member("a", { memoryBytes: 750 * MIB })]), 2],
    ["none where memory is short", room([member("a", { memoryBytes: 950 * MIB })]), 0],
    [
      "less by what starts and has not taken its memory yet",
      room([member("a", { state: "starting", memoryBytes: 0 })], { memoryAllowedBytes: 250 * MIB }),
      1,
    ],
  ];
  for (const [says, of, expected] of table) it(`is ${says}`, () => assert.equal(startable(of).count, expected));

  it("says whether it is count or memory that is short", () => {
    assert.equal(startable(room([member("a")], { allowed: 1 })).reason, "1 containers are there, the limit is 1");
    const short = startable(room([member("a", { memoryBytes: 950 * MIB })]));
    assert.equal(short.reason, "950 MiB are in use of 1000, one more would take about 100");
  });
});

describe("demand", () => {
  const full = [1, 2, 3, 4].map((i) => member(`a${i}`, busy));
  const table: [string, Partial<DemandView>, DemandAnswer][] = [
    ["takes a warm container", { room: room([member("s", spare)]) }, { kind: "give", spares: ["s"], start: 0 }],
    ["starts one where none is warm", {}, { kind: "give", spares: [], start: 1 }],
    [
      "takes and starts as many as were asked for",
      { wanted: 3, room: room([member("s", spare)]) },
      { kind: "give", spares: ["s"], start: 2 },
    ],
    ["reckons with how many calls one works on", { wanted: 6, concurrency: 4 }, { kind: "give", spares: [], start: 2 }],
    ["starts no more than there is room for", { wanted: 9 }, { kind: "give", spares: [], start: 4 }],
    ["waits for what is coming, whoever asked for it", { wanted: 2, coming: 2 }, { kind: "wait" }],
    [
      "adds to what is coming where that is not enough",
      { wanted: 3, coming: 1 },
      { kind: "give", spares: [], start: 2 },
    ],
    [
      "waits for what is coming where there is room for no more",
      { wanted: 3, coming: 1, room: room(full) },
      { kind: "wait" },
    ],
    [
      "makes room where another contract's container is idle",
      { room: room([...full.slice(1), member("b", other)]) },
      { kind: "make-room", drain: "b" },
    ],
    [
      "leaves one that was busy just now",
      { room: room([...full.slice(1), member("b", { ...other, idleSince: NOW - 900 })]) },
      { kind: "refuse", reason: "4 containers are there, the limit is 4" },
    ],
    [
      "waits for room that is being made",
      { room: room([...full.slice(2), member("b", other), member("d", { state: "draining" })]) },
      { kind: "wait" },
    ],
    [
      "refuses where all are at work",
      { room: room(full) },
      { kind: "refuse", reason: "4 containers are there, the limit is 4" },
    ],
    ["refuses what may not start", { forbidden: "crashed 5 times" }, { kind: "refuse", reason: "crashed 5 times" }],
  ];
  for (const [says, set, expected] of table) {
    it(says, () => {
      const view = {
        contract: "demo.v1.A",
        wanted: 1,
        concurrency: 1,
        coming: 0,
        room: room([]),
        forbidden: undefined,
        now: NOW,
      };
      assert.deepEqual(onDemand({ ...view, ...set }), expected);
    });
  }
});

describe("a first place", () => {
  const folder = [member("a1", busy), member("a2", busy)];
  const program = [member("b1", other), member("b2", { ...other, idleSince: NOW - 9_000 })];
  const only = member("c1", { ...other, idleSince: NOW - 60_000 });
  const holder = (members: Member[], isReplacing = false) => ({ members, isReplacing });
  const full = (members: Member[], set: Partial<Room> = {}) => room(members, { allowed: members.length, ...set });
  const table: [string, Partial<FirstPlaceView>, string | undefined][] = [
    ["is where the idlest of those ends that others stand in for", {}, "b2"],
    ["is nobody's while there is room", { room: room([...folder, ...program], { allowed: 5 }) }, undefined],
    [
      "is made by memory too",
      { room: room([...folder, ...program], { allowed: 9, memoryAllowedBytes: 300 * MIB }) },
      "b2",
    ],
    ["is nobody's while one ends", { room: full([...folder, member("d", { state: "draining" })]) }, undefined],
    ["is nobody's while one is warm", { room: full([...folder, member("s", spare)]) }, undefined],
    ["is nobody's while one comes", { unassigned: 1 }, undefined],
    ["is not that of the last one", { holders: [holder([only]), holder([member("a1", busy)])] }, undefined],
    [
      "is that of one that starts no less than of the last one",
      { holders: [holder([only, member("c2", { state: "starting" })])] },
      undefined,
    ],
    ["is one that works, where all do", { holders: [holder(folder), holder([only])] }, "a1"],
    ["is none of what is being replaced", { holders: [holder(folder), holder(program, true)] }, "a1"],
    ["is none that a plugin keeps", { mayStop: ({ id }) => id !== "b2" }, "b1"],
  ];
  for (const [says, set, expected] of table) {
    it(says, () => {
      const view = { room: full([...folder, ...program]), holders: [holder(folder), holder(program)], unassigned: 0 };
      assert.equal(endsForAnother({ ...view, mayStop: () => true, ...set })?.id, expected);
    });
  }
});

describe("excess", () => {
  const members = [
    member("busy2", { ...busy, waiting: 1 }),
    member("busy1", busy),
    member("idle", { idleSince: NOW - 10 }),
    member("idler", { idleSince: NOW - 9_000 }),
    member("starting", { state: "starting" }),
    member("spare", spare),
  ];
  const view: ExcessView = {
    members,
    allowed: 6,
    memoryOfOneBytes: 200 * MIB,
    memoryOfAllBytes: 1_000 * MIB,
    graceMs: 5_000,
    now: NOW,
  };
  const drained = (set: Partial<ExcessView>) => excess({ ...view, ...set }).drain.map(({ id }) => id);

  it("is nothing within the limits", () => assert.deepEqual(excess(view), { drain: [], kill: [] }));

  it("goes from what has least to lose to what has most", () => {
    assert.deepEqual(drained({ allowed: 0 }), ["spare", "starting", "idler", "idle", "busy1", "busy2"]);
    assert.deepEqual(drained({ allowed: 3 }), ["spare", "starting", "idler"]);
  });

  it("counts what drains already as gone", () => {
    const draining = member("d", { state: "draining", killAt: NOW + 1 });
    assert.deepEqual(drained({ members: [...members, draining] }), []);
  });

  it("drains what uses too much, and no other in its place", () => {
    const hog = member("hog", { ...busy, memoryBytes: 300 * MIB });
    const actions = excess({ ...view, members: [...members.slice(0, 5), hog], allowed: 5 });
    assert.deepEqual(actions.drain, [{ id: "hog", reason: "uses 300 MiB, the limit is 200", killAt: NOW + 5_000 }]);
  });

  it("drains what uses more than its program may for longer than a moment", () => {
    const of = (lastingMemoryBytes: number) => ({
      ...member("hog", { ...busy, memoryBytes: 150 * MIB }),
      programMemoryBytes: 120 * MIB,
      lastingMemoryBytes,
    });
    assert.deepEqual(drained({ members: [of(110 * MIB)] }), []);
    const [hog] = excess({ ...view, members: [of(130 * MIB)] }).drain;
    assert.equal(hog?.reason, "uses 150 MiB, the limit of its program is 120");
    assert.deepEqual(drained({ members: [{ ...of(130 * MIB), programMemoryBytes: 0 }] }), []);
  });

  it("drains the largest until all together use no more than they may", () => {
    const sizes = [100, 190, 150, 180].map((size, i) => member(`m${i}`, { ...busy, memoryBytes: size * MIB }));
    assert.deepEqual(drained({ members: sizes, memoryOfAllBytes: 300 * MIB }), ["m1", "m3"]);
  });

  it("ends what still drains after its grace, and nothing before", () => {
    const late = member("late", { ...busy, state: "draining", killAt: NOW });
    const early = member("early", { ...busy, state: "draining", killAt: NOW + 1 });
    assert.deepEqual(excess({ ...view, members: [late, early], allowed: 0 }), { drain: [], kill: ["late"] });
  });
});

describe("the reserve", () => {
  const policy = { spares: 1, idleMs: 60_000, keep: 1, settleMs: 10_000 };
  const long = { idleSince: NOW - 60_000 };
  const table: [string, Partial<ReserveView>, ReserveAction][] = [
    ["starts the spare that is missing", { room: room([member("a")]) }, { kind: "start-spares", count: 1 }],
    ["waits for one that is coming", { room: room([member("a")]), sparesComing: 1 }, { kind: "nothing" }],
    ["has no spare where there is no room for it", { room: room([member("a")], { allowed: 1 }) }, { kind: "nothing" }],
    [
      "stops a spare too many",
      { room: room([member("s1", spare), member("s2", spare)]) },
      { kind: "stop", id: "s1", reason: "2 are warm, 1 are wanted" },
    ],
    [
      "stops the one that was idle longest",
      { room: room([member("s", spare), member("a", long), member("b", { idleSince: NOW - 90_000 })]) },
      { kind: "stop", id: "b", reason: "had nothing to do for 90 s" },
    ],
    ["keeps the last of a contract", { room: room([member("s", spare), member("a", long)]) }, { kind: "nothing" }],
    [
      "keeps one that is the last of any of its contracts",
      {
        room: room([
          member("s", spare),
          member("a", { ...long, contracts: ["demo.v1.A", "demo.v1.B"] }),
          member("b", busy),
        ]),
      },
      { kind: "nothing" },
    ],
    [
      "keeps who was idle for less",
      { room: room([member("s", spare), member("a"), member("b")]) },
      { kind: "nothing" },
    ],
    [
      "leaves all as it is shortly after a change",
      { room: room([member("s", spare), member("a", long), member("b", long)]), lastChangeAt: NOW - 9_999 },
      { kind: "nothing" },
    ],
  ];
  for (const [says, set, expected] of table) {
    it(says, () => {
      const view: ReserveView = { room: room([]), sparesComing: 0, lastChangeAt: 0, now: NOW, ...set };
      assert.deepEqual(reserve(view, policy), expected);
    });
  }
});
