// Lower triangular factors of symmetric matrices, row by row in one array.
//
// A hot path (bench/islands-speed.ts): sums run in four parts, which keeps the processor's adders busy.

/** factor · factorᵀ = matrix; false where the matrix is not positive definite, and then the factor is of no use. */
export function factorize(matrix: Float64Array, factor: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      const sum = (matrix[row + j] as number) - product(factor, row, other, j);
      if (i === j) {
        if (!(sum > 0)) return false;
        factor[row + i] = Math.sqrt(sum);
      } else factor[row + j] = sum / (factor[other + j] as number);
    }
  }
  return true;
}

function product(factor: Float64Array, row: number, other: number, count: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < count; k += 4) {
    a += (factor[row + k] as number) * (factor[other + k] as number);
    b += (factor[row + k + 1] as number) * (factor[other + k + 1] as number);
    c += (factor[row + k + 2] as number) * (factor[other + k + 2] as number);
    d += (factor[row + k + 3] as number) * (factor[other + k + 3] as number);
  }
  for (; k < count; k++) a += (factor[row + k] as number) * (factor[other + k] as number);
  return a + b + (c + d);
}

/** out = factor · x */
export function multiplyLower(factor: Float64Array, x: Float64Array, out: Float64Array): void {
  const n = x.length;
  for (let i = 0, row = 0; i < n; i++, row += n) {
    let [a, b, c, d] = [0, 0, 0, 0];
    let j = 0;
    for (; j + 3 <= i; j += 4) {
      a += (factor[row + j] as number) * (x[j] as number);
      b += (factor[row + j + 1] as number) * (x[j + 1] as number);
      c += (factor[row + j + 2] as number) * (x[j + 2] as number);
      d += (factor[row + j + 3] as number) * (x[j + 3] as number);
    }
    for (; j <= i; j++) a += (factor[row + j] as number) * (x[j] as number);
    out[i] = a + b + (c + d);
  }
}

/** x becomes factor⁻¹ · x */
export function solveLower(factor: Float64Array, x: Float64Array): void {
  const n = x.length;
  for (let i = 0; i < n; i++) {
    let sum = x[i] as number;
    for (let j = 0; j < i; j++) sum -= (factor[i * n + j] as number) * (x[j] as number);
    x[i] = sum / (factor[i * (n + 1)] as number);
  }
}
