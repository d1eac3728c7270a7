import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatTime } from "../records/time.ts";
import { accessLineParser } from "./access-line.ts";
import { newParsed } from "./parsed.ts";

function parsed(line: string) {
  const bytes = Buffer.from(line, "latin1");
  const into = newParsed();
  const why = accessLineParser().parse(bytes, 0, bytes.length, into);
  const text = (from: number, to: number) => bytes.toString("latin1", from, to);
  return {
    why,
    time: formatTime(into.time),
    address: into.other === "" ? into.address : into.other,
    exact: into.exact,
    request: text(into.requestFrom, into.requestTo),
    status: into.status,
    size: into.size,
    tail: text(into.tailFrom, bytes.length),
  };
}

const line = (address: string, time = "18/May/2015:14:05:03 +0000", rest = '"GET / HTTP/1.1" 200 12') =>
  `${address} - - [${time}] ${rest}`;

describe("a line of an access log", () => {
  it("is taken apart", () => {
    assert.deepEqual(parsed(line("83.149.9.216", undefined, '"GET /a?b=\\"c\\" HTTP/1.1" 404 - "-" "curl/8"')), {
      why: undefined,
      time: "2015-05-18T14:05:03Z",
      address: 0x539509d8,
      exact: true,
      request: 'GET /a?b=\\"c\\" HTTP/1.1',
      status: 404,
      size: -1,
      tail: ' "-" "curl/8"',
    });
  });

  const times: readonly [text: string, is: string][] = [
    ["29/Feb/2024:23:59:59 +0000", "2024-02-29T23:59:59Z"],
    ["31/Dec/2016:23:59:60 +0000", "2017-01-01T00:00:00Z"],
    ["29/Mar/2015:01:59:59 +0100", "2015-03-29T00:59:59Z"],
    ["29/Mar/2015:03:00:00 +0200", "2015-03-29T01:00:00Z"],
    ["01/Jan/2015:00:30:00 +0545", "2014-12-31T18:45:00Z"],
    ["01/jan/2015:00:30:00 -0000", "2015-01-01T00:30:00Z"],
  ];
  for (const [text, is] of times) {
    it(`is of its moment at ${text}`, () => {
      const found = parsed(line("10.0.0.1", text));
      assert.equal(found.why, undefined);
      assert.equal(found.time, is);
    });
  }

  const wrong: readonly [what: string, text: string, why: RegExp][] = [
    ["29 February of a common year", line("10.0.0.1", "29/Feb/2023:00:00:00 +0000"), /calendar/],
    ["the 25th hour", line("10.0.0.1", "18/May/2015:24:00:00 +0000"), /calendar/],
    ["a month of another language", line("10.0.0.1", "18/Mai/2015:14:00:00 +0000"), /calendar/],
    ["a date before 1970", line("10.0.0.1", "31/Dec/1969:23:59:59 +0000"), /calendar/],
    ["a date after 2106", line("10.0.0.1", "01/Jan/2107:00:00:00 +0000"), /calendar/],
    ["a part of an address above 255", line("10.0.0.256"), /no address/],
    ["an address of three parts", line("10.0.1"), /no address/],
    ["no address", line(""), /no address/],
    ["a line cut within its time", line("10.0.0.1").slice(0, 25), /no \[time\]/],
    ["a line cut within its request", line("10.0.0.1").slice(0, 50), /no "request"/],
    ["a line cut within its status", line("10.0.0.1", undefined, '"GET /" 20'), /no status/],
    ["a line cut before its size", line("10.0.0.1", undefined, '"GET /" 200 '), /no size/],
    ["binary junk", "\u0000\u00ff\u0001", /no address/],
  ];
  for (const [what, text, why] of wrong) {
    it(`is none with ${what}`, () => assert.match(parsed(text).why ?? "well", why));
  }

  const spellings: readonly [text: string, address: number | string, exact: boolean][] = [
    ["10.0.0.1", 0x0a000001, true],
    ["010.000.000.001", 0x0a000001, false],
    ["::ffff:10.0.0.1", 0x0a000001, false],
    ["2001:db8::1", "6:20010db8000000000000000000000001", true],
    ["2001:DB8:0::1", "6:20010db8000000000000000000000001", false],
    ["Host.Example", "h:host.example", false],
    ["host.example", "h:host.example", true],
  ];
  for (const [text, address, exact] of spellings) {
    it(`has the address that ${text} spells, and is kept whole where it could not be put together again`, () => {
      const found = parsed(line(text));
      assert.deepEqual([found.why, found.address, found.exact], [undefined, address, exact]);
    });
  }
});

describe("the quick way", () => {
  const two = (n: number) => String(n).padStart(2, "0");
  const part = fc.oneof(fc.nat(255).map(String), fc.constantFrom("0", "00", "01", "256", "999", "1234", "", "a"));
  const clock = fc
    .tuple(fc.constantFrom(14, 15, 23, 24), fc.nat(61), fc.nat(62))
    .map((parts) => parts.map(two).join(":"));
  const mostly = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: other });
  const some = fc.record({
    address: mostly(
      fc.ipV4(),
      fc.oneof(
        fc.array(part, { minLength: 3, maxLength: 5 }).map((parts) => parts.join(".")),
        fc.constantFrom("::1", "host.example", ""),
      ),
    ),
    head: mostly(fc.constant(" - - "), fc.constantFrom(" - ada ", " - -", " ")),
    date: mostly(fc.constant("18/May/2015"), fc.constantFrom("18/may/2015", "31/Feb/2015", "1/May/2015")),
    clock: mostly(
      fc.nat(599).map((s) => `14:1${Math.floor(s / 60)}:${two(s % 60)}`),
      clock,
    ),
    zone: mostly(fc.constant("+0000"), fc.constantFrom("+0200", "-0000", "+9999")),
    request: mostly(
      fc.constantFrom("GET / HTTP/1.1", "", "GET /a", "GET /ab", "GET /abc", "\u00ff\u0080\u00a2\u00dc\u008a"),
      fc.oneof(fc.stringMatching(/^[ -~]{0,40}$/), fc.constantFrom('a\\"b', "a\nb", "tab\there")),
    ),
    rest: mostly(
      fc.constantFrom(" 200 12", " 404 -", " 200 0", ' 200 12 "-" "curl/8"'),
      fc.constantFrom(
        ...[" 200 012", " 200 123456789012", " 20 1", " 200", " 200 12\r", " 200 12x", " 200 -1", " 2x0 1", "  200 1"],
      ),
    ),
  });
  const lines = fc.array(
    some.map(
      ({ address, head, date, clock: at, zone, request, rest }) =>
        `${address}${head}[${date}:${at} ${zone}] "${request}"${rest}`,
    ),
    { minLength: 1, maxLength: 12 },
  );

  it("reads a line as the careful way does, or leaves it to it", () => {
    let quickly = 0;
    fc.assert(
      fc.property(lines, (list) => {
        const bytes = Buffer.from(`${list.join("\n")}\n\n\n\n`, "latin1");
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const parser = accessLineParser();
        const plain = accessLineParser();
        for (let from = 0; from < bytes.length - 3; ) {
          const to = bytes.indexOf(10, from);
          const wanted = newParsed();
          const why = plain.parse(bytes, from, to, wanted);
          const found = newParsed();
          const end = parser.quick?.(bytes, view, from, found) ?? -1;
          if (end >= 0) {
            quickly++;
            assert.equal(why, undefined);
            assert.equal(end, to);
            assert.ok(found.around > 0);
            assert.deepEqual({ ...found, around: wanted.around }, wanted);
          } else parser.parse(bytes, from, to, found);
          from = to + 1;
        }
      }),
      { numRuns: 1_000 },
    );
    assert.ok(quickly > 200, `${quickly} lines were read quickly`);
  });
});
