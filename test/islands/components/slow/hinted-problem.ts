// Noisy, and with a proposer that knows the answer: what a node hosts besides functions.

import { problem } from "unum/islands";

const LEAST = [1, 2, 3];

export default problem({
  dimensions: 3,
  lower: -5,
  upper: 5,
  noisy: true,
  propose: ({ parents }) => ({ candidates: [LEAST, parents[0]?.candidate.slice(1) ?? []], cost: 0.25 }),
  evaluate: (x) => x.reduce((sum, gene, i) => sum + Math.abs(gene - (LEAST[i] ?? 0)), 0),
});
