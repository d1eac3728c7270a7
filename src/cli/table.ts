// Rows of text in columns, as wide as the terminal where one reads.

import { stripVTControlCharacters } from "node:util";

export interface Column {
  readonly title: string;
  readonly align?: "right";
  /** Cut with … down to so many characters where there is no room; a column without it keeps its width. */
  readonly least?: number;
  /** Left out where cutting is not enough, the highest first; a column without it stays. */
  readonly spare?: number;
}

const GAP = "  ";

/** Lines without trailing spaces, the titles first. `width`: characters a line may have; undefined where nothing is cut. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: { readonly width: number | undefined; readonly title?: (text: string) => string },
): readonly string[] {
  const all = [columns.map(({ title }) => title), ...rows];
  const wanted = columns.map((_, index) => Math.max(...all.map((row) => lengthOf(row[index] ?? ""))));
  const gone = tooMany(columns, wanted, options.width);
  if (gone !== undefined) {
    const kept = <T>(row: readonly T[]) => row.filter((_, index) => index !== gone);
    return table(kept(columns), rows.map(kept), options);
  }
  const widths = fitted(columns, wanted, options.width);
  const lines = all.map((row) =>
    columns
      .map(({ align }, index) => padded(cut(row[index] ?? "", widths[index] ?? 0), widths[index] ?? 0, align))
      .join(GAP)
      .trimEnd(),
  );
  const [titles = "", ...rest] = lines;
  return [options.title?.(titles) ?? titles, ...rest];
}

/** The column to leave out; undefined where all fit, or none may be left out. */
function tooMany(columns: readonly Column[], wanted: readonly number[], width: number | undefined): number | undefined {
  const least = columns.map(({ least: cutTo }, index) =>
    Math.min(cutTo ?? Number.POSITIVE_INFINITY, wanted[index] ?? 0),
  );
  if (width === undefined || total(least) <= width) return undefined;
  const spare = columns.map(({ spare: rank = 0 }) => rank);
  const highest = Math.max(...spare);
  return highest > 0 ? spare.indexOf(highest) : undefined;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1));
}

/** What is too much is taken from the widest column that may be cut, again and again. */
function fitted(columns: readonly Column[], wanted: readonly number[], width: number | undefined): readonly number[] {
  const widths = [...wanted];
  let over = width === undefined ? 0 : total(widths) - width;
  while (over > 0) {
    const room = widths.map((each, index) => each - (columns[index]?.least ?? each));
    const widest = room.reduce((best, each, index) => (each > 0 && each > (room[best] ?? 0) ? index : best), 0);
    if ((room[widest] ?? 0) <= 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over--;
  }
  return widths;
}

const ESCAPE = String.fromCharCode(27);
const STYLES = new RegExp(`(${ESCAPE}\\[[\\d;]*m)`);

/** At most so many characters; where something is left out, … is the last of them. Colours count for nothing. */
export function cut(text: string, width: number): string {
  if (lengthOf(text) <= width) return text;
  let room = width - 1;
  const kept = text.split(STYLES).map((part) => {
    if (part.startsWith(ESCAPE) || room < 0) return part.startsWith(ESCAPE) ? part : "";
    const letters = [...part];
    const fits = letters.slice(0, room).join("");
    const isLast = letters.length > room;
    room = isLast ? -1 : room - letters.length;
    return isLast ? `${fits}…` : fits;
  });
  return width < 1 ? "" : kept.join("");
}

function padded(text: string, width: number, align: Column["align"]): string {
  const space = " ".repeat(Math.max(0, width - lengthOf(text)));
  return align === "right" ? space + text : text + space;
}

/** Characters as a terminal counts them, as far as contracts, ids and figures go. */
function lengthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
