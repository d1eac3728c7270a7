// Figures between a container and its governor.

import type { Family as FamilyOnWire } from "../../messages/gen/unum/control/v1/governed_pb.ts";
import type { Family } from "./family.ts";

export function familyToWire({ name, help, type, samples }: Family) {
  return {
    ...{ name, help, type },
    samples: samples.map(({ labels, value, buckets }) => ({
      labels: { ...labels },
      value,
      bounds: [...(buckets?.bounds ?? [])],
      counts: [...(buckets?.counts ?? [])],
    })),
  };
}

/** What is of no known type counts as a gauge. */
export function familyFromWire({ name, help, type, samples }: FamilyOnWire): Family {
  return {
    ...{ name, help },
    type: type === "counter" || type === "histogram" ? type : "gauge",
    samples: samples.map(({ labels, value, bounds, counts }) => ({
      labels,
      value,
      ...(counts.length === 0 ? {} : { buckets: { bounds, counts } }),
    })),
  };
}
