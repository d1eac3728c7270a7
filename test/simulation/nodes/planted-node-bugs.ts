// Deliberate mistakes in the code of nodes: a second copy of it in which a piece of text is replaced as it loads.
//
// The code itself knows nothing of it. A piece that is not there exactly once is an error: the code has changed, and the
// mistake must be planted anew.

import { registerHooks } from "node:module";
import type { NodeCode } from "../../../src/testing/hosts/programs.ts";

export interface PlantedNodeBug {
  readonly name: string;
  /** In src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Numbers of the invariants that may find it. */
  readonly breaks: readonly number[];
  /** Seeds are tried from here on; it only saves time. */
  readonly from?: number;
}

export const PLANTED_NODE_BUGS: readonly PlantedNodeBug[] = [
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
    find: "if (memory !== undefined) kept.memoryBytes = memory.proportionalBytes ?? memory.residentBytes;",
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
const SRC = new URL("../../../src/", import.meta.url).href;
const MARK = /\?planted-node=(\d+)$/;

let hooked = false;

export async function plantedCode(bug: PlantedNodeBug): Promise<NodeCode> {
  hook();
  const load = (path: string) => import(`${SRC}${path}?planted-node=${PLANTED_NODE_BUGS.indexOf(bug)}`);
  const [{ runNode }, { runGovernedContainer }, { Keeper }] = await Promise.all([
    load("node/run-node.ts"),
    load("node/run-governed-container.ts"),
    load("governor/keeper.ts"),
  ]);
  return { runNode, runGovernedContainer, Keeper };
}

/** What a planted copy imports from the copied folders is of the same copy. */
function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const [mark] = MARK.exec(context.parentURL ?? "") ?? [];
      const isCopied = resolved.url.startsWith(SRC) && COPIED.test(resolved.url) && !resolved.url.includes("?");
      return mark === undefined || !isCopied ? resolved : { ...resolved, url: resolved.url + mark };
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const bug = PLANTED_NODE_BUGS[Number(MARK.exec(url)?.[1] ?? Number.NaN)];
      if (bug === undefined || !url.startsWith(`${SRC}${bug.file}?`)) return loaded;
      return { ...loaded, source: plant(bug, String(loaded.source)) };
    },
  });
}

function plant({ name, file, find, replace }: PlantedNodeBug, source: string): string {
  const pieces = source.split(find);
  if (pieces.length === 2) return pieces.join(replace);
  throw new Error(`'${name}' cannot be planted: ${file} has its text ${pieces.length - 1} times; write it anew`);
}
