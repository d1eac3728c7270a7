// A message for a call as people give it: JSON as an argument, @FILE, or - for standard input.

import { open } from "node:fs/promises";
import { asError } from "../base/fault.ts";
import { ENVELOPE_LIMIT_BYTES } from "../messages/envelope.ts";
import { UsageError } from "./usage.ts";

/** Throws a UsageError where it cannot be read or is larger than any message may be. */
export async function readInput(given: string, stdin: AsyncIterable<Buffer>): Promise<string> {
  if (given === "-") return gather(stdin, "standard input");
  if (!given.startsWith("@")) return given;
  const path = given.slice(1);
  try {
    await using file = await open(path);
    return await gather(file.createReadStream({ autoClose: false }), path);
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    throw new UsageError(`cannot read ${path}: ${asError(thrown).message}`);
  }
}

async function gather(chunks: AsyncIterable<Buffer>, name: string): Promise<string> {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > ENVELOPE_LIMIT_BYTES) {
      throw new UsageError(`${name} has more than ${ENVELOPE_LIMIT_BYTES} bytes, the most a message may have`);
    }
    read.push(chunk);
  }
  return Buffer.concat(read).toString("utf8");
}

/** key=value, given any number of times. */
export function parseMeta(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw new UsageError(`--meta '${pair}' is not KEY=VALUE`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
