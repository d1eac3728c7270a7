// Lists of contracts as people write them: NAME or BEGINNING*.

/** Whether the list names the contract. An empty list names none. */
export function isNamed(contract: string, list: readonly string[]): boolean {
  return list.some((each) => (each.endsWith("*") ? contract.startsWith(each.slice(0, -1)) : each === contract));
}

/** Of package.Contract/Method. */
export function contractOf(path: string): string {
  return path.split("/", 1)[0] ?? "";
}

/** What is asked of nodes and containers themselves, which passes no gateway. */
export function isControl(path: string): boolean {
  return /^unum\.(?:control|machine)\./.test(path);
}
