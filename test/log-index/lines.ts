// Access logs for tests, made of chance: few addresses and little time, so that questions meet records.

import fc from "fast-check";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** 2015-05-18T00:00:00Z */
export const START = 1_431_907_200;

const address = fc.oneof(
  { weight: 8, arbitrary: fc.nat(40).map((n) => `10.0.${n % 3}.${n}`) },
  { weight: 1, arbitrary: fc.constantFrom("255.255.255.255", "0.0.0.0", "127.255.255.255", "128.0.0.0") },
  { weight: 1, arbitrary: fc.constantFrom("2001:db8::1", "2001:db8::2", "::1", "2001:DB8:0:0::3", "::ffff:10.0.0.1") },
  { weight: 1, arbitrary: fc.constantFrom("a.example", "B.Example", "010.000.001.004") },
);

const head = fc.constantFrom(" - - ", " - ada ", " - - ", " ident bob ");
const request = fc.oneof(
  fc.nat(5).map((n) => `GET /page/${n} HTTP/1.1`),
  fc.constantFrom("-", "", 'GET /\\"quoted\\" HTTP/1.0', "\\x16\\x03", "GET /ä HTTP/1.1"),
);
const size = fc.oneof(fc.nat(200_000).map(String), fc.constantFrom("-", "0", "0012", "99999999999"));
const tail = fc.constantFrom(
  "",
  ' "-" "curl/8"',
  ' "http://a/?q=\\"x\\"" "Mozilla/5.0 (X11)"',
  " extra",
  ' "unclosed',
  "\r",
);

/** Mostly in order, some late by up to a minute, a few by far. */
const time = fc.tuple(
  fc.nat(3_000),
  fc.oneof({ weight: 30, arbitrary: fc.nat(59) }, { weight: 1, arbitrary: fc.nat(400_000) }),
);
const zone = fc.constantFrom("+0000", "+0000", "+0200", "-0730");

export const logLine = fc
  .tuple(address, head, time, zone, request, fc.constantFrom(200, 200, 304, 404, 500), size, tail)
  .map(([ip, around, [offset, late], zoneText, asked, status, bytes, rest]) => ({
    offset,
    text: (base: number) =>
      `${ip}${around}[${stamp(base + offset - late, zoneText)} ${zoneText}] "${asked}" ${status} ${bytes}${rest}`,
  }));

export function stamp(seconds: number, zoneText = "+0000"): string {
  const minutes = Number(zoneText.slice(1, 3)) * 60 + Number(zoneText.slice(3));
  const date = new Date((seconds + (zoneText.startsWith("-") ? -minutes : minutes) * 60) * 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

/** Lines that are none. */
const junk = fc.constantFrom(
  ...[
    "",
    "not a log line",
    '10.0.0.1 - - [31/Feb/2015:10:00:00 +0000] "GET / HTTP/1.1" 200 1',
    "10.0.0.1 - - [18/May/20",
  ],
  ...[
    '999.1.1.1 - - [18/May/2015:10:00:00 +0000] "GET / HTTP/1.1" 200 1',
    "\u0000\u0001\u00ff\u00fe",
    '10.0.0.1 - - [18/May/2015:25:00:00 +0000] "x" 200 1',
  ],
);

/** A log's lines; about in the order of their times. */
export const log = fc
  .array(fc.oneof({ weight: 20, arbitrary: logLine }, { weight: 1, arbitrary: junk }), { maxLength: 120 })
  .map((lines) =>
    lines
      .map((line, i) => ({ line, at: typeof line === "string" ? i * 25 : line.offset }))
      .sort((a, b) => a.at - b.at)
      .map(({ line }) => (typeof line === "string" ? line : line.text(START))),
  );

const asked = fc.oneof(
  fc.nat(40).map((n) => `10.0.${n % 3}.${n}`),
  fc.constantFrom("10.0.1.0/24", "0.0.0.0/0", "10.0.0.7-10.0.2.20", "255.255.255.255", "128.0.0.0/1", "10.0.0.0/30"),
  fc.constantFrom("2001:db8::/32", "::1", "::/0", "a.example", "b.example", "192.0.2.1"),
);

export const question = fc.record({
  from: fc.nat(3_600).map((n) => START - 300 + n),
  length: fc.oneof(fc.nat(4_000), fc.constantFrom(0, 1, 600_000)),
  addresses: fc.option(fc.array(asked, { minLength: 1, maxLength: 12 }), { nil: undefined }),
});
