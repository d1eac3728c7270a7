// The membership with a mistake in it: a second copy of src/discovery in which one piece of text is replaced as it loads.
//
// The code itself knows nothing of it. A piece that is not there exactly once is an error: the code has changed, and the
// mistake must be planted anew.

import { registerHooks } from "node:module";
import type { NewMembership } from "./world.ts";

export interface PlantedBug {
  readonly name: string;
  /** In src/discovery. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Seeds are tried from here on; it only saves time. */
  readonly from?: number;
  /** A second mistake in the same file, where one alone is made up for. */
  readonly also?: { readonly find: string; readonly replace: string };
}

export const PLANTED: readonly PlantedBug[] = [
  {
    name: "state decides before incarnation",
    file: "status.ts",
    find: "return mine.incarnation - theirs.incarnation || RANK[mine.state] - RANK[theirs.state];",
    replace: "return RANK[mine.state] - RANK[theirs.state] || mine.incarnation - theirs.incarnation;",
  },
  {
    name: "who is suspected refutes with the same incarnation",
    file: "own-node.ts",
    find: "Math.max(this.incarnation, heard.incarnation) + 1",
    replace: "Math.max(this.incarnation, heard.incarnation)",
  },
  {
    name: "who is suspected is not told",
    from: 18,
    file: "sending.ts",
    find: "const told = new Set(record === undefined || isWell(record) ? about : [record, ...about]);",
    replace: "const told = new Set(about);",
  },
  {
    name: "a process that stood still counts that time against others",
    from: 19,
    file: "suspects.ts",
    find: "suspect.deadline += byMs;",
    replace: "",
  },
  {
    name: "nobody else is asked to ping",
    file: "prober.ts",
    find: "for (const proxy of proxies) this.#actions.askToPing(proxy, probe.target, probe.sequence);",
    replace: "",
  },
  {
    name: "an answer to a ping for another is not handed on",
    file: "answers.ts",
    find: "if (relay !== undefined) sending.send(",
    replace: "if (relay === undefined && sequence < 0) sending.send(",
  },
  {
    name: "a suspicion ends after a second",
    from: 100,
    file: "suspicion.ts",
    find: "Math.max(settings.suspicionLeastMs,",
    replace: "Math.max(1_000,",
  },
  {
    name: "a suspicion is dead at once where another says so",
    file: "judge.ts",
    find: "const GRACE_MS = 2_500;",
    replace: "const GRACE_MS = 0;",
  },
  {
    name: "tables of a former partition are believed",
    file: "judge.ts",
    find: 'if (way === "sync") return { kind: "doubt" };',
    replace: 'if (way === "sync") return newsOf(heard);',
  },
  {
    name: "the dead and the seeds are never asked again",
    from: 38,
    file: "rounds.ts",
    find: "if (target !== undefined && !own.isLeaving) sending.ping({ target, sequence: 0 }, now);",
    replace: "",
    also: { find: "for (const seed of ping)", replace: "for (const seed of alone ? ping : [])" },
  },
  {
    name: "the first in the order is probed every time",
    file: "probe-order.ts",
    find: "const id = this.#round[this.#next++];",
    replace: "this.#next++; const id = this.#round[0];",
  },
  {
    name: "a rumour is told once",
    file: "rumour-queue.ts",
    find: "if (rumour.told < limit)",
    replace: "if (rumour.told < 1)",
  },
  {
    name: "what is heard is not told on",
    from: 122,
    file: "hearing.ts",
    find: "if (!spread || status === before) return;",
    replace: "if (telling.by !== this.#parts.own.id || !spread || status === before) return;",
  },
  {
    name: "who left comes back by an older rumour",
    file: "status.ts",
    find: "left: 3",
    replace: "left: -1",
  },
  {
    name: "a changed member is shown as it was",
    file: "members.ts",
    find: "      this.#views.delete(id);\n",
    replace: "",
  },
  {
    name: "tables are compared without what the other side lacks",
    file: "sync.ts",
    find: "const rumours = rumoursOf(table, request.wanted, now);\n  const partial",
    replace: "const rumours = rumoursOf(table, [], now);\n  const partial",
  },
  {
    name: "loads ride on nothing but gossip",
    from: 62,
    file: "sending.ts",
    find: "if (withLoad && this.#loadRumour !== undefined)",
    replace: "if (withLoad && this.#loadRumour === undefined && now < 0)",
  },
  {
    name: "a load is believed to be of any version of the entry",
    from: 72,
    file: "entry.ts",
    find: "load.incarnation === content.incarnation && load.of === content.version",
    replace: "true",
  },
];

const HOME = new URL("../../src/discovery/", import.meta.url).href;

let hooked = false;

export async function withPlanted(bug: PlantedBug): Promise<NewMembership> {
  hook();
  const module = await import(`${HOME}membership.ts?planted=${PLANTED.indexOf(bug)}`);
  return module.newMembership;
}

/** What a planted copy imports from its own folder is of the same copy. */
function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const planted = /\?planted=\d+$/.exec(context.parentURL ?? "")?.[0];
      const own = resolved.url.startsWith(HOME) && !resolved.url.includes("?");
      return planted === undefined || !own ? resolved : { ...resolved, url: resolved.url + planted };
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const bug = PLANTED[Number(/\?planted=(\d+)$/.exec(url)?.[1] ?? Number.NaN)];
      if (bug === undefined || !url.startsWith(`${HOME}${bug.file}?`)) return loaded;
      return { ...loaded, source: plant(bug, String(loaded.source)) };
    },
  });
}

function plant(bug: PlantedBug, source: string): string {
  const edits = bug.also === undefined ? [bug] : [bug, bug.also];
  return edits.reduce((text, { find, replace }) => {
    const pieces = text.split(find);
    if (pieces.length === 2) return pieces.join(replace);
    throw new Error(
      `'${bug.name}' cannot be planted: ${bug.file} has its text ${pieces.length - 1} times; write it anew`,
    );
  }, source);
}
