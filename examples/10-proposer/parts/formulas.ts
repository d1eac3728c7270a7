// Formulas of x as texts, and how far they are from what was measured.

export const TERMS = ["x", "1", "2", "3", "5"];
export const OPERATORS = ["+", "-", "*"];

/** What was measured: 40 points of a law that nobody wrote down. */
const POINTS = Array.from({ length: 40 }, (_, i) => {
  const x = -2 + i / 10;
  return { x, y: 3 * x ** 4 - 5 * x ** 2 + 2 * x - 1 };
});

/** Throws for a text that is no formula. */
export function formula(text: string): (x: number) => number {
  let at = 0;
  const value = (): ((x: number) => number) => {
    const term = text[at++];
    if (term === "x") return (x) => x;
    if (term !== undefined && /\d/.test(term)) return () => Number(term);
    if (term !== "(") throw new SyntaxError(`'${term ?? "the end"}' at ${at} in ${text}`);
    const left = value();
    const operator = text[at++];
    const right = value();
    if (text[at++] !== ")") throw new SyntaxError(`')' is missing at ${at} in ${text}`);
    if (operator === "+") return (x) => left(x) + right(x);
    if (operator === "-") return (x) => left(x) - right(x);
    if (operator === "*") return (x) => left(x) * right(x);
    throw new SyntaxError(`'${operator}' at ${at} in ${text}`);
  };
  const whole = value();
  if (at !== text.length) throw new SyntaxError(`something follows at ${at} in ${text}`);
  return whole;
}

/** Mean of squares. */
export function errorOf(of: (x: number) => number): number {
  return POINTS.reduce((sum, { x, y }) => sum + (of(x) - y) ** 2, 0) / POINTS.length;
}
