// The work of the chapter: every file through the node, a few at a time.
//
// Invariants
//   S1. Every file ends with one outcome: its digest, or why there is none.
//   S2. A call lost with its container is sent again elsewhere: its idempotency key allows it.
//   S3. It goes on, round after round over the files, for as long as `more` wants: what happens to the node meanwhile
//       happens while it is called. What a later round brings is kept too.

import type { DescMessage } from "@bufbuild/protobuf";
import type { Clock } from "../../../base/clock.ts";
import { ApplicationError, asError } from "../../../base/fault.ts";
import type { Client } from "../../../client/client.ts";
import type { UnaryMethod } from "../../../messages/contract.ts";
import { messageFromJson, messageToJson } from "../../../messages/json.ts";
import type { TourFile } from "./choose-files.ts";
import type { FileDigest } from "./plain-digest.ts";

export interface Answered {
  readonly file: TourFile;
  readonly outcome: FileDigest | Error;
  /** The container's id; empty without an answer. */
  readonly container: string;
  /** Asked without success before. */
  readonly retries: number;
  /** On the clock. */
  readonly at: number;
}

export interface SpreadParts {
  readonly client: Client;
  readonly method: UnaryMethod;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly atOnce: number;
  /** Whether another round is wanted, asked when every file was taken. */
  readonly more: () => boolean;
  /** Called after each, with how many and the sum of their bytes so far. */
  readonly progress: (calls: number, bytes: number) => void;
}

const TTL_MS = 60_000;

export async function spread(files: readonly TourFile[], parts: SpreadParts): Promise<readonly Answered[]> {
  const { signal, atOnce, more, progress } = parts;
  const answered: Answered[] = [];
  let taken = 0;
  let bytes = 0;
  const work = async () => {
    while (!signal.aborted && files.length > 0 && (taken < files.length || more())) {
      const round = Math.floor(taken / files.length);
      // In range: it is a rest of the division by how many there are.
      const file = files[taken++ % files.length] as TourFile;
      answered.push(await digest(file, round, parts));
      bytes += file.bytes;
      progress(answered.length, bytes);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return answered;
}

async function digest(
  file: TourFile,
  round: number,
  { client, method, clock, signal }: SpreadParts,
): Promise<Answered> {
  const { path } = file;
  try {
    const input = messageFromJson(method.input, JSON.stringify({ path }));
    const options = { ttlMs: TTL_MS, withinMs: TTL_MS, idempotencyKey: `${round} ${path}`, signal };
    const { value, from, tried } = await client.request(method, input, options);
    const outcome = digestIn(method.output, value);
    return { file, outcome, container: from[0] ?? "", retries: Math.max(0, tried.length - 1), at: clock.now() };
  } catch (error) {
    return { file, outcome: asError(error), container: "", retries: 0, at: clock.now() };
  }
}

function digestIn(schema: DescMessage, value: Parameters<typeof messageToJson>[1]): FileDigest {
  // Checked by comparing: a field that is missing is not equal.
  return messageToJson(schema, value) as unknown as FileDigest;
}

/** Whether the component said that it could not read the file, as the plain computation would. */
export function isUnreadable(outcome: FileDigest | Error): boolean {
  return outcome instanceof ApplicationError && /^E[A-Z]+:/.test(outcome.message);
}
