// Chance for one island: part of its state, so that a population resumed goes on as it would have.
//
// A hot path (bench/islands-speed.ts): draws come from typed arrays, and numbers are filled in whole vectors at a time.

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush. */
export class RandomStream {
  /** All there is to it: four words. Saved and restored as they are. */
  readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** `lane` tells apart streams of one seed: islands, and uses within one. */
  static seeded(seed: number, lane = 0): RandomStream {
    const stream = new RandomStream(Int32Array.of(seed | 0, Math.floor(seed / 2 ** 32) | 0, lane | 0, 1));
    // The first outputs still show the seed.
    for (let i = 0; i < 20; i++) stream.u32();
    return stream;
  }

  /** Uniform in 0 … 2^32 - 1. */
  u32(): number {
    const words = this.words;
    // Four words are always there.
    const a = words[0] as number;
    const b = words[1] as number;
    const c = words[2] as number;
    const counter = words[3] as number;
    const t = (a + b + counter) | 0;
    words[3] = counter + 1;
    words[0] = b ^ (b >>> 9);
    words[1] = (c + (c << 3)) | 0;
    words[2] = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** Uniform in [0, 1), 32 bits of it. */
  float(): number {
    return this.u32() * 2.3283064365386963e-10;
  }

  /** Uniform whole number in 0 … n - 1. */
  below(n: number): number {
    return (this.u32() * 2.3283064365386963e-10 * n) | 0;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.float();
  }

  /** Standard normal. */
  gauss(): number {
    for (;;) {
      const bits = this.u32() | 0;
      const layer = this.u32() & 127;
      const x = bits * (WIDTHS[layer] as number);
      if (Math.abs(bits) < (INNER[layer] as number)) return x;
      const edge = this.#edge(bits, layer, x);
      if (!Number.isNaN(edge)) return edge;
    }
  }

  fillGauss(out: Float64Array, count = out.length): void {
    for (let i = 0; i < count; i++) out[i] = this.gauss();
  }

  /** Cauchy with the given place and width. */
  cauchy(place: number, width: number): number {
    return place + width * Math.tan(Math.PI * (this.float() - 0.5));
  }

  /** Outside of a layer's certain part; NaN where it has to be drawn again. */
  #edge(bits: number, layer: number, x: number): number {
    if (layer === 0) {
      for (;;) {
        const far = -Math.log(this.float() + 1e-12) / TAIL;
        const up = -Math.log(this.float() + 1e-12);
        if (up + up > far * far) return bits > 0 ? TAIL + far : -TAIL - far;
      }
    }
    const [low, high] = [HEIGHTS[layer] as number, HEIGHTS[layer - 1] as number];
    return low + this.float() * (high - low) < Math.exp(-0.5 * x * x) ? x : Number.NaN;
  }
}

/** Ziggurat of 128 layers: Marsaglia, Tsang (2000), The Ziggurat Method for Generating Random Variables; layer and place from words of their own. */
const TAIL = 3.442619855899;
const AREA = 9.91256303526217e-3;
const INNER = new Float64Array(128);
const WIDTHS = new Float64Array(128);
const HEIGHTS = new Float64Array(128);

function layers(): void {
  const scale = 2 ** 31;
  let edge = TAIL;
  let before = TAIL;
  const base = AREA / Math.exp(-0.5 * TAIL * TAIL);
  INNER[0] = (TAIL / base) * scale;
  INNER[1] = 0;
  WIDTHS[0] = base / scale;
  WIDTHS[127] = TAIL / scale;
  HEIGHTS[0] = 1;
  HEIGHTS[127] = Math.exp(-0.5 * TAIL * TAIL);
  for (let i = 126; i >= 1; i--) {
    edge = Math.sqrt(-2 * Math.log(AREA / edge + Math.exp(-0.5 * edge * edge)));
    INNER[i + 1] = (edge / before) * scale;
    before = edge;
    HEIGHTS[i] = Math.exp(-0.5 * edge * edge);
    WIDTHS[i] = edge / scale;
  }
}
layers();
