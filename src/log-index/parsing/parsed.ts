// What a parser finds in a line: written into one object that is used again for the next line.

export interface Parsed {
  /** Seconds since 1970. */
  time: number;
  /** IPv4; without meaning where `other` is not "". */
  address: number;
  other: string;
  /** Whether the line is its parts in the usual order, and so is given back from them; else it is kept whole. */
  exact: boolean;
  /** The same number: the same head and zone. 0 where that is not known. */
  around: number;
  /** Between the address and "[". */
  headFrom: number;
  headTo: number;
  /** "+0200", and what it says. */
  zoneFrom: number;
  zoneTo: number;
  zoneMinutes: number;
  /** Between the quotes. */
  requestFrom: number;
  requestTo: number;
  /** `hashOf` the request; only where `around` is not 0. */
  requestHash: number;
  /** 0 where the line has none. */
  status: number;
  /** Bytes of the answer; -1 where the line has none, or "-". */
  size: number;
  /** What follows the size, to the end of the line. */
  tailFrom: number;
}

export function newParsed(): Parsed {
  return {
    ...{ time: 0, address: 0, other: "", exact: false, around: 0, headFrom: 0, headTo: 0, zoneFrom: 0, zoneTo: 0 },
    ...{ zoneMinutes: 0, requestFrom: 0, requestTo: 0, requestHash: 0, status: 0, size: -1, tailFrom: 0 },
  };
}

export interface LineParser {
  /** As --format names it. */
  readonly format: string;
  /** Reads bytes[from, to), a line without its end. Undefined where all is well, else what is wrong with it. */
  parse(bytes: Uint8Array, from: number, to: number, into: Parsed): string | undefined;
  /**
   * The quick way for usual lines: where the line that begins at `from` ends, read as `parse` would; -1 where that is not sure.
   * A newline stands at `from` or later, and at least three bytes behind it. `view` is of the same bytes.
   */
  quick?(bytes: Uint8Array, view: DataView, from: number, into: Parsed): number;
  /**
   * Passes over lines that nobody wants to be read: where the first one begins that has to be, at `from` or later. Newlines stand
   * up to `fence`, and at least three bytes behind it.
   */
  skip?(bytes: Uint8Array, view: DataView, from: number, fence: number): number;
}
