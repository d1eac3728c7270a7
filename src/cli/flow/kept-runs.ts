// Where the command keeps runs: in files of this working folder, or in a PostgreSQL that several hosts share.

import { createRequire } from "node:module";
import { join } from "node:path";
import { asError, Fault } from "../../base/fault.ts";
import { type Journals, postgresJournals, sqliteJournals } from "../../flows/index.ts";
import { systemEnv } from "../../system/env.ts";
import { UsageError } from "../usage.ts";
import { flowsFolder } from "./places.ts";

export interface JournalFlag {
  readonly journal?: string;
}

export interface KeptRuns {
  readonly journals: Journals;
  /** For people: a folder, or an address without its password. */
  readonly place: string;
  /** What a command that is suggested must have besides; "" for nothing. */
  readonly flag: string;
}

export const JOURNAL_VARIABLE = "UNUM_FLOW_JOURNAL";

/** Rejects with `undeliverable` where the database does not answer. */
export async function keptRuns({ journal }: JournalFlag): Promise<KeptRuns> {
  const address = journal ?? process.env[JOURNAL_VARIABLE] ?? "";
  if (address === "") {
    const place = flowsFolder();
    return { journals: sqliteJournals(place), place, flag: "" };
  }
  const place = withoutPassword(address);
  const { Pool } = await pgPackage();
  const pool = new Pool({ connectionString: address, max: 4, allowExitOnIdle: true });
  // A connection that breaks while nobody uses it is noticed at the next query.
  pool.on("error", () => {});
  try {
    const journals = await postgresJournals({ pool, clock: systemEnv().clock });
    return { journals, place, flag: journal === undefined ? "" : ` --journal ${place}` };
  } catch (thrown) {
    const error = asError(thrown);
    if (error instanceof Fault && error.code === "invalid") throw error;
    throw new Fault("undeliverable", `the journal at ${place} cannot be used: ${error.message}`, { cause: error });
  }
}

function withoutPassword(address: string): string {
  // Without a host it is no URL, and may stand all the same: a socket's folder comes as ?host=.
  if (!/^postgres(?:ql)?:\/\//.test(address))
    throw new UsageError("--journal takes the address of a PostgreSQL, as postgres://user@host/database");
  return address.replace(/^(\w+:\/\/[^:/@]*):[^@]*@/, "$1@");
}

/** Unum's own, or that of the working folder: it is installed by those who use it. */
async function pgPackage(): Promise<Pick<typeof import("pg"), "Pool">> {
  try {
    return (await import("pg")).default;
  } catch {
    try {
      // The same package, found from another place.
      return createRequire(join(process.cwd(), "package.json"))("pg") as typeof import("pg");
    } catch (thrown) {
      throw new UsageError(
        `a journal in PostgreSQL needs the package 'pg': npm install pg (${asError(thrown).message.split("\n")[0]})`,
      );
    }
  }
}
