// Figures as people read them: 12,345 and 1.2 M/s.

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${thousands(count)} ${count === 1 ? one : many}`;
}

export function thousands(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** 950, 12 k, 2.4 M */
export function short(count: number): string {
  if (count < 1_000) return String(Math.round(count));
  if (count < 1e6) return `${trimmed(count / 1e3)} k`;
  return count < 1e9 ? `${trimmed(count / 1e6)} M` : `${trimmed(count / 1e9)} G`;
}

function trimmed(amount: number): string {
  return amount < 10 ? String(Number(amount.toFixed(1))) : String(Math.round(amount));
}
