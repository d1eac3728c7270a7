// The transformations BBOB functions are built from, in place on one scratch vector each.
//
// A hot path: no allocation. bench/islands-speed.ts and bench/bbob.ts stand on it.

/** out = matrix · x, the matrix row by row. */
export function rotate(matrix: Float64Array, x: Float64Array, out: Float64Array): void {
  const n = x.length;
  for (let i = 0, cell = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += (matrix[cell++] as number) * (x[j] as number);
    out[i] = sum;
  }
}

export function subtract(x: Float64Array, shift: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = (x[i] as number) - (shift[i] as number);
}

export function scale(x: Float64Array, by: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * (by[i] as number);
}

/** T_osz: many small bumps, smooth, and 0 stays 0. */
export function oscillated(value: number): number {
  if (value === 0) return 0;
  const log = Math.log(Math.abs(value)) / 0.1;
  return value > 0
    ? Math.exp(log + 0.49 * (Math.sin(log) + Math.sin(0.79 * log))) ** 0.1
    : -(Math.exp(log + 0.49 * (Math.sin(0.55 * log) + Math.sin(0.31 * log))) ** 0.1);
}

export function oscillate(x: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] = oscillated(x[i] as number);
}

/** T_asy: what is positive grows, the more the later its coordinate. */
export function skew(x: Float64Array, beta: number): void {
  const last = x.length - 1;
  for (let i = 0; i <= last; i++) {
    const value = x[i] as number;
    if (value > 0) x[i] = value ** (1 + ((beta * i) / last) * Math.sqrt(value));
  }
}

/** Sum of squares of what lies outside [-5, 5]. */
export function outside(x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const over = Math.abs(x[i] as number) - 5;
    if (over > 0) sum += over * over;
  }
  return sum;
}

export function sumOfSquares(x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] as number) * (x[i] as number);
  return sum;
}
