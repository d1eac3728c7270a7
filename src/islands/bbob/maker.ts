// How one BBOB function is made for one instance.

/** Without the offset. The vector belongs to the caller, and is not kept. */
export type Objective = (x: Float64Array) => number;

export type Maker = (instance: { readonly dimension: number; readonly seed: number }) => Objective;

/** Rotations of one instance come from two seeds; this far apart. */
export const SECOND = 1_000_000;
