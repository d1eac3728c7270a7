// Figures as data: what is counted, by which labels, in Prometheus' sense.

export type Labels = Readonly<Record<string, string>>;

/** Names are `unum_…`, in base units; those of counters end in `_total`. */
export interface Family {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels: Labels;
  /** Of a histogram: the sum of all values. */
  readonly value: number;
  /** Of a histogram. */
  readonly buckets?: Buckets;
}

export interface Buckets {
  /** Upper bounds, rising; the last bucket has none. */
  readonly bounds: readonly number[];
  /** How many values are in each; one more than there are bounds. */
  readonly counts: readonly number[];
}

/** Those of the same name become one, in the order in which they come. */
export function joined(families: readonly Family[]): readonly Family[] {
  const byName = new Map<string, Family>();
  for (const family of families) {
    const before = byName.get(family.name);
    byName.set(
      family.name,
      before === undefined ? family : { ...before, samples: [...before.samples, ...family.samples] },
    );
  }
  return [...byName.values()];
}

/** With these labels added to each sample. */
export function labelled(families: readonly Family[], labels: Labels): readonly Family[] {
  return families.map((family) => ({
    ...family,
    samples: family.samples.map((sample) => ({ ...sample, labels: { ...labels, ...sample.labels } })),
  }));
}

export function gauge(name: string, help: string, value: number, labels: Labels = {}): Family {
  return { name, help, type: "gauge", samples: [{ labels, value }] };
}

export function counter(name: string, help: string, value: number, labels: Labels = {}): Family {
  return { name, help, type: "counter", samples: [{ labels, value }] };
}
