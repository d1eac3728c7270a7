// Pictures in files: PNG of 8 bits a channel and binary PPM in, PNG out. In between, three bytes for each pixel, row by row.

import { crc32, deflateSync, inflateSync } from "node:zlib";

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Of one picture, unpacked. */
const LIMIT_BYTES = 100_000_000;
/** Bytes of a pixel, by PNG's colour type: grey, colour, palette, grey and alpha, colour and alpha. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Throws a RangeError that says why it cannot be read. */
export function readPicture(file: Buffer): Picture {
  if (file.subarray(0, 8).equals(PNG)) return readPng(file);
  if (file.toString("latin1", 0, 2) === "P6") return readPpm(file);
  throw new RangeError("neither a PNG nor a binary PPM");
}

function readPpm(file: Buffer): Picture {
  const head = /^P6\s(?:#.*\n)*\s*(\d+)\s+(\d+)\s+255\s/.exec(file.toString("latin1", 0, 1_000));
  const [whole = "", width = "0", height = "0"] = head ?? [];
  const pixels = new Uint8Array(file.subarray(whole.length, whole.length + sizeOf(Number(width), Number(height))));
  if (pixels.length !== sizeOf(Number(width), Number(height))) throw new RangeError("the PPM is shorter than it says");
  return { width: Number(width), height: Number(height), pixels };
}

function readPng(file: Buffer): Picture {
  const parts: Buffer[] = [];
  let head: Buffer | undefined;
  let palette: Buffer = Buffer.alloc(0);
  for (let at = 8; at + 8 <= file.length; ) {
    const content = file.subarray(at + 8, at + 8 + file.readUInt32BE(at));
    const kind = file.toString("latin1", at + 4, at + 8);
    if (kind === "IHDR") head = content;
    if (kind === "PLTE") palette = content;
    if (kind === "IDAT") parts.push(content);
    if (kind === "IEND") break;
    at += 12 + content.length;
  }
  if (head === undefined || head.length < 13) throw new RangeError("the PNG has no head");
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const [bits, type, interlaced] = [head[8] ?? 0, head[9] ?? 0, head[12] ?? 0];
  const channels = CHANNELS[type];
  if (bits !== 8 || channels === undefined || interlaced !== 0)
    throw new RangeError(`a PNG of ${bits} bits, type ${type}, interlaced ${interlaced}: only 8 bits, not interlaced`);
  sizeOf(width, height);
  const rows = inflateSync(Buffer.concat(parts), { maxOutputLength: height * (1 + width * channels) });
  if (rows.length !== height * (1 + width * channels)) throw new RangeError("the PNG is shorter than it says");
  const bytes = unfiltered(rows, height, channels);
  const pixels = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const at = pixel * channels + (channels < 3 ? 0 : channel);
      const value = bytes[at] ?? 0;
      pixels[pixel * 3 + channel] = type === 3 ? (palette[value * 3 + channel] ?? 0) : value;
    }
  }
  return { width, height, pixels };
}

/** Undoes what PNG does to each row so that it packs better. */
function unfiltered(rows: Buffer, height: number, channels: number): Uint8Array {
  const stride = rows.length / height - 1;
  const out = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)] ?? 0;
    if (filter > 4) throw new RangeError(`row ${y} of the PNG has filter ${filter}`);
    for (let x = 0; x < stride; x++) {
      const left = x < channels ? 0 : (out[y * stride + x - channels] ?? 0);
      const up = y === 0 ? 0 : (out[(y - 1) * stride + x] ?? 0);
      const corner = x < channels || y === 0 ? 0 : (out[(y - 1) * stride + x - channels] ?? 0);
      const added = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      out[y * stride + x] = (rows[y * (stride + 1) + 1 + x] ?? 0) + added;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [l, u, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return l <= u && l <= c ? left : u <= c ? up : corner;
}

export function writePng({ width, height, pixels }: Picture): Uint8Array {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++)
    rows.set(pixels.subarray(y * width * 3, (y + 1) * width * 3), y * (1 + width * 3) + 1);
  return Buffer.concat([PNG, chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(kind: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

function sizeOf(width: number, height: number): number {
  const bytes = width * height * 3;
  if (!(bytes > 0 && bytes <= LIMIT_BYTES)) throw new RangeError(`a picture of ${width} × ${height} is not made small`);
  return bytes;
}
