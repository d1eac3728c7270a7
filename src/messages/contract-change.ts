// One thing that differs between two versions of a contract, and what it breaks.

export interface ContractChange {
  /** Full name of the message or enum; of the contract where a method changed. */
  readonly message: string;
  /** Of the field, value, oneof or method; "" where it is the whole. */
  readonly field: string;
  /** A sentence that names all of it. */
  readonly what: string;
  /** `wire`: every caller; `json`: only who wrote JSON by the old names or forms. */
  readonly breaks: "wire" | "json" | "nothing";
  /** Whether a component's running caller would lose or misread something, or be refused: `wire`. */
  readonly breaking: boolean;
}

/** One change each, however many ways lead to it. */
export class Findings {
  readonly #changes = new Map<string, ContractChange>();

  /** `rule` tells apart what may change of one field at once. */
  add(rule: string, change: Omit<ContractChange, "breaking">): void {
    const key = `${change.message} ${change.field} ${rule}`;
    const known = this.#changes.get(key);
    if (known !== undefined && RANK[known.breaks] <= RANK[change.breaks]) return;
    this.#changes.set(key, { ...change, breaking: change.breaks === "wire" });
  }

  sorted(): ContractChange[] {
    return [...this.#changes.values()].sort((a, b) => RANK[a.breaks] - RANK[b.breaks]);
  }
}

const RANK = { wire: 0, json: 1, nothing: 2 } as const;
