// Addresses of clients: IPv4 as a number, IPv6 and host names as a key that sorts.
//
// The key of an IPv6 address is "6:" and its 32 hexadecimal digits, that of a host name "h:" and the name in lower case,
// so a range of IPv6 addresses is a range of keys. An IPv4 address mapped into IPv6 is that IPv4 address.

export interface Address {
  /** IPv4 as a whole number of 32 bits; without meaning where `other` is not "". */
  readonly v4: number;
  readonly other: string;
}

/** Undefined where the text can be no address: empty, with blanks, or a malformed IPv4 or IPv6 address. */
export function parseAddress(text: string): Address | undefined {
  const v4 = parseIpv4(text);
  if (v4 !== undefined) return { v4, other: "" };
  if (text.includes(":")) {
    const groups = parseIpv6(text);
    if (groups === undefined) return undefined;
    const mapped = mappedIpv4(groups);
    return mapped === undefined ? { v4: 0, other: ipv6Key(groups) } : { v4: mapped, other: "" };
  }
  // What is digits and dots alone was meant as an IPv4 address and is none.
  if (!/^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})$/.test(text) || /^[\d.]+$/.test(text)) return undefined;
  return { v4: 0, other: `h:${text.toLowerCase()}` };
}

/** Leading zeros are read as decimal, as log writers mean them. */
export function parseIpv4(text: string): number | undefined {
  const found = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (found === null) return undefined;
  let value = 0;
  for (const part of found.slice(1)) {
    if (Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** Eight groups of 16 bits; a zone (%eth0) is left out. */
export function parseIpv6(text: string): number[] | undefined {
  const [plain = ""] = text.split("%");
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  const last = dotted === null ? undefined : parseIpv4(dotted[2] ?? "");
  if (dotted !== null && last === undefined) return undefined;
  const hex =
    last === undefined ? plain : `${dotted?.[1]}${(last >>> 16).toString(16)}:${(last & 0xffff).toString(16)}`;
  const halves = hex.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const groups = [...(head ?? []), ...(tail ?? [])];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const absent = 8 - groups.length;
  if (tail === undefined ? absent !== 0 : absent < 1) return undefined;
  return [...(head ?? []), ...Array.from({ length: absent }, () => "0"), ...(tail ?? [])].map((group) =>
    Number.parseInt(group, 16),
  );
}

function mappedIpv4(groups: readonly number[]): number | undefined {
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped ? (groups[6] ?? 0) * 65536 + (groups[7] ?? 0) : undefined;
}

export function ipv6Key(groups: readonly number[]): string {
  return `6:${groups.map((group) => group.toString(16).padStart(4, "0")).join("")}`;
}

export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** The text of a key: IPv6 as RFC 5952 writes it. */
export function formatOther(key: string): string {
  if (!key.startsWith("6:")) return key.slice(2);
  const groups = Array.from({ length: 8 }, (_, i) => Number.parseInt(key.slice(2 + i * 4, 6 + i * 4), 16));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const text = (from: number, to?: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return best.at < 0 ? text(0) : `${text(0, best.at)}::${text(best.at + best.length)}`;
}
