// The other side of a cell: components in a confined child, called over its one socket.

import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { asError, Fault } from "../../base/fault.ts";
import type { ByteStream } from "../../base/network.ts";
import { schemaOf } from "../../messages/schema.ts";
import type { Component } from "../component.ts";
import { Asking } from "./asking.ts";
import { FrameLink } from "./frame-link.ts";
import type { CellFrame } from "./frames.ts";
import { GuestCall } from "./guest-call.ts";
import { toldError } from "./told-error.ts";

export interface GuestSettings {
  readonly stream: ByteStream;
  /** Worker threads that the components may have at a time, told before anything is loaded. */
  readonly allow: (threads: number) => void;
  readonly load: (folder: string) => Promise<{ components: readonly Component[]; failures: readonly string[] }>;
  readonly now: () => number;
  readonly soon: (fire: () => void) => void;
}

interface Served {
  readonly component: Component;
  readonly method: DescMethod;
  readonly environment: Map<string, unknown>;
}

/** A call under way. */
interface Working {
  readonly abort: AbortController;
  /** Of a stream: items that may be produced. */
  credit: number;
  wake: () => void;
}

export function runComponentGuest({ stream, load, allow, now, soon }: GuestSettings): void {
  const methods = new Map<string, Served>();
  const working = new Map<number, Working>();
  const link = new FrameLink({
    ...{ stream, soon, onNonsense: () => stream.destroy() },
    onFrame: (frame) => onFrame(frame),
  });
  const asking = new Asking(link);

  const loadAll = async (folders: readonly string[]) => {
    const told: object[] = [];
    const refused: string[] = [];
    const contracts = [];
    for (const folder of folders) {
      const { components, failures } = await load(folder);
      refused.push(...failures);
      for (const component of components) {
        const { contract, version, concurrency, budgetMs, reentrant } = component;
        const environment = new Map<string, unknown>();
        try {
          await component.start(environment);
        } catch (error) {
          refused.push(`${contract.typeName}: its start hook threw: ${asError(error).message}`);
          continue;
        }
        for (const method of contract.methods)
          methods.set(`${contract.typeName}/${method.name}`, { component, method, environment });
        contracts.push(contract);
        told.push({ contract: contract.typeName, version, concurrency, budgetMs, reentrant });
      }
    }
    link.send(
      "loaded",
      { components: told, failures: refused },
      toBinary(FileDescriptorSetSchema, schemaOf(contracts)),
    );
  };

  const work = async (head: CellFrame["head"], body: Uint8Array) => {
    const id = Number(head["id"]);
    const one: Working = { abort: new AbortController(), credit: 0, wake: () => {} };
    working.set(id, one);
    try {
      const served = methods.get(String(head["path"]));
      if (served === undefined) throw new Fault("not-found", `no ${head["path"]} in this cell`);
      const { component, method, environment } = served;
      const bytes = (value: unknown) =>
        // What a handler answers is checked when it is made into its message.
        toBinary(method.output, create(method.output, value as MessageInitShape<DescMessage>));
      const call = new GuestCall({ id, head, environment, signal: one.abort.signal, asking, now });
      const value = component.handlers.get(method)?.(fromBinary(method.input, body), call);
      if (head["stream"] === true) {
        // The container asks so of a STREAM method alone, and its function gives an iterable.
        for await (const item of produced(value as AsyncIterable<unknown>, one)) link.send("item", { id }, bytes(item));
        link.send("reply", { id });
      } else link.send("reply", { id }, bytes(await value));
    } catch (thrown) {
      link.send("error", { id, ...toldError(thrown) });
    } finally {
      working.delete(id);
    }
  };

  const onFrame = ({ kind, head, body }: CellFrame) => {
    const one = working.get(Number(head["id"]));
    // The container speaks so: it is the trusted side.
    if (kind === "load") {
      allow(Number(head["threads"] ?? 0));
      void loadAll(head["folders"] as string[]);
    } else if (kind === "call") void work(head, body);
    else if (kind === "answer") asking.answered(head, body);
    else if (kind === "part") asking.part(head, body);
    else if (kind === "ping") link.send("pong", {});
    else if (kind === "credit" && one !== undefined) {
      one.credit++;
      one.wake();
    } else if (kind === "cancel" && one !== undefined) {
      one.abort.abort(new Fault("cancelled", "nobody waits for it any more"));
      one.wake();
    }
  };
}

/** As many items as there is credit for, asked for one by one. */
async function* produced(items: AsyncIterable<unknown>, one: Working): AsyncGenerator<unknown> {
  const iterator = items[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      while (one.credit === 0 && !one.abort.signal.aborted)
        await new Promise<void>((resolve) => {
          one.wake = resolve;
        });
      if (one.abort.signal.aborted) return;
      one.credit--;
      const next = await iterator.next();
      ended = next.done === true;
      if (ended) return;
      yield next.value;
    }
  } catch (error) {
    ended = true;
    throw error;
  } finally {
    if (!ended) await iterator.return?.();
  }
}
