// Plots of a report, as SVG within the page.

export interface Series {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface CurveOptions {
  /** What the horizontal axis is. */
  readonly x: string;
  /** above-least: how far above the least of all, for values of any sign. */
  readonly log: "yes" | "no" | "above-least";
  readonly dots?: boolean;
}

const WIDTH = 900;
const HEIGHT = 300;
const LEFT = 86;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 42;
const POINTS_LIMIT = 600;

export function curves(series: readonly Series[], options: CurveOptions): string {
  const shown = prepared(series, options.log);
  const all = shown.flatMap(({ points }) => points);
  if (all.length === 0) return "<p>Nothing was logged.</p>";
  const logarithmic = options.log !== "no";
  const scaled = (y: number) => (logarithmic ? Math.log10(y) : y);
  const [left, right] = extent(all.map(([x]) => x));
  const [bottom, top] = extent(all.map(([, y]) => scaled(y)));
  const px = (x: number) => LEFT + ((x - left) / (right - left || 1)) * (WIDTH - LEFT - RIGHT);
  const py = (y: number) => HEIGHT - BOTTOM - ((scaled(y) - bottom) / (top - bottom || 1)) * (HEIGHT - TOP - BOTTOM);
  const lines = shown.map(({ color, points }) => {
    if (options.dots)
      return points
        .map(([x, y]) => `<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="3" fill="${color}"/>`)
        .join("");
    const path = points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("");
    return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>`;
  });
  const ticks = tickPlaces(bottom, top, logarithmic).map((value) => {
    const y = (HEIGHT - BOTTOM - ((value - bottom) / (top - bottom || 1)) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
    const label = tickText(logarithmic ? 10 ** value : value);
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#8884"/><text x="${LEFT - 8}" y="${y}" dy="4" text-anchor="end" font-size="12">${label}</text>`;
  });
  const note = options.log === "above-least" ? " · vertical: above the least of all, logarithmic" : "";
  const axis = `<text x="${LEFT}" y="${HEIGHT - 22}" font-size="12">${tickText(left)}</text><text x="${WIDTH - RIGHT}" y="${HEIGHT - 22}" font-size="12" text-anchor="end">${tickText(right)}</text><text x="${WIDTH / 2}" y="${HEIGHT - 4}" font-size="12" text-anchor="middle">${escaped(options.x)}${note}</text>`;
  const name = escaped(series.map((each) => each.name).join(", "));
  // On a narrow screen it is moved sideways: made smaller, nobody could read it.
  return `<div class="wide"><svg class="curves" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${name}">${ticks.join("")}${lines.join("")}${axis}</svg></div>${legend(series)}`;
}

function prepared(series: readonly Series[], log: CurveOptions["log"]): readonly Series[] {
  const finite = series.map((each) => ({
    ...each,
    points: each.points.filter(([x, y]) => Number.isFinite(x) && typeof y === "number" && Number.isFinite(y)),
  }));
  const all = finite.flatMap(({ points }) => points.map(([, y]) => y));
  const least = Math.min(...all);
  // The least itself would lie at minus infinity: it is drawn a little below what comes next.
  const floor = Math.max(1e-12 * Math.max(1, Math.abs(least)), Number.MIN_VALUE);
  const shift = log === "above-least" ? least - floor : 0;
  return finite.map((each) => ({
    ...each,
    points: thin(each.points.map(([x, y]) => [x, y - shift] as const)).filter(([, y]) => log === "no" || y > 0),
  }));
}

function thin<T>(points: readonly T[]): readonly T[] {
  const step = Math.ceil(points.length / POINTS_LIMIT);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}

function extent(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** Round numbers between the two, four to nine of them; of a logarithmic axis powers of ten where it is long enough. */
function tickPlaces(bottom: number, top: number, logarithmic: boolean): readonly number[] {
  const range = top - bottom;
  if (!(range > 0)) return [bottom];
  const rough = range / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const fitting = [1, 2, 5, 10].find((step) => step * power >= rough) ?? 10;
  const step = logarithmic && range >= 3 ? Math.max(1, Math.ceil(rough)) : fitting * power;
  const first = Math.ceil(bottom / step - 1e-9);
  const last = Math.floor(top / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function tickText(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e6) return String(Number(value.toPrecision(4)));
  return value.toExponential(1).replace(".0e", "e");
}

function legend(series: readonly Series[]): string {
  const items = series.map(
    ({ name, color }) => `<span class="key"><span style="color:${color}">■</span> ${escaped(name)}</span>`,
  );
  return `<p class="keys">${items.join(" ")}</p>`;
}

interface MapIsland {
  readonly label: string;
  readonly engine: string;
  readonly color: string;
  readonly received: number;
}

/** Islands on a circle, an arrow from each to those that receive from it. */
export function islandMap(islands: readonly MapIsland[], sources: readonly (readonly number[])[]): string {
  // Neighbours on the circle are a diameter and a half apart at least, however many there are.
  const radius = islands.length === 1 ? 0 : Math.max(130, 54 / Math.sin(Math.PI / islands.length));
  const size = 2 * radius + 120;
  const place = (i: number) => {
    const turn = (2 * Math.PI * i) / islands.length - Math.PI / 2;
    return [size / 2 + radius * Math.cos(turn), size / 2 + radius * Math.sin(turn)] as const;
  };
  const arrows = sources.flatMap((from, i) =>
    from.map((j) => {
      const [ax, ay] = place(j);
      const [bx, by] = place(i);
      const length = Math.hypot(bx - ax, by - ay) || 1;
      // From rim to rim, a little to the side so that two ways are two lines.
      const [ux, uy] = [(bx - ax) / length, (by - ay) / length];
      const at = (x: number, y: number, along: number) =>
        `${(x + ux * along - uy * 5).toFixed(1)} ${(y + uy * along + ux * 5).toFixed(1)}`;
      return `<path d="M${at(ax, ay, 36)}L${at(bx, by, -40)}" stroke="#888" stroke-width="1.5" marker-end="url(#to)" fill="none"/>`;
    }),
  );
  const nodes = islands.map(({ label, engine, color, received }, i) => {
    const [x, y] = place(i);
    return `<circle cx="${x}" cy="${y}" r="34" fill="${color}"><title>${escaped(label)}: ${received} received</title></circle><text x="${x}" y="${y - 2}" text-anchor="middle" font-size="${engine.length > 10 ? 9 : 11}" style="fill:#fff">${escaped(shortEngine(engine))}</text><text x="${x}" y="${y + 12}" text-anchor="middle" font-size="10" style="fill:#fff">${received} in</text>`;
  });
  return `<svg viewBox="0 0 ${size} ${size}" style="max-width:${Math.min(760, Math.round(size))}px" role="img" aria-label="who receives from whom"><defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#888"/></marker></defs>${arrows.join("")}${nodes.join("")}</svg>`;
}

/** Its options are in the table. */
function shortEngine(engine: string): string {
  const [name = ""] = engine.split(":");
  return name.length > 13 ? `${name.slice(0, 12)}…` : name;
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
