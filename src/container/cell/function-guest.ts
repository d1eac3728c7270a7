// The other side of a cell of functions: bytes in, bytes out, one after the other. None of them waits.

import { asError, Fault } from "../../base/fault.ts";
import type { ByteStream } from "../../base/network.ts";
import { FrameLink } from "./frame-link.ts";
import type { CellFrame } from "./frames.ts";
import { toldError } from "./told-error.ts";

/** Throws what goes to the caller. */
export type ByteFunction = (request: Uint8Array) => Uint8Array;

export interface FunctionGuestSettings {
  readonly stream: ByteStream;
  readonly soon: (fire: () => void) => void;
  /** What the container asked for: functions by the path they are called by. Rejects with why they cannot be had. */
  readonly load: (asked: CellFrame["head"]) => Promise<ReadonlyMap<string, ByteFunction>>;
}

export function runFunctionGuest({ stream, soon, load }: FunctionGuestSettings): void {
  let functions: ReadonlyMap<string, ByteFunction> = new Map();
  const link = new FrameLink({
    ...{ stream, soon, onNonsense: () => stream.destroy() },
    onFrame: ({ kind, head, body }) => {
      if (kind === "load") void loadAll(head);
      else if (kind === "call") work(head, body);
      else if (kind === "ping") link.send("pong", {});
    },
  });
  const loadAll = async (asked: CellFrame["head"]) => {
    try {
      functions = await load(asked);
      link.send("loaded", {});
    } catch (error) {
      link.send("loaded", { failures: [asError(error).message] });
    }
  };
  const work = ({ id, path }: CellFrame["head"], body: Uint8Array) => {
    try {
      const called = functions.get(String(path));
      if (called === undefined) throw new Fault("not-found", `no ${path} in this cell`);
      link.send("reply", { id }, called(body));
    } catch (thrown) {
      link.send("error", { id, ...toldError(thrown) });
    }
  };
}
