// Zip files as nobody should make them: every field of every header can be set to what is not so.

import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  /** What both headers say, or only one of them. */
  readonly both?: Partial<ZipFields>;
  readonly local?: Partial<ZipFields> & { readonly name?: string };
  readonly central?: Partial<ZipFields>;
}

interface ZipFields {
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly madeBy: number;
  readonly attributes: number;
  readonly offset: number;
  readonly extra: Buffer;
}

export function zipOf(
  entries: readonly ZipEntry[],
  set: { count?: number; prefix?: Buffer; suffix?: Buffer; comment?: Buffer; centralOffset?: number } = {},
): Buffer {
  const parts: Buffer[] = [set.prefix ?? Buffer.alloc(0)];
  const central: Buffer[] = [];
  let offset = parts[0]?.length ?? 0;
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? "content");
    const method = entry.both?.method ?? 8;
    const packed = method === 8 ? deflateRawSync(content) : content;
    const fields: ZipFields = {
      ...{ method, flags: 0, crc: crc32(content), packed: packed.length, size: content.length },
      ...{ madeBy: 0x031e, attributes: (0o100644 << 16) >>> 0, offset, extra: Buffer.alloc(0) },
      ...entry.both,
    };
    const name = Buffer.from(entry.name);
    const local = localHeader(Buffer.from(entry.local?.name ?? name), { ...fields, ...entry.local });
    central.push(centralHeader(name, { ...fields, ...entry.central }));
    parts.push(local, packed);
    offset += local.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(set.count ?? entries.length, 8);
  end.writeUInt16LE(set.count ?? entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(set.centralOffset ?? offset, 16);
  end.writeUInt16LE(set.comment?.length ?? 0, 20);
  return Buffer.concat([...parts, directory, end, set.comment ?? Buffer.alloc(0), set.suffix ?? Buffer.alloc(0)]);
}

function localHeader(name: Buffer, { method, flags, crc, packed, size, extra }: ZipFields): Buffer {
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt16LE(method, 8);
  head.writeUInt32LE(crc, 14);
  head.writeUInt32LE(packed, 18);
  head.writeUInt32LE(size, 22);
  head.writeUInt16LE(name.length, 26);
  head.writeUInt16LE(extra.length, 28);
  return Buffer.concat([head, name, extra]);
}

function centralHeader(name: Buffer, fields: ZipFields): Buffer {
  const { method, flags, crc, packed, size, madeBy, attributes, offset, extra } = fields;
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(madeBy, 4);
  head.writeUInt16LE(20, 6);
  head.writeUInt16LE(flags, 8);
  head.writeUInt16LE(method, 10);
  head.writeUInt32LE(crc, 16);
  head.writeUInt32LE(packed, 20);
  head.writeUInt32LE(size, 24);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(extra.length, 30);
  head.writeUInt32LE(attributes, 38);
  head.writeUInt32LE(offset, 42);
  return Buffer.concat([head, name, extra]);
}
