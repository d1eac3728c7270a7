// A synthetic access log: addresses of which few come often and many once, days and nights, paths of which some are liked,
// lines that are written a little late. The same seed gives the same bytes.
//
// Of 30 million lines over 31 days about 9 million addresses are different.

import { seededRandom } from "../../base/random.ts";
import { formatIpv4 } from "../records/address.ts";
import { formatLogTime } from "../records/time.ts";

export interface SampleSettings {
  readonly lines: number;
  readonly days: number;
  readonly seed: number;
  /** Seconds since 1970. */
  readonly start: number;
  readonly format: "common" | "combined";
  /** No address comes twice, up to 2^32 lines. */
  readonly isEachDifferent?: boolean;
}

const PATHS = 2_000;
const AGENTS = [
  ...["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36"],
  ...["Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0", "curl/8.5.0", "Googlebot/2.1"],
  ...[
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Version/17.4 Mobile/15E148 Safari/604.1",
  ],
];
const STATUSES = [200, 200, 200, 200, 200, 200, 200, 304, 304, 404, 301, 500];
/** The late ones are late by less than this. */
const LATE_SECONDS = 30;
const PART_LINES = 4_096;

export function* sampleLog(settings: SampleSettings): Generator<Buffer> {
  const { lines, days, seed, start, format, isEachDifferent = false } = settings;
  const random = seededRandom(seed);
  const paths = Array.from({ length: PATHS }, (_, i) => pathOf(i, random.below(1_000)));
  const seconds = days * 86_400;
  // A quarter of the visits come from addresses that are never seen again; the others follow a power law.
  const regulars = Math.max(16, Math.round(lines / 20));
  let lastSecond = -1;
  let lastText = "";
  let part: string[] = [];
  for (let i = 0; i < lines; i++) {
    const late = random.below(20) === 0 ? random.below(LATE_SECONDS) : 0;
    const time = Math.max(start, start + Math.floor(dayAndNight(i / lines, days) * seconds) - late);
    if (time !== lastSecond) {
      lastSecond = time;
      lastText = formatLogTime(time, 0);
    }
    const address = isEachDifferent
      ? visitor(i, seed)
      : random.float() < 0.25
        ? random.u32()
        : visitor(Math.floor(regulars * random.float() ** 2.2), seed);
    const path = paths[Math.floor(PATHS * random.float() ** 3)] ?? "/";
    const status = STATUSES[random.below(STATUSES.length)] ?? 200;
    const size = status === 304 ? "-" : String(Math.floor(200 + 60_000 * random.float() ** 4));
    const line = `${formatIpv4(address)} - - [${lastText} +0000] "GET ${path} HTTP/1.1" ${status} ${size}`;
    part.push(
      format === "combined"
        ? `${line} "https://example.org${paths[random.below(200)]}" "${AGENTS[random.below(AGENTS.length)]}"\n`
        : `${line}\n`,
    );
    if (part.length === PART_LINES) {
      yield Buffer.from(part.join(""), "latin1");
      part = [];
    }
  }
  if (part.length > 0) yield Buffer.from(part.join(""), "latin1");
}

/** Twice as much by day as by night; goes from 0 to 1 and never back. */
function dayAndNight(part: number, days: number): number {
  const turn = part * days * 2 * Math.PI;
  return part - Math.sin(turn) / (days * 2 * Math.PI * 3);
}

/** An address for each number, spread over all there are; another for every number. */
function visitor(number: number, seed: number): number {
  let h = (number + Math.imul(seed, 0x9e3779b1)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function pathOf(number: number, salt: number): string {
  const words = ["blog", "images", "api", "articles", "style", "search", "projects", "files"];
  const endings = ["", ".html", ".png", ".css", ".js"];
  return `/${words[number % words.length]}/${number.toString(36)}${salt}${endings[number % endings.length]}`;
}
