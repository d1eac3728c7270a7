// What a run takes in: lines of JSON from a file or from standard input, or what the flow's file brings.

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { create, type DescMessage, fromJsonString, type MessageShape } from "@bufbuild/protobuf";
import { asError } from "../../base/fault.ts";
import { UsageError } from "../usage.ts";

/** An item, or what is wrong with its line. */
export type Item =
  | { readonly value: MessageShape<DescMessage>; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: string };

/** A line that is no message of the schema is told with its number; the rest goes on. */
export async function* itemsOfFile(path: string, schema: DescMessage): AsyncGenerator<Item> {
  const stream = path === "-" ? process.stdin : createReadStream(path);
  const failed = new Promise<never>((_, reject) => {
    stream.once("error", (error: Error) => reject(new UsageError(`${path} cannot be read: ${error.message}`)));
  });
  failed.catch(() => {});
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  for (let number = 1; ; number++) {
    const next = await Promise.race([lines.next(), failed]);
    if (next.done) return;
    const line = next.value.trim();
    if (line === "") continue;
    yield itemOf(`${path === "-" ? "standard input" : path}:${number}`, () => fromJsonString(schema, line));
  }
}

export async function* itemsOfModule(
  input: () => AsyncIterable<object> | Iterable<object>,
  schema: DescMessage,
): AsyncGenerator<Item> {
  let number = 0;
  for await (const init of input()) {
    number++;
    // Checked as it is made into a message.
    yield itemOf(`item ${number} of input()`, () => create(schema, init as Record<string, unknown>));
  }
}

function itemOf(where: string, read: () => MessageShape<DescMessage>): Item {
  try {
    return { value: read() };
  } catch (thrown) {
    return { problem: `${where}: ${asError(thrown).message}` };
  }
}
