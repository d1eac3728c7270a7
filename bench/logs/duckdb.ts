// DuckDB beside the log index: a table in the order of the log, and a copy sorted by address. Loaded from the text itself.

import { existsSync } from "node:fs";
import type { Checked, Peer, Question } from "./questions.ts";

/** What of the package is used; it is installed by `npm run bench` alone, so its types may not be there. */
interface Duck {
  readonly DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<Connection> }> };
}
interface Connection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{ getRows(): readonly (readonly unknown[])[] }>;
}

export async function duckDb(
  folder: string,
): Promise<Peer & { load(log: string): Promise<void>; sort(): Promise<void>; version: string }> {
  const path = new URL("../peers/node_modules/@duckdb/node-api/lib/index.js", import.meta.url);
  if (!existsSync(path)) throw new Error("bench/peers is not installed; run this by 'npm run bench -- logs'");
  // Its own declarations say the same.
  const { DuckDBInstance } = (await import(path.href)) as Duck;
  const connection = await (await DuckDBInstance.create(`${folder}/duck.db`)).connect();
  const [[version] = []] = (await connection.runAndReadAll("select version()")).getRows();
  const ask = async (table: string, question: Question): Promise<Checked> => {
    const [[count, times, sizes] = []] = (await connection.runAndReadAll(sqlOf(table, question))).getRows();
    return { count: Number(count), times: Number(times ?? 0), sizes: Number(sizes ?? 0) };
  };
  return {
    version: String(version),
    async load(log) {
      await connection.run(`create table t as select
        (split_part(a,'.',1)::uinteger*16777216+split_part(a,'.',2)::uinteger*65536+split_part(a,'.',3)::uinteger*256+split_part(a,'.',4)::uinteger)::uinteger as ip,
        epoch(strptime(d, '[%d/%b/%Y:%H:%M:%S'))::uinteger as time, r as request, s::usmallint as status,
        case when z = '-' then null else z::uinteger end as size
        from read_csv('${log}', delim=' ', quote='"', header=false, auto_detect=false, columns={'a':'varchar','b':'varchar','c':'varchar','d':'varchar','e':'varchar','r':'varchar','s':'varchar','z':'varchar'})`);
      await connection.run("checkpoint");
    },
    async sort() {
      await connection.run("create table t_ip as select * from t order by ip, time");
      await connection.run("checkpoint");
    },
    names: ["duckdb table", "duckdb sorted copy"],
    ask: (name, question) => ask(name === "duckdb table" ? "t" : "t_ip", question),
    async distinct(name) {
      const table = name === "duckdb table" ? "t" : "t_ip";
      const [[count] = []] = (
        await connection.runAndReadAll(`select approx_count_distinct(ip) from ${table}`)
      ).getRows();
      return Number(count);
    },
  };
}

function sqlOf(table: string, { from, to, ranges }: Question): string {
  const single = ranges.filter(([low, high]) => low === high).map(([low]) => low);
  const wide = ranges.filter(([low, high]) => low !== high);
  const terms = [
    ...(single.length === 0 ? [] : [`ip in (${single.join(",")})`]),
    ...wide.map(([low, high]) => `ip between ${low} and ${high}`),
  ];
  const where = [`time >= ${from} and time < ${to}`, ...(terms.length === 0 ? [] : [`(${terms.join(" or ")})`])];
  // The columns are brought, as an answer would have them, and summed so that results can be compared.
  return `select count(*), sum(time), sum(size) from (select time, ip, request, status, size from ${table} where ${where.join(" and ")})`;
}
