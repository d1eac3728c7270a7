// A graph while it is being declared: nodes and edges in the order in which they are named.

import type { DescMessage } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import type { StreamMethod, UnaryMethod } from "unum";
import {
  type Graph,
  type GraphEdge,
  type GraphNode,
  type JoinNode,
  type LostParts,
  outputOf,
  type RouterNode,
} from "./graph.ts";
import { type EdgePolicy, edgePolicy, type StepPolicy, stepPolicy } from "./policy.ts";

/** Where an edge begins. */
export interface From {
  readonly node: number;
  readonly when?: string;
}

export type EdgeOptions = Partial<EdgePolicy> & {
  /** The most times that one item may go along it; a loop needs it. */
  readonly atMost?: number;
};

/** Stands for the type of what nothing leads to yet. */
const NOTHING: DescMessage = EmptySchema;

type Without<T> = T extends GraphNode ? Omit<T, "id" | "name"> : never;

export class Declaring {
  readonly problems: string[] = [];
  readonly #name: string;
  readonly #version: string;
  readonly #nodes: GraphNode[] = [];
  readonly #edges: GraphEdge[] = [];

  constructor(name: string, version: string) {
    this.#name = name;
    this.#version = version;
  }

  graph(): Graph {
    return { name: this.#name, version: this.#version, nodes: this.#nodes, edges: this.#edges };
  }

  source(name: string, output: DescMessage): readonly From[] {
    return [{ node: this.#add(name, { kind: "source", output }) }];
  }

  step(
    name: string,
    method: UnaryMethod | StreamMethod,
    options: Partial<StepPolicy> & { readonly undo?: UnaryMethod },
  ): number {
    const { undo, ...policy } = options;
    const { input, output } = method;
    if (undo !== undefined && method.methodKind !== "unary")
      this.problems.push(`step '${name}' puts out any number of items: it cannot be undone; let a step after it be`);
    if (undo !== undefined && undo.input.typeName !== output.typeName)
      this.problems.push(
        `step '${name}' puts out ${output.typeName}, and its undo '${undo.name}' takes ${undo.input.typeName}`,
      );
    return this.#add(name, {
      ...{ kind: "step", input, output, method, policy: stepPolicy(name, policy) },
      ...(undo === undefined ? undefined : { undo }),
    });
  }

  router(name: string, decide: unknown): number {
    // It is called with what comes in alone, by which its declaration had it typed.
    return this.#add(name, { kind: "router", input: NOTHING, output: NOTHING, decide: decide as RouterNode["decide"] });
  }

  join(
    name: string,
    given: {
      readonly branches: readonly { branch: string; froms: readonly From[]; message: DescMessage }[];
      readonly output: DescMessage;
      readonly combine: unknown;
      readonly options: {
        readonly of?: "parts" | "run";
        readonly by?: unknown;
        readonly lost?: LostParts;
        readonly substitute?: object;
      };
    },
  ): number {
    const { branches, output, combine, options } = given;
    const { of = "parts", by, lost = of === "run" ? "skip" : "fail", substitute = {} } = options;
    const node = this.#add(name, {
      ...{ kind: "join", branches: Object.fromEntries(branches.map(({ branch, message }) => [branch, message])) },
      // Both are called with what `branches` says, as their declaration had them typed.
      ...{
        output,
        of,
        combine: combine as JoinNode["combine"],
        lost,
        substitute: substitute as JoinNode["substitute"],
      },
      ...(by === undefined ? undefined : { by: by as NonNullable<JoinNode["by"]> }),
    });
    for (const { branch, froms } of branches) this.connect(froms, node, {}, branch);
    return node;
  }

  batch(
    name: string,
    given: { input: DescMessage; output: DescMessage; combine: unknown; items: number; withinMs: number },
  ): number {
    const { input, output, combine, items, withinMs } = given;
    if (!Number.isSafeInteger(items) || items < 1)
      this.problems.push(`batch '${name}': items ${items} is not a whole number of at least 1`);
    if (!(withinMs > 0)) this.problems.push(`batch '${name}': withinMs ${withinMs} is not a positive number`);
    // Called with messages of `input` alone.
    return this.#add(name, {
      kind: "batch",
      input,
      output,
      items,
      withinMs,
      combine: combine as (items: readonly object[]) => object,
    });
  }

  sink(name: string): number {
    return this.#add(name, { kind: "sink", input: NOTHING });
  }

  connect(froms: readonly From[], to: number, options: EdgeOptions, branch?: string): void {
    for (const { node, when } of froms) {
      const { atMost, ...policy } = options;
      const way = when === undefined ? "" : `:${when === "" ? "otherwise" : when}`;
      const name = `${this.#nodes[node]?.name}${way}→${this.#nodes[to]?.name}`;
      if (atMost !== undefined && (!Number.isSafeInteger(atMost) || atMost < 1)) {
        this.problems.push(`edge ${name}: atMost ${atMost} is not a whole number of at least 1`);
      }
      this.#typed(node, to);
      this.#edges.push({
        ...{ id: this.#edges.length, name, from: node, to, policy: edgePolicy(name, policy) },
        ...(when === undefined ? undefined : { when }),
        ...(branch === undefined ? undefined : { branch }),
        ...(atMost === undefined ? undefined : { atMost }),
      });
    }
  }

  /** What takes anything takes what comes in first; the check of the graph compares the others. */
  #typed(from: number, to: number): void {
    const target = this.#nodes[to];
    const begin = this.#nodes[from];
    const message = begin === undefined ? undefined : outputOf(begin);
    if (target === undefined || message === undefined) return;
    if (target.kind === "sink" && target.input === NOTHING) this.#nodes[to] = { ...target, input: message };
    if (target.kind === "router" && target.input === NOTHING) {
      this.#nodes[to] = { ...target, input: message, output: message };
    }
  }

  #add(name: string, node: Without<GraphNode>): number {
    const id = this.#nodes.length;
    if (!/^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,126}$/.test(name)) {
      this.problems.push(`'${name}' is no name for a ${node.kind}; use letters, digits, space, '.', '_' and '-'`);
    }
    if (this.#nodes.some((other) => other.name === name)) {
      this.problems.push(`two nodes are named '${name}'; give one of them another name`);
    }
    this.#nodes.push({ ...node, id, name });
    return id;
  }
}
