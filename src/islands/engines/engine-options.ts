// What an engine can be told with its name, as ga:population=50,mutation=0.02. Checked in one place.

import { didYouMean } from "../../base/nearest.ts";
import { Fault } from "../fault.ts";

type Rule =
  | readonly [least: number, most: number]
  | readonly [least: number, most: number, "whole"]
  | readonly string[];

const POPULATION: Rule = [1, 1e6, "whole"];
const SHARE: Rule = [0, 1];
const VARIATION: Readonly<Record<string, Rule>> = {
  ...{ crossover: SHARE, mutation: SHARE },
  ...{ nearCrossover: [0, 1e6], nearMutation: [0, 1e6] },
};

const RULES: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  cma: {
    ...{ population: [2, 1e6, "whole"], step: [1e-12, 1e6] },
    ...{ restarts: ["bipop", "ipop", "none"], model: ["full", "separable", "limited"] },
  },
  de: {
    ...{ population: [5, 1e6, "whole"], factor: [0, 2], crossover: SHARE },
    strategy: ["rand/1", "best/1", "current-to-best/1"],
  },
  shade: { population: [8, 1e6, "whole"], budget: [1, 1e12, "whole"] },
  ga: {
    ...{ ...VARIATION, population: POPULATION, children: POPULATION, tournament: POPULATION },
    survival: ["children", "plus"],
  },
  nsga2: { ...VARIATION, population: [2, 1e6, "whole"] },
  emas: { ...VARIATION, population: [2, 1e6, "whole"] },
};

/** `text`: OPTION=VALUE,OPTION=VALUE. Throws the Fault `invalid` that names what is wrong and what there is. */
export function engineOptions(kind: string, text: string): Readonly<Record<string, number | string>> {
  const rules = RULES[kind] ?? {};
  const options: Record<string, number | string> = {};
  for (const each of text.split(",")) {
    const [name = "", value] = each.split(/=(.*)/s);
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      const names = Object.keys(rules);
      throw new Fault(
        "invalid",
        `${kind} has no option '${name}'${didYouMean(name, names)}; it has ${names.join(", ")}`,
      );
    }
    options[name] = readOption(`${name} of ${kind}`, value ?? "", rule);
  }
  return options;
}

function readOption(what: string, text: string, rule: Rule): number | string {
  const [least, most, whole] = rule;
  if (typeof least !== "number" || typeof most !== "number") {
    if (rule.some((known) => known === text)) return text;
    const choices = rule.map(String);
    throw new Fault(
      "invalid",
      `${what} cannot be '${text}'; it is one of ${choices.join(", ")}${didYouMean(text, choices)}`,
    );
  }
  const value = Number(text);
  if (text !== "" && value >= least && value <= most && (whole === undefined || Number.isInteger(value))) return value;
  const kind = whole === undefined ? "a number" : "a whole number";
  throw new Fault("invalid", `${what} cannot be '${text}'; it is ${kind} from ${least} to ${most}`);
}
