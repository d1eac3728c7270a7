// The hash of a string of bytes, four at a time: a parser that walks over a string has it by the way.

/** The next four bytes, the first the lowest. */
export function hashedWord(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** `rest`: the last zero to three bytes, the first the lowest. */
export function hashedEnd(hash: number, rest: number, length: number): number {
  const mixed = Math.imul(hash ^ rest ^ (length << 24), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

export function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0;
  let at = from;
  for (const end = to - 3; at < end; at += 4) {
    hash = hashedWord(
      hash,
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24),
    );
  }
  let rest = 0;
  for (let shift = 0; at < to; at++, shift += 8) rest |= (bytes[at] ?? 0) << shift;
  return hashedEnd(hash, rest, to - from);
}
