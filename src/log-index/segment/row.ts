// A row: ten bytes, so that any run of rows is one read.
//
//   0   address          IPv4, or the number of an address in the segment's table of others
//   4   request  20 bits the string in the quotes; the whole line where it is `odd`
//       shape     8 bits what stands around: user, zone, status
//       other     1 bit  the address is in the table of others
//       odd       1 bit  the line is not its parts in the usual order, so it is kept whole
//       large     1 bit  the size is in the table of large sizes
//       size     17 bits the first of them here, the others in the last two bytes
//
// `low` is the four bytes of the middle, `high` the last two.

export const ROW_BYTES = 10;
/** Rows of a full segment. */
export const SEGMENT_ROWS = 1 << 20;
export const REQUEST_LIMIT = 1 << 20;
export const SHAPE_LIMIT = 1 << 8;
export const SIZE_LIMIT = 1 << 17;

export const OTHER = 1 << 28;
export const ODD = 1 << 29;
export const LARGE = 1 << 30;

export function requestOf(low: number): number {
  return low & 0xfffff;
}

export function shapeOf(low: number): number {
  return (low >>> 20) & 0xff;
}

export function sizeOf(low: number, high: number): number {
  return (low >>> 31) * 65536 + high;
}

/** What stands around the parts of lines that look alike. */
export interface Shape {
  /** Between address and "[". */
  readonly head: string;
  readonly zone: string;
  readonly zoneMinutes: number;
  /** 0 where lines have none. */
  readonly status: number;
  readonly isSized: boolean;
}
