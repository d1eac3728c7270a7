// What a cell asks its container for, and what came of it.

import { Fault, isFaultCode } from "../../base/fault.ts";
import type { FrameLink } from "./frame-link.ts";
import type { CellFrame } from "./frames.ts";

export class Asking {
  readonly #link: FrameLink;
  readonly #waiting = new Map<number, { resolve: (body: Uint8Array) => void; reject: (error: Error) => void }>();
  #next = 1;

  constructor(link: FrameLink) {
    this.#link = link;
  }

  /** `id`: of the call in whose name it asks. */
  ask(id: number, head: object, body?: Uint8Array): Promise<Uint8Array> {
    const ask = this.#next++;
    const answer = new Promise<Uint8Array>((resolve, reject) => this.#waiting.set(ask, { resolve, reject }));
    this.#link.send("ask", { id, ask, ...head }, body);
    return answer;
  }

  answered(head: CellFrame["head"], body: Uint8Array): void {
    const ask = Number(head["ask"]);
    const waiting = this.#waiting.get(ask);
    this.#waiting.delete(ask);
    const { error } = head;
    if (error === undefined) return waiting?.resolve(body);
    const { code, type, message } = Object(error);
    const known = typeof code === "string" && isFaultCode(code);
    waiting?.reject(
      known ? new Fault(code, String(message)) : Object.assign(new Error(String(message)), { name: String(type) }),
    );
  }
}
