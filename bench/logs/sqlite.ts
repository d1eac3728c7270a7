// SQLite beside the log index, as Node brings it: one table with an index by address and time and one by time.

import { DatabaseSync } from "node:sqlite";
import type { Checked, Peer, Question } from "./questions.ts";

export interface SqliteRow {
  readonly ip: number;
  readonly time: number;
  readonly status: number;
  readonly size: number;
  readonly request: string;
}

/** Rows come part by part, so that they need not all lie in memory; `finish` makes the indexes. */
export interface Sqlite extends Peer {
  load(rows: readonly SqliteRow[]): void;
  finish(): void;
}

export function sqlite(folder: string): Sqlite {
  const db = new DatabaseSync(`${folder}/sqlite.db`);
  db.exec(
    "pragma journal_mode=off; pragma synchronous=off; create table if not exists t (ip integer, time integer, status integer, size integer, request text)",
  );
  const insert = db.prepare("insert into t values (?, ?, ?, ?, ?)");
  return {
    load(rows) {
      db.exec("begin");
      for (const { ip, time, status, size, request } of rows) insert.run(ip, time, status, size, request);
      db.exec("commit");
    },
    finish() {
      db.exec("create index by_ip on t (ip, time); create index by_time on t (time); analyze");
    },
    names: ["sqlite"],
    async ask(_name, { from, to, ranges }: Question): Promise<Checked> {
      const sum = { count: 0, times: 0, sizes: 0 };
      const add = (where: string, ...values: number[]) => {
        const row = db
          .prepare(
            `select count(*) n, sum(time) t, sum(case when size < 0 then 0 else size end) s from (select * from t where ${where})`,
          )
          .get(...values);
        sum.count += Number(row?.["n"] ?? 0);
        sum.times += Number(row?.["t"] ?? 0);
        sum.sizes += Number(row?.["s"] ?? 0);
      };
      if (ranges.length === 0) add("time >= ? and time < ?", from, to);
      for (const [low, high] of ranges) {
        if (low === high) add("ip = ? and time >= ? and time < ?", low, from, to);
        else add("ip between ? and ? and time >= ? and time < ?", low, high, from, to);
      }
      return sum;
    },
    async distinct() {
      return Number(db.prepare("select count(distinct ip) n from t").get()?.["n"] ?? 0);
    },
  };
}
