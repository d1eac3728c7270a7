// Reading fields of a state that was decoded, each checked to be what it must be.

import { Fault } from "unum";
import type { State, StateRecord } from "./codec.ts";

export class Fields {
  readonly #record: StateRecord;

  constructor(state: State) {
    if (!isRecord(state)) throw missing("a record", state);
    this.#record = state;
  }

  number(name: string): number {
    const value = this.#record[name];
    if (typeof value !== "number") throw missing(`a number '${name}'`, value);
    return value;
  }

  text(name: string): string {
    const value = this.#record[name];
    if (typeof value !== "string") throw missing(`a text '${name}'`, value);
    return value;
  }

  yes(name: string): boolean {
    return this.#record[name] === true;
  }

  /** `length`: how many there must be. */
  floats(name: string, length?: number): Float64Array {
    const value = this.#record[name];
    if (!(value instanceof Float64Array) || (length !== undefined && value.length !== length)) {
      throw missing(`${length ?? "some"} numbers '${name}'`, value);
    }
    return value;
  }

  words(name: string): Int32Array {
    const value = this.#record[name];
    if (!(value instanceof Int32Array)) throw missing(`whole numbers '${name}'`, value);
    return value;
  }

  list(name: string): readonly State[] {
    const value = this.#record[name];
    if (!Array.isArray(value)) throw missing(`a list '${name}'`, value);
    return value;
  }

  /** Undefined where it was undefined. */
  maybe(name: string): State {
    return this.#record[name];
  }

  of(name: string): Fields {
    return new Fields(this.#record[name]);
  }
}

function isRecord(state: State): state is StateRecord {
  return typeof state === "object" && !Array.isArray(state) && !ArrayBuffer.isView(state);
}

function missing(what: string, found: State): Fault {
  const kind = found === undefined ? "nothing" : ArrayBuffer.isView(found) ? `${found.byteLength} bytes` : typeof found;
  return new Fault("invalid", `an island's state lacks ${what}: there is ${kind}`);
}
