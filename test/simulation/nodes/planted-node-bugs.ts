// Deliberate mistakes in the code of nodes.

import type { NodeCode } from "../../../src/testing/hosts/programs.ts";
import { type PlantedBug, planted } from "../planting.ts";

export const PLANTED_NODE_BUGS: readonly PlantedBug[] = [
  {
    name: "limits end with the governor they were told to",
    file: "governor/own-limits.ts",
    find: "if (this.#settings.restarts === 0) return this.#file.forget();",
    replace: "if (this.#settings.restarts >= 0) return this.#file.forget();",
    from: 70,
    breaks: [17],
  },
  {
    name: "a node starts one container more than it may",
    file: "governor/decisions/room.ts",
    find: "Math.max(0, allowed - members.length)",
    replace: "Math.max(0, allowed + 1 - members.length)",
    breaks: [17, 18],
  },
  {
    name: "what is just being started does not count",
    file: "governor/fleet.ts",
    find: "Array.from({ length: this.#spawning }, () => COMING)",
    replace: "Array.from({ length: 0 }, () => COMING)",
    breaks: [17],
  },
  {
    name: "what runs beyond a lowered limit stays",
    file: "governor/decisions/excess.ts",
    find: ".slice(0, Math.max(0, staying().length - allowed))",
    replace: ".slice(0, 0)",
    from: 55,
    breaks: [18],
  },
  {
    name: "a container that uses too much memory is left alone",
    file: "governor/fleet.ts",
    find: "if (memory !== undefined) kept.usage.memory(memory.proportionalBytes ?? memory.residentBytes);",
    replace: "",
    from: 45,
    breaks: [27],
  },
  {
    name: "what an earlier governor left is not taken over",
    file: "governor/fleet.ts",
    find: "for (const left of taken) this.#adopt(left);",
    replace: "",
    breaks: [17, 20],
  },
  {
    name: "a container goes on without a governor for ever",
    file: "node/run-governed-container.ts",
    find: "void drain(LAST_GRACE_MS);",
    replace: "",
    breaks: [19],
  },
  {
    name: "what crashes is started again however often",
    file: "governor/decisions/restarts.ts",
    find: 'if (!fits(own.restarts, at, policy.component)) return tooMany("component", component, policy.component);',
    replace: "",
    from: 10,
    breaks: [21],
  },
  {
    name: "nothing is held back after crashes",
    file: "governor/served.ts",
    find: 'return this.deploying !== "" || now < this.#notBefore || this.givenUp(now) !== undefined;',
    replace: 'return this.deploying !== "";',
    breaks: [21],
    from: 10,
  },
  {
    name: "a keeper rests for days after a crash",
    file: "governor/keeper.ts",
    find: "await sleep(clock, at - now, signal)",
    replace: "await sleep(clock, 864_000_000, signal)",
    breaks: [22],
  },
  {
    name: "a container whose process has ended is kept",
    file: "governor/fleet.ts",
    find: "    this.#kept.delete(kept.id);\n",
    replace: "",
    breaks: [22, 23, 24],
    from: 10,
  },
  {
    name: "declared budgets are not asked for",
    file: "governor/decisions/health.ts",
    find: "of signs.began) {",
    replace: "of signs.began.slice(0, 0)) {",
    from: 35,
    breaks: [26],
  },
  {
    name: "everybody has half of what nobody declared",
    file: "governor/decisions/health.ts",
    find: "  budgetMs: 5_000,",
    replace: "  budgetMs: 2_500,",
    breaks: [26],
  },
  {
    name: "a container that was taken over and does not answer at once is ended",
    file: "governor/decisions/adoption.ts",
    find: 'record.state === "starting" && record.ageMs >= policy.startMs',
    replace: "true",
    breaks: [26],
  },
  {
    name: "a container is told of nothing after the first time",
    file: "governor/kept.ts",
    find: "this.#knownDirectory >= directory.version",
    replace: "this.#knownDirectory > 0n",
    breaks: [24],
  },
  {
    name: "code that changed while nobody governed is taken to be what runs",
    file: "governor/served.ts",
    find: 'state !== "draining"',
    replace: 'state === "serving"',
    breaks: [23],
  },
  {
    name: "new code does not replace the old",
    file: "governor/served.ts",
    find: "else this.replacing.begin(code, old.length);",
    replace: "else this.code = code;",
    breaks: [23],
  },
  {
    name: "an old container ends before clients have heard of the new one",
    file: "governor/filling.ts",
    find: "if (this.#now - this.#parts.telling.changedAt < HEARD_MS) return;",
    replace: "",
    breaks: [25],
    from: 24,
  },
  {
    name: "other nodes are heard of, and not told of",
    file: "governor/network.ts",
    find: "this.#list = [...this.#nodes.values()].map(({ node }) => node).sort((a, b) => (a.id < b.id ? -1 : 1));",
    replace: "",
    breaks: [28],
  },
  {
    name: "whoever is suspected is taken for gone",
    file: "governor/network.ts",
    find: "const node = nodeOf(member);",
    replace: 'const node = member.state === "suspect" ? undefined : nodeOf(member);',
    breaks: [29],
  },
];

/** What is copied: all that stands on these folders and lies in one of them. What is below is shared. */
const COPIED = /\/src\/(?:governor|node|container|client|capacity|discovery|plugins)\//;

export async function plantedCode(bug: PlantedBug): Promise<NodeCode> {
  const load = planted(bug, COPIED);
  const [{ runNode }, { runGovernedContainer }, { Keeper }] = await Promise.all([
    load("node/run-node.ts"),
    load("node/run-governed-container.ts"),
    load("governor/keeper.ts"),
  ]);
  return { runNode, runGovernedContainer, Keeper };
}
