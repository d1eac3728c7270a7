// Runs in PostgreSQL: the same promises for routers on several hosts. What the caller brings is a pool of the `pg` package.
//
// One router owns a run by a lease and an epoch: every write renews the lease and names the epoch, in one statement with the block. Who
// lost the run writes nothing any more, however late its write comes.

import { crc32 } from "node:zlib";
import { Fault } from "unum";
import type { Clock, Timer } from "../../base/clock.ts";
import { asError } from "../../base/fault.ts";
import { STATES } from "../task.ts";
import type {
  Block,
  Journal,
  JournalReader,
  Journals,
  RowQuery,
  Rows,
  RunListing,
  RunRecord,
  TaskRow,
} from "./journal.ts";

interface Result {
  /** What a column holds is known by its query; each is converted where it is read. */
  readonly rows: readonly Record<string, unknown>[];
  readonly rowCount: number | null;
}

/** As much of a `pg.Pool` as is asked for. */
export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<Result>;
  connect(): Promise<{ query(text: string, values?: unknown[]): Promise<Result>; release(): void }>;
}

export interface PostgresSettings {
  /** Not closed here. */
  readonly pool: PostgresPool;
  readonly clock: Clock;
  /** How long a router that says nothing keeps its run. Default 15,000. */
  readonly leaseMs?: number;
  /** Names of tables begin with it. Default unum_flow. */
  readonly prefix?: string;
}

const READ_AHEAD = 256;

/** Makes its tables where they are missing. */
export async function postgresJournals(settings: PostgresSettings): Promise<Journals> {
  const { pool, clock, leaseMs = 15_000, prefix = "unum_flow" } = settings;
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(prefix))
    throw new Fault("invalid", `'${prefix}' cannot begin the name of a table; use letters, digits and '_'`);
  const store: Store = { pool, clock, leaseMs, prefix };
  await asked(pool.query(SCHEMA(prefix)));
  return {
    create: async (record) => {
      const made = await asked(
        pool.query(
          `INSERT INTO ${prefix}_runs (id, record, epoch, owned_until) VALUES ($1, $2, 1, now() + $3 * interval '1 ms') ON CONFLICT DO NOTHING`,
          [...[record.id, JSON.stringify(record), leaseMs]],
        ),
      );
      if (made.rowCount !== 1)
        throw new Fault("invalid", `the run '${record.id}' is there already; resume it, or choose another id`);
      return new PostgresJournal(store, record, 1, 0, [], 0);
    },
    open: async (id, changed) => {
      const taken = await asked(
        pool.query(
          `UPDATE ${prefix}_runs SET epoch = epoch + 1, owned_until = now() + $2 * interval '1 ms', record = coalesce($3, record) WHERE id = $1 AND owned_until < now() RETURNING record, epoch`,
          [id, leaseMs, changed === undefined ? null : JSON.stringify(changed)],
        ),
      );
      const [run] = taken.rows;
      if (run === undefined) throw await whyNot(store, id);
      return opened(store, run, Number(run["epoch"]));
    },
    read: async (id) => {
      const [run] = (await asked(pool.query(`SELECT record FROM ${prefix}_runs WHERE id = $1`, [id]))).rows;
      if (run === undefined) throw await whyNot(store, id);
      return opened(store, run, 0);
    },
    list: async () => {
      const runs = await asked(pool.query(`SELECT record, owned_until > now() AS owned FROM ${prefix}_runs`));
      const listed = runs.rows.map((run): RunListing => ({ record: recordIn(run), owned: run["owned"] === true }));
      return listed.sort((a, b) => b.record.createdAt - a.record.createdAt);
    },
  };
}

/** One at a time: where two make a table at once, PostgreSQL fails the later one, whether or not it says IF NOT EXISTS. */
const SCHEMA = (prefix: string) => `
  SELECT pg_advisory_xact_lock(hashtext('${prefix}'));
  CREATE TABLE IF NOT EXISTS ${prefix}_runs (
    id text PRIMARY KEY, record text NOT NULL, epoch bigint NOT NULL, owned_until timestamptz NOT NULL, rows_at bigint NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS ${prefix}_blocks (
    run text NOT NULL, position bigint NOT NULL, chain bigint NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (run, position));
  CREATE TABLE IF NOT EXISTS ${prefix}_tasks (
    run text NOT NULL, id bigint NOT NULL, root bigint NOT NULL, parent bigint NOT NULL, node int NOT NULL, state int NOT NULL,
    attempt int NOT NULL, sequence bigint NOT NULL, created bigint NOT NULL, changed bigint NOT NULL, reason text NOT NULL, key text NOT NULL,
    PRIMARY KEY (run, id));`;

interface Store extends Required<PostgresSettings> {}

async function whyNot({ pool, prefix }: Store, id: string): Promise<Fault> {
  const left = `SELECT extract(epoch FROM owned_until - now()) AS seconds FROM ${prefix}_runs WHERE id = $1`;
  const [there] = (await asked(pool.query(left, [id]))).rows;
  if (there === undefined) return new Fault("not-found", `no run '${id}'`);
  const seconds = Math.max(1, Math.ceil(Number(there["seconds"])));
  return new Fault("denied", `another router runs '${id}'; where it is silent its lease ends in ${seconds} s`);
}

/** Reads every block's chain once: what does not fit, and all after it, does not count. */
async function opened(store: Store, run: Record<string, unknown>, epoch: number): Promise<PostgresJournal> {
  const record = recordIn(run);
  let [position, chain] = [0, 0];
  const damage: string[] = [];
  for await (const block of blocksOf(store, record.id, 0, Number.POSITIVE_INFINITY)) {
    if (block.position !== position + 1 || block.chain !== crc32(block.bytes, chain)) {
      damage.push(
        `run '${record.id}': block ${position + 1} is not what was written; it and what came after it do not count`,
      );
      if (epoch > 0)
        await asked(
          store.pool.query(`DELETE FROM ${store.prefix}_blocks WHERE run = $1 AND position > $2`, [
            record.id,
            position,
          ]),
        );
      break;
    }
    position = block.position;
    chain = block.chain;
  }
  return new PostgresJournal(store, record, epoch, position, damage, chain);
}

async function* blocksOf({ pool, prefix }: Store, run: string, after: number, upTo: number) {
  for (let last = after; ; ) {
    const found = await asked(
      pool.query(
        `SELECT position, chain, bytes FROM ${prefix}_blocks WHERE run = $1 AND position > $2 ORDER BY position LIMIT ${READ_AHEAD}`,
        [run, last],
      ),
    );
    for (const { position, chain, bytes } of found.rows) {
      if (Number(position) > upTo) return;
      last = Number(position);
      // The column is bytea, which comes as a Buffer.
      yield { position: last, chain: Number(chain), bytes: bytes as Uint8Array };
    }
    if (found.rows.length < READ_AHEAD) return;
  }
}

class PostgresJournal implements Journal, JournalReader {
  readonly record: RunRecord;
  readonly damage: readonly string[];
  readonly #store: Store;
  readonly #epoch: number;
  #position: number;
  #chain: number;
  /** Appends go one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #renewal: Timer | undefined;
  #closed = false;

  constructor(
    store: Store,
    record: RunRecord,
    epoch: number,
    position: number,
    damage: readonly string[],
    chain: number,
  ) {
    this.#store = store;
    this.record = record;
    this.#epoch = epoch;
    this.#position = position;
    this.damage = damage;
    this.#chain = chain;
    if (epoch > 0) this.#renewLater();
  }

  get position(): number {
    return this.#position;
  }

  append(block: Block): Promise<void> {
    const appended = this.#last.then(() => this.#append(block));
    this.#last = appended.catch(() => {});
    return appended;
  }

  async *blocks(after: number): AsyncGenerator<{ position: number; bytes: Uint8Array }> {
    yield* blocksOf(this.#store, this.record.id, after, this.#position);
  }

  async rows({ states, node, root, task, after = 0, limit }: RowQuery): Promise<Rows> {
    const { pool, prefix } = this.#store;
    const where = ["run = $1", "id > $2"];
    const values: unknown[] = [this.record.id, after];
    const only = (text: string, value: unknown) => {
      if (value === undefined) return;
      values.push(value);
      where.push(text.replace("?", `$${values.length}`));
    };
    only("node = ?", node);
    only("root = ?", root);
    only("id = ?", task);
    only("state = ANY (?)", states);
    await this.#last;
    const client = await asked(pool.connect());
    try {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      const found = await client.query(
        `SELECT * FROM ${prefix}_tasks WHERE ${where.join(" AND ")} ORDER BY id LIMIT ${Math.floor(limit)}`,
        values,
      );
      const counted = await client.query(
        `SELECT state, count(*) AS tasks FROM ${prefix}_tasks WHERE run = $1 GROUP BY state`,
        [this.record.id],
      );
      const [at] = (await client.query(`SELECT rows_at FROM ${prefix}_runs WHERE id = $1`, [this.record.id])).rows;
      await client.query("COMMIT");
      const counts = STATES.map(() => 0);
      for (const { state, tasks } of counted.rows) counts[Number(state)] = Number(tasks);
      return { position: Number(at?.["rows_at"] ?? 0), rows: found.rows.map(taskRow), counts };
    } catch (thrown) {
      throw faultOf(asError(thrown));
    } finally {
      client.release();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#renewal?.cancel();
    await this.#last;
    if (this.#epoch === 0) return;
    const { pool, prefix } = this.#store;
    await asked(
      pool.query(`UPDATE ${prefix}_runs SET owned_until = now() - interval '1 ms' WHERE id = $1 AND epoch = $2`, [
        this.record.id,
        this.#epoch,
      ]),
    );
  }

  async #append({ position, bytes, rows }: Block): Promise<void> {
    if (this.#closed) throw new Fault("undeliverable", `the journal of run '${this.record.id}' is closed`);
    if (position !== this.#position + 1)
      throw new Fault("internal", `block ${position} does not follow block ${this.#position}`);
    const chain = crc32(bytes, this.#chain);
    const { pool, prefix, leaseMs } = this.#store;
    const block = [this.record.id, this.#epoch, leaseMs, position, chain, bytes, rows === undefined ? null : position];
    const text = `WITH mine AS (
        UPDATE ${prefix}_runs SET owned_until = now() + $3::float8 * interval '1 ms', rows_at = coalesce($7::bigint, rows_at) WHERE id = $1 AND epoch = $2 RETURNING id)
      INSERT INTO ${prefix}_blocks SELECT id, $4::bigint, $5::bigint, $6::bytea FROM mine ON CONFLICT DO NOTHING`;
    const written =
      rows === undefined || rows.length === 0
        ? await asked(pool.query(text, block))
        : await this.#withRows(text, block, rows);
    if (written.rowCount !== 1) await this.#alreadyThere(position, chain);
    this.#position = position;
    this.#chain = chain;
  }

  /** The answer to an earlier try may have been lost on its way; anything else means that the run is another's. */
  async #alreadyThere(position: number, chain: number): Promise<void> {
    const { pool, prefix } = this.#store;
    const mine = `SELECT 1 FROM ${prefix}_blocks JOIN ${prefix}_runs ON run = ${prefix}_runs.id WHERE run = $1 AND epoch = $2 AND position = $3 AND chain = $4`;
    const found = await asked(pool.query(mine, [this.record.id, this.#epoch, position, chain]));
    if (found.rowCount !== 1) throw new Fault("denied", `another router owns the run '${this.record.id}' now`);
  }

  async #withRows(text: string, block: unknown[], rows: readonly TaskRow[]): Promise<Result> {
    const client = await asked(this.#store.pool.connect());
    try {
      await client.query("BEGIN");
      const written = await client.query(text, block);
      if (written.rowCount === 1) await client.query(this.#upsert(), [this.record.id, ...columns(rows)]);
      await client.query("COMMIT");
      return written;
    } catch (thrown) {
      await client.query("ROLLBACK").catch(() => {});
      throw faultOf(asError(thrown));
    } finally {
      client.release();
    }
  }

  #upsert(): string {
    return `INSERT INTO ${this.#store.prefix}_tasks
      SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[], $7::int[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::text[])
      ON CONFLICT (run, id) DO UPDATE SET node = excluded.node, state = excluded.state, attempt = excluded.attempt,
        sequence = excluded.sequence, changed = excluded.changed, reason = excluded.reason`;
  }

  #renewLater(): void {
    const { clock, leaseMs, pool, prefix } = this.#store;
    this.#renewal = clock.after(leaseMs / 3, () => {
      const values = [this.record.id, this.#epoch, leaseMs];
      // Where it fails the next write says why.
      pool
        .query(
          `UPDATE ${prefix}_runs SET owned_until = now() + $3::float8 * interval '1 ms' WHERE id = $1 AND epoch = $2`,
          values,
        )
        .catch(() => {})
        .finally(() => {
          if (!this.#closed) this.#renewLater();
        });
    });
  }
}

/** A list of each column's values, in the order of the table. */
function columns(rows: readonly TaskRow[]): unknown[][] {
  return [
    ...[
      rows.map(({ id }) => id),
      rows.map(({ root }) => root),
      rows.map(({ parent }) => parent),
      rows.map(({ node }) => node),
    ],
    ...[rows.map(({ state }) => state), rows.map(({ attempt }) => attempt), rows.map(({ sequence }) => sequence)],
    ...[rows.map(({ createdAt }) => createdAt), rows.map(({ changedAt }) => changedAt)],
    // PostgreSQL keeps no NUL in a text.
    ...[rows.map(({ reason }) => reason.replaceAll("\0", "")), rows.map(({ key }) => key.replaceAll("\0", ""))],
  ];
}

function taskRow(row: Record<string, unknown>): TaskRow {
  const number = (name: string) => Number(row[name]);
  return {
    ...{
      id: number("id"),
      root: number("root"),
      parent: number("parent"),
      node: number("node"),
      state: number("state"),
    },
    ...{
      attempt: number("attempt"),
      sequence: number("sequence"),
      createdAt: number("created"),
      changedAt: number("changed"),
    },
    ...{ reason: String(row["reason"]), key: String(row["key"]) },
  };
}

function recordIn(run: Record<string, unknown>): RunRecord {
  // Written by `create`.
  return JSON.parse(String(run["record"])) as RunRecord;
}

async function asked<T>(query: Promise<T>): Promise<T> {
  try {
    return await query;
  } catch (thrown) {
    throw faultOf(asError(thrown));
  }
}

/** SQLSTATE classes: 53 lacks room or connections, 08 and 57P lost the server. Both may pass. */
function faultOf(error: Error): Fault {
  if (error instanceof Fault) return error;
  const code = "code" in error ? String(error.code) : "";
  const message = `PostgreSQL: ${error.message}`;
  if (/^53|^08|^57P|^ECONN|^EPIPE/.test(code) || /Connection terminated/.test(error.message)) {
    return new Fault("overloaded", `${message}; the run goes on when it can be written again`, { cause: error });
  }
  return new Fault("internal", message, { cause: error });
}
