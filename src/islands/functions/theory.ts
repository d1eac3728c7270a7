// Functions of bits whose running times theory knows, as problems: less is better, 0 is the optimum.
//
// OneMax and LeadingOnes: Droste, Jansen, Wegener (2002), On the analysis of the (1+1) evolutionary algorithm. Traps: Deb,
// Goldberg (1993), Analyzing deception in trap functions.

/** Bits that are not set. */
export function oneMax(x: Float64Array): number {
  let missing = 0;
  for (let i = 0; i < x.length; i++) missing += 1 - (x[i] as number);
  return missing;
}

/** Bits behind the first that is not set, itself included. */
export function leadingOnes(x: Float64Array): number {
  let count = 0;
  while (count < x.length && x[count] === 1) count++;
  return x.length - count;
}

/** Blocks of so many bits, each best with all set, and else the better the fewer are. */
export function traps(x: Float64Array, size = 4): number {
  let missing = 0;
  for (let block = 0; block < x.length; block += size) {
    let set = 0;
    for (let i = block; i < block + size; i++) set += x[i] as number;
    missing += set === size ? 0 : set + 1;
  }
  return missing;
}

/** Mean evaluations of the (1+1) EA with rate 1/n on LeadingOnes of n bits: ½ n² ((1 - 1/n)^(1-n) - 1 + 1/n), first member included. */
export function leadingOnesTheory(n: number): number {
  return 1 + ((n * n) / 2) * ((1 - 1 / n) ** (1 - n) - (1 - 1 / n));
}
