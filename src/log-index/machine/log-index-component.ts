// The log index of a node as a component: any of its containers answers for any part, so that parts are asked at once.
//
//   export default logIndexComponent({ folder: ".unum/log-index" });

import { type Component, component, Fault, systemEnv } from "unum";
import type { Clock } from "../../base/clock.ts";
import { sliceOf } from "../find/batch.ts";
import type { Index } from "../find/index.ts";
import type { Query } from "../find/query.ts";
import { LogIndex, type Question } from "../gen/unum/logs/v1/log_index_pb.ts";
import { AddressSet } from "../records/address-set.ts";
import { wantedOfJson } from "../server/ask.ts";
import { encodeBatch, encodeGap } from "../server/columns.ts";
import { IndexDispatcher } from "../tree/index-dispatcher.ts";
import type { Fetch } from "../tree/url-dispatcher.ts";

export interface LogIndexSettings {
  /** Of the index, as `unum logs add` makes it: by default $UNUM_HOME/log-index. */
  readonly folder: string;
  readonly clock?: Clock;
  readonly fetch?: Fetch;
}

/** Records of one frame: a message stays far below what a wire takes. */
const FRAME_RECORDS = 1_024;
/** Questions that a container works on at a time; a part's answer is pulled, so most of them wait. */
const QUESTIONS = 8;
const BUDGET_MS = 60_000;

export function logIndexComponent({
  folder,
  clock = systemEnv().clock,
  fetch = globalThis.fetch,
}: LogIndexSettings): Component {
  const root = new IndexDispatcher({ folder, name: "", clock, fetch });
  return component(
    LogIndex,
    {
      async list() {
        return { parts: await partsOf(root) };
      },
      async *find(question, { signal }) {
        for await (const part of partAt(root, question.path).find(queryOf(question), { signal })) {
          if ("gap" in part) yield { columns: encodeGap(part.gap) };
          else
            for (let from = 0; from < part.batch.count; from += FRAME_RECORDS)
              yield { columns: encodeBatch(sliceOf(part.batch, from, from + FRAME_RECORDS), true) };
        }
      },
      async tally(question, { signal }) {
        const wanted = wantedOfJson({ wanted: JSON.parse(question.wanted || "{}") });
        const tally = await partAt(root, question.path).tally(queryOf(question), wanted, { signal });
        return { json: JSON.stringify(tally.toJson()) };
      },
      async estimate(question) {
        return { json: JSON.stringify(await partAt(root, question.path).estimate(queryOf(question))) };
      },
    },
    { version: "1.0.0", concurrency: QUESTIONS, budgetMs: BUDGET_MS, start: () => root.wakeUp().catch(() => {}) },
  );
}

interface PartFacts {
  readonly path: string;
  readonly records: bigint;
  readonly from: bigint;
  readonly to: bigint;
  readonly bytes: bigint;
  readonly isServer: boolean;
}

/** Folders that have a chunk of their own, and servers. */
async function partsOf(index: IndexDispatcher): Promise<PartFacts[]> {
  const { chunk } = index;
  const { folders, servers } = index.contents();
  const below = await Promise.all(
    folders.map(async (name) => {
      const child = index.at(name);
      return child instanceof IndexDispatcher ? partsOf(child) : [];
    }),
  );
  const own = chunk === undefined ? [] : [await factsOf(chunk, index.name, false)];
  const remote = await Promise.all(
    servers.map((name) => factsOf(index.at(name) ?? index, pathOf(index.name, name), true)),
  );
  return [...own, ...below.flat(), ...remote];
}

async function factsOf(index: Index, path: string, isServer: boolean): Promise<PartFacts> {
  const { records, from, to, bytes } = await index.facts();
  const known = records > 0 ? { from: BigInt(from), to: BigInt(to) } : { from: 0n, to: 0n };
  return { path, records: BigInt(records), bytes: BigInt(bytes), isServer, ...known };
}

function pathOf(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** A folder's own chunk without those below it, or a server. */
function partAt(root: IndexDispatcher, path: string): Index {
  const index = root.at(path);
  const part = index instanceof IndexDispatcher ? index.chunk : index;
  if (part === undefined) throw new Fault("invalid", `this node's index has no part '${path}'; List names what it has`);
  return part;
}

function queryOf({ from, to, hasAddresses, addresses }: Question): Query {
  return { from: Number(from), to: Number(to), ...(hasAddresses ? { addresses: AddressSet.parse(addresses) } : {}) };
}
