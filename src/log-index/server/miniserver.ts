// The miniserver: an index over HTTP. Every folder has its URL; asked plainly it lists its contents, asked with a time or an
// address it answers what was found.
//
//   GET  /nginx                            contents
//   GET  /nginx?from=…&to=…&ip=…           records, as NDJSON, CSV, lines or columns
//   POST /nginx/-/find, tally, estimate    the same for dispatchers, long lists, counts
//   GET  /nginx/-/facts                    how many, of when
//   GET  /-/openapi.json                   all of this for tools
//
// Invariants
//   S1. A request without the token gets nothing but 401.
//   S2. What would cost more than the limits is refused before it is begun.
//   S3. A question that came through this server before is answered with nothing: it has been answered already. One that comes
//       by another way is answered by each part of the index once.

import { Hono } from "hono";
import type { Clock } from "../../base/clock.ts";
import { asError, Fault } from "../../base/fault.ts";
import type { LineSearch } from "../asleep/line-search.ts";
import type { Part } from "../find/batch.ts";
import { type FindOptions, type Index, NO_FACTS } from "../find/index.ts";
import { NO_COST, type Query } from "../find/query.ts";
import { Tally } from "../find/tally.ts";
import { Claims } from "../tree/claims.ts";
import { IndexDispatcher } from "../tree/index-dispatcher.ts";
import { DEADLINE_HEADER, type Fetch, QUESTION_HEADER, VIA_HEADER } from "../tree/url-dispatcher.ts";
import { encodedAnswer, type Format, TYPES } from "./answers.ts";
import { askOfUrl, isAsk, jsonOf, queryOfJson, wantedOfJson } from "./ask.ts";
import { openApi } from "./open-api.ts";

export interface MiniserverSettings {
  /** Folder of the index. */
  readonly folder: string;
  readonly clock: Clock;
  readonly fetch: Fetch;
  /** Of the index: differs from every other's. */
  readonly id: string;
  /** A name for a question, never given twice, by any server. */
  readonly newQuestion?: () => string;
  readonly token?: string | undefined;
  readonly limits: CostLimits;
  readonly told?: (text: string) => void;
  readonly search?: LineSearch;
}

export interface CostLimits {
  /** Of one question. */
  readonly records: number;
  readonly ms: number;
}

export const DEFAULT_COST_LIMITS: CostLimits = { records: 50_000_000, ms: 60_000 };

/** Servers that a question may come through. */
const VIA_LIMIT = 32;
const BODY_LIMIT = 64 << 20;
const QUESTION_LIMIT = 128;
const SHORT_BYTES = 64 << 10;

type Handler = { fetch(request: Request): Response | Promise<Response> };

export function miniserver(settings: MiniserverSettings): Handler & { readonly root: IndexDispatcher } {
  const { folder, clock, fetch, id, token, limits, told, newQuestion, search } = settings;
  const claims = new Claims();
  const root = new IndexDispatcher({ folder, name: "", clock, fetch, told, id, newQuestion, claims, search });
  const app = new Hono();

  app.use(async (c, next) => {
    if (token !== undefined && !sameText(c.req.header("authorization") ?? "", `Bearer ${token}`))
      return c.json({ error: "denied", message: "this index asks for its token: Authorization: Bearer TOKEN" }, 401);
    await next();
    return undefined;
  });
  app.onError((error, c) => {
    if (!(error instanceof Fault)) {
      told?.(`${c.req.method} ${c.req.path}: ${error.message}`);
      return c.json({ error: "internal", message: error.message }, 500);
    }
    return c.json({ error: error.code, message: error.message }, statusOf(error));
  });
  app.get("/-/openapi.json", (c) => c.json(openApi()));

  app.post("*", async (c) => {
    const found = /^(.*)\/-\/(find|tally|estimate|facts)$/.exec(c.req.path);
    if (found === null) throw new Fault("not-found", `nothing is at ${c.req.path}`);
    const [, path = "", what = ""] = found;
    const index = indexAt(path);
    const body = jsonOf((await bodyOf(c.req.raw)) || "{}");
    const query = queryOfJson(body);
    const options = optionsOf(c.req.raw);
    // S3
    if (options.via.includes(id)) return what === "find" ? answer(nothing(), "columns") : c.json(empty(what, body));
    const asked = { ...options, via: [...options.via, id] };
    if (what === "facts") return c.json(finite(await index.facts(asked)));
    if (what === "estimate") return c.json(await index.estimate(query, asked));
    await refuseCostly(index, query, asked);
    if (what === "tally") return c.json((await index.tally(query, wantedOfJson(body), asked)).toJson());
    return answer(index.find(query, asked), formatOf(c.req.raw, "columns"));
  });

  app.get("*", async (c) => {
    const { searchParams } = new URL(c.req.url);
    const index = indexAt(c.req.path);
    if (!isAsk(searchParams)) return c.json(await listing(index, id));
    const { query, limit } = askOfUrl(searchParams, clock.wallNow() / 1000);
    const options = { ...optionsOf(c.req.raw), via: [id] };
    await refuseCostly(index, query, options);
    return answer(index.find(query, options), formatOf(c.req.raw, "ndjson"), limit);
  });

  function indexAt(path: string): Index {
    const index = root.at(decodeURIComponent(path));
    if (index === undefined) throw new Fault("not-found", `there is no index ${path}; GET / lists what there is`);
    return index;
  }

  /** By a question of its own: what it costs here counts, also where another way brought an estimate of it before. */
  async function refuseCostly(index: Index, query: Query, { question: _, ...options }: FindOptions): Promise<void> {
    const cost = await index.estimate(query, options);
    if (cost.records > limits.records || cost.ms > limits.ms)
      throw new Fault(
        "overloaded",
        `this would read ${cost.records} records in about ${Math.ceil(cost.ms)} ms, the limits are ${limits.records} records and ${limits.ms} ms; ask for less time or fewer addresses`,
      );
  }

  return { fetch: (request) => app.fetch(request), root };
}

async function listing(index: Index, id: string): Promise<object> {
  const facts = finite(await index.facts({ via: [id] }));
  const contents = index instanceof IndexDispatcher ? index.contents() : { folders: [], servers: [] };
  return {
    name: index.name || "/",
    ...facts,
    ...contents,
    find: "?from=2015-05-18T14:00&to=%2B1h&ip=83.149.9.216",
    openapi: "/-/openapi.json",
  };
}

/** JSON has no infinity: without records there is no first time. */
function finite<T extends { readonly from: number }>(facts: T): Omit<T, "from"> & { from?: number } {
  const { from, ...rest } = facts;
  return Number.isFinite(from) ? { ...rest, from } : rest;
}

function optionsOf(request: Request): FindOptions & { readonly via: readonly string[] } {
  const question = request.headers.get(QUESTION_HEADER) ?? undefined;
  if (question !== undefined && question.length > QUESTION_LIMIT)
    throw new Fault("invalid", `a question's name has ${question.length} characters; the limit is ${QUESTION_LIMIT}`);
  const deadline = Number(request.headers.get(DEADLINE_HEADER) ?? Number.NaN);
  const via = (request.headers.get(VIA_HEADER) ?? "").split(",").filter((part) => part !== "");
  if (via.length > VIA_LIMIT) throw new Fault("invalid", `the question came through ${via.length} servers`);
  // A part of it is left for the way back.
  const named = question === undefined ? {} : { question };
  return {
    signal: request.signal,
    via,
    ...named,
    ...(Number.isFinite(deadline) ? { deadlineMs: deadline * 0.9 } : {}),
  };
}

async function bodyOf(request: Request): Promise<string> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > BODY_LIMIT)
    throw new Fault("invalid", `a body of ${declared} bytes is too long; the limit is ${BODY_LIMIT}`);
  const text = await request.text();
  if (text.length > BODY_LIMIT) throw new Fault("invalid", `the body is too long; the limit is ${BODY_LIMIT} bytes`);
  return text;
}

function formatOf(request: Request, otherwise: Format): Format {
  const asked = new URL(request.url).searchParams.get("format");
  if (asked === "ndjson" || asked === "csv" || asked === "raw" || asked === "columns") return asked;
  if (asked !== null) throw new Fault("invalid", `there is no format '${asked}'; write ndjson, csv, raw or columns`);
  const accept = request.headers.get("accept") ?? "";
  const byType = (Object.keys(TYPES) as Format[]).find((format) => accept.includes(TYPES[format].split(";")[0] ?? ""));
  return byType ?? otherwise;
}

async function* nothing(): AsyncGenerator<Part> {}

function empty(what: string, body: unknown): object {
  if (what === "tally") return new Tally(wantedOfJson(body)).toJson();
  return what === "facts" ? { ...finite(NO_FACTS), isLoop: true } : NO_COST;
}

/** A short answer as a whole, which costs less than a stream; a long one as it comes. */
async function answer(parts: AsyncIterable<Part>, format: Format, limit = Number.POSITIVE_INFINITY): Promise<Response> {
  const bytes = encodedAnswer(parts, format, limit);
  const headers = { "content-type": TYPES[format] };
  const first: Uint8Array[] = [];
  for (let length = 0; length < SHORT_BYTES; ) {
    const { done, value } = await bytes.next();
    if (done === true) return new Response(Buffer.concat(first), { headers });
    first.push(value);
    length += value.length;
  }
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const held = first.shift();
        const { done, value } = held === undefined ? await bytes.next() : { done: false, value: held };
        if (done === true) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        controller.error(asError(error));
      }
    },
    async cancel() {
      await bytes.return(undefined);
    },
  });
  return new Response(stream, { headers });
}

function statusOf(fault: Fault): 400 | 401 | 404 | 429 | 500 | 504 {
  switch (fault.code) {
    case "invalid":
      return 400;
    case "denied":
      return 401;
    case "not-found":
      return 404;
    case "overloaded":
      return 429;
    case "expired":
    case "unknown":
      return 504;
    default:
      return 500;
  }
}

/** Takes as long wherever the first difference is. */
function sameText(given: string, wanted: string): boolean {
  let difference = given.length ^ wanted.length;
  for (let i = 0; i < wanted.length; i++) difference |= (given.charCodeAt(i) || 0) ^ wanted.charCodeAt(i);
  return difference === 0;
}
