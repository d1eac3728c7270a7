// What the chapter's answers are compared with: every line looked at, with an expression and Date, nothing of the index in it.

export interface PlainLine {
  readonly line: string;
  readonly address: string;
  /** Seconds since 1970. */
  readonly time: number;
}

const LINE = /^(\S+) [^[]*\[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\] "/;

/** Lines that are records; the others are counted. */
export function plainLines(text: string): { readonly lines: readonly PlainLine[]; readonly others: number } {
  const lines: PlainLine[] = [];
  let others = 0;
  for (const line of text.split("\n")) {
    const found = LINE.exec(line);
    const [, address = "", day, month, year, hour, zone] = found ?? [];
    const time = Date.parse(`${day} ${month} ${year} ${hour} ${zone}`) / 1000;
    if (found !== null && !Number.isNaN(time)) lines.push({ line, address, time });
    else if (line !== "") others++;
  }
  return { lines, others };
}

/** The same lines as many times, whatever the order among those of one second. */
export function sameLines(found: readonly string[], wanted: readonly PlainLine[]): boolean {
  const a = [...found].sort();
  const b = wanted.map(({ line }) => line).sort();
  return a.length === b.length && a.every((line, i) => line === b[i]);
}
