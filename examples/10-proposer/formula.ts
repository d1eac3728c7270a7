// Finds the formula behind measured points. Formulas are a genome of their own, and a language model is asked for better ones now and then.
//
//   npx unum islands run examples/10-proposer/formula.ts --seed 7 --set proposer.budget=20
//
// MODEL_URL: a server with the chat interface that most models are offered by; without it nobody is asked, and chance has to do.

import { problemOf, type RandomStream, textGenome } from "unum/islands";
import { errorOf, formula, OPERATORS, TERMS } from "./parts/formulas.ts";
import { askModel } from "./parts/model.ts";

const pick = (from: readonly string[], random: RandomStream) => from[random.below(from.length)] ?? "x";

function grown(random: RandomStream, depth: number): string {
  if (depth === 0 || random.below(3) === 0) return pick(TERMS, random);
  return `(${grown(random, depth - 1)}${pick(OPERATORS, random)}${grown(random, depth - 1)})`;
}

/** Puts another in the place of one term. */
function changed(text: string, random: RandomStream, by: string): string {
  const terms = [...text.matchAll(/x|\d/g)];
  const at = terms[random.below(terms.length)]?.index ?? 0;
  return `${text.slice(0, at)}${by}${text.slice(at + 1)}`;
}

const LIMIT = 120;
const short = (text: string, otherwise: string) => (text.length <= LIMIT ? text : otherwise);

const formulas = textGenome({
  name: "formula",
  limit: LIMIT,
  create: (random) => grown(random, 3),
  mutate: (text, random) => short(changed(text, random, grown(random, random.below(3))), text),
  cross: (first, second, random) => short(changed(first, random, second), first),
});

export default problemOf(formulas, {
  name: "formula",
  target: 1e-9,
  evaluate: (text) => errorOf(formula(text)),
  ...(process.env["MODEL_URL"] === undefined
    ? undefined
    : {
        propose: ({ parents, seed, signal }) =>
          askModel(
            parents.map(({ candidate, values }) => `${candidate}   error ${values[0]}`),
            seed,
            signal,
          ),
      }),
});
