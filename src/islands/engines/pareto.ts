// Domination, fronts, room, and the volume that a front dominates.

/** Whether a is nowhere worse and somewhere better. */
export function dominates(a: Float64Array, b: Float64Array): boolean {
  let better = false;
  for (let i = 0; i < a.length; i++) {
    if ((a[i] as number) > (b[i] as number)) return false;
    if ((a[i] as number) < (b[i] as number)) better = true;
  }
  return better;
}

/** Indices of the front that none dominates, of the one that only that dominates, and so on. */
export function frontsOf(values: readonly Float64Array[]): readonly (readonly number[])[] {
  const over: number[][] = values.map(() => []);
  const under = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    for (let j = i + 1; j < values.length; j++) {
      const [a, b] = [values[i] as Float64Array, values[j] as Float64Array];
      if (dominates(a, b)) {
        (over[i] as number[]).push(j);
        under[j] = (under[j] as number) + 1;
      } else if (dominates(b, a)) {
        (over[j] as number[]).push(i);
        under[i] = (under[i] as number) + 1;
      }
    }
  }
  const fronts: number[][] = [];
  let current = [...under.keys()].filter((i) => under[i] === 0);
  while (current.length > 0) {
    fronts.push(current);
    const next: number[] = [];
    for (const i of current) {
      for (const j of over[i] as number[]) {
        under[j] = (under[j] as number) - 1;
        if (under[j] === 0) next.push(j);
      }
    }
    current = next.sort((a, b) => a - b);
  }
  return fronts;
}

/** How much room each has in its front: the sides of the box its neighbours leave; infinite at the ends. */
export function crowding(values: readonly Float64Array[]): Float64Array {
  const room = new Float64Array(values.length);
  const objectives = values[0]?.length ?? 0;
  for (let m = 0; m < objectives; m++) {
    const of = (i: number) => (values[i] as Float64Array)[m] as number;
    const order = [...values.keys()].sort((a, b) => of(a) - of(b) || a - b);
    const [first, last] = [order[0] as number, order[order.length - 1] as number];
    const range = of(last) - of(first);
    room[first] = Number.POSITIVE_INFINITY;
    room[last] = Number.POSITIVE_INFINITY;
    if (!(range > 0)) continue;
    for (let k = 1; k < order.length - 1; k++) {
      const i = order[k] as number;
      room[i] = (room[i] as number) + (of(order[k + 1] as number) - of(order[k - 1] as number)) / range;
    }
  }
  return room;
}

/** The area between a front of two objectives and a point worse than all of it; points beyond it count for nothing. */
export function hypervolume(values: readonly Float64Array[], reference: readonly [number, number]): number {
  const inside = values
    .map((each) => [each[0] as number, each[1] as number] as const)
    .filter(([x, y]) => x < reference[0] && y < reference[1])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let [volume, floor] = [0, reference[1]];
  for (const [x, y] of inside) {
    if (y >= floor) continue;
    volume += (reference[0] - x) * (floor - y);
    floor = y;
  }
  return volume;
}
