// What lies in the components folders of simulated nodes: code that works, and code that does not.

import type { Code } from "../../../src/testing/hosts/programs.ts";
import { componentsFor } from "../components.ts";
import { CONTRACT_NAMES } from "../plan.ts";

/** What Open says it may take; the others have said nothing. */
export const BUDGET_MS = 12_000;

function sound(version: string): Code {
  return (parts) => componentsFor(CONTRACT_NAMES, parts, { version, budgetMs: BUDGET_MS });
}

export const CODE = {
  "1.0.0": sound("1.0.0"),
  "1.1.0": sound("1.1.0"),
  "2.0.0": sound("2.0.0"),
  /** Throws when it is loaded. */
  broken: () => {
    throw new Error("planned: it does not load");
  },
  /** Ends its process when it is loaded. */
  crashing: (parts) => {
    parts.exit(1);
    return [];
  },
  /** Ends its process a while after it was loaded. */
  dying: (parts) => {
    parts.clock.after(300 + parts.random.below(3_000), () => parts.exit(1));
    return sound("3.0.0")(parts);
  },
} as const satisfies Record<string, Code>;

export type CodeName = keyof typeof CODE;
