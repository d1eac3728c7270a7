// Declaring a flow. Wrong edges do not compile; what types cannot say is checked when the declaration runs.
//
//   export const pictures = flow("pictures", ({ source, step, router, sink }) => {
//     const kind = source(Incoming).to(step("fetch", Fetch.method.fetch)).to(router("kind", ({ type }) => type));
//     kind.when("image").to(sink("images"));
//     kind.otherwise().to(sink("others"));
//   });

import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Fault, readVersion, type StreamMethod, type UnaryMethod } from "unum";
import { checkGraph } from "./check-graph.ts";
import { Declaring, type EdgeOptions, type From } from "./declaring.ts";
import type { Graph, JoinInfo, LostParts } from "./graph.ts";
import type { StepPolicy } from "./policy.ts";

/** Where an item is put out, with its type. */
export interface Out<M extends DescMessage> {
  to<K extends string>(target: Choice<M, K>, edge?: EdgeOptions): Ways<M, K>;
  to<O extends DescMessage>(target: Through<M, O>, edge?: EdgeOptions): Out<O>;
  to(target: End, edge?: EdgeOptions): void;
  /** Of the types only. */
  readonly message: M;
}

/** The ways out of a router. */
export interface Ways<M extends DescMessage, K extends string> {
  when(answer: K): Out<M>;
  /** All answers that no `when` names. Without it such an item ends as dead, with the answer as its reason. */
  otherwise(): Out<M>;
}

/** What takes one type and puts out another: a step, a batch, a sub-flow. */
export interface Through<I extends DescMessage, O extends DescMessage> {
  readonly kind: "through";
  readonly input: I;
  readonly output: O;
  readonly attach: (from: readonly From[], edge: EdgeOptions) => readonly From[];
}

export interface Choice<M extends DescMessage, K extends string> {
  readonly kind: "choice";
  /** Of the types only. */
  readonly decide: (message: MessageShape<M>) => K;
  readonly attach: (from: readonly From[], edge: EdgeOptions) => number;
}

export interface End {
  readonly kind: "end";
  readonly attach: (from: readonly From[], edge: EdgeOptions) => void;
}

export type StepOptions<O extends DescMessage> = Partial<StepPolicy> & {
  /**
   * Called with what the step put out where the whole item ends without a result (dead, expired, cancelled), last step first, until it
   * succeeds or its attempts are used up: at least once. Not for STREAM methods.
   */
  readonly undo?: UnaryMethod<O, DescMessage>;
};

type Parts<B> = { readonly [K in keyof B]: B[K] extends Out<infer M> ? readonly MessageShape<M>[] : never };
type PartOf<B> = { [K in keyof B]: B[K] extends Out<infer M> ? MessageShape<M> : never }[keyof B];

export interface JoinOptions<B> {
  /** `parts` (the default): of one item that was split; `run`: of all items, once nothing more can come. */
  readonly of?: "parts" | "run";
  readonly by?: (part: PartOf<B>, branch: string) => string;
  /** Default `fail`; with `of: "run"` `skip`, or `wait`. */
  readonly lost?: LostParts;
  readonly substitute?: { readonly [K in keyof B]?: B[K] extends Out<infer M> ? MessageInitShape<M> : never };
}

/** The words a flow is declared with. */
export interface Build {
  source<M extends DescMessage>(message: M, name?: string): Out<M>;
  step<I extends DescMessage, O extends DescMessage>(
    name: string,
    method: UnaryMethod<I, O> | StreamMethod<I, O>,
    options?: StepOptions<O>,
  ): Through<I, O>;
  /** `decide` is pure and cheap: it runs in the router's process, and what it answers is written down. */
  router<M extends DescMessage, K extends string>(name: string, decide: (message: MessageShape<M>) => K): Choice<M, K>;
  join<B extends Readonly<Record<string, Out<DescMessage>>>, O extends DescMessage>(
    name: string,
    branches: B,
    output: O,
    combine: (parts: Parts<B>, info: JoinInfo) => MessageInitShape<O>,
    options?: JoinOptions<B>,
  ): Out<O>;
  batch<I extends DescMessage, O extends DescMessage>(
    name: string,
    input: I,
    output: O,
    combine: (items: readonly MessageShape<I>[]) => MessageInitShape<O>,
    options: { readonly items: number; readonly withinMs: number },
  ): Through<I, O>;
  sub<I extends DescMessage, O extends DescMessage>(name: string, flow: Flow<I, O>): Through<I, O>;
  sink(name: string): End;
}

export interface Flow<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> {
  readonly graph: Graph;
  /** Of the types, and for use as a sub-flow. */
  readonly shape: { readonly input: I; readonly output: O };
  readonly build: (words: Build) => unknown;
}

/** Throws the Fault `invalid` with everything that is wrong with the graph, each with the edge or node it is about. */
export function flow<I extends DescMessage, O extends DescMessage = DescMessage>(
  name: string,
  build: (words: Build) => Out<O> | undefined | undefined,
  options: {
    /** Semver, or X.Y.Z with a Z of letters or digits. Default 0.0.0. */
    readonly version?: string;
    /** What its source takes, for who submits and for flows that it is a part of: then both are checked by type. */
    readonly input?: I;
  } = {},
): Flow<I, O> {
  const { version = "0.0.0" } = options;
  readVersion(version);
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw new Fault(
      "invalid",
      `'${name}' is no name for a flow; use lower-case letters, digits and '-', as in 'pictures'`,
    );
  }
  const declaring = new Declaring(name, version);
  const out = build(wordsOf(declaring, ""));
  // The end of a flow that is also used within others is a sink of its own where it stands alone.
  if (out !== undefined) declaring.connect(fromsOf(out), declaring.sink("out"), {});
  const graph = declaring.graph();
  const problems = [...declaring.problems, ...checkGraph(graph)];
  if (problems.length > 0) throw new Fault("invalid", `flow '${name}': ${problems.join("; ")}`);
  // The only source, where there is one: what a sub-flow takes in. Its declaration is the witness for the type.
  const input = graph.nodes.find(({ kind }) => kind === "source");
  const taken = input?.kind === "source" ? input.output : undefined;
  if (options.input !== undefined && options.input.typeName !== taken?.typeName) {
    throw new Fault(
      "invalid",
      `flow '${name}' is said to take ${options.input.typeName}, and its source takes ${taken?.typeName}`,
    );
  }
  const shape = {
    input: taken as I,
    output: out?.message as O,
  };
  return { graph, shape, build };
}

class Output<M extends DescMessage> {
  readonly message: M;
  readonly froms: readonly From[];

  constructor(froms: readonly From[], message: M) {
    this.froms = froms;
    this.message = message;
  }

  to(target: Through<M, DescMessage> | Choice<M, string> | End, edge: EdgeOptions = {}): unknown {
    if (target.kind === "through") return new Output(target.attach(this.froms, edge), target.output);
    if (target.kind === "end") return target.attach(this.froms, edge);
    const router = target.attach(this.froms, edge);
    return {
      when: (answer: string) => new Output([{ node: router, when: answer }], this.message),
      otherwise: () => new Output([{ node: router, when: "" }], this.message),
    };
  }
}

function fromsOf(out: Out<DescMessage>): readonly From[] {
  // Outs are made here alone.
  return (out as unknown as Output<DescMessage>).froms;
}

function outOf<M extends DescMessage>(froms: readonly From[], message: M): Out<M> {
  // `to` answers by the kind of its target, which its overloads say and one signature cannot.
  return new Output(froms, message) as unknown as Out<M>;
}

/** `within`: what a sub-flow's source stands for, and what its names begin with. */
function wordsOf(declaring: Declaring, prefix: string, within?: Out<DescMessage>): Build {
  const named = (name: string) => `${prefix}${name}`;
  const words: Build = {
    source: (message, name = "source") =>
      within === undefined ? outOf(declaring.source(named(name), message), message) : (within as Out<typeof message>),
    step: (name, method, options = {}) => {
      const node = declaring.step(named(name), method, options);
      return through(declaring, node, method.input, method.output);
    },
    router: (name, decide) => {
      const node = declaring.router(named(name), decide);
      return {
        kind: "choice",
        decide,
        attach: (from, edge) => {
          declaring.connect(from, node, edge);
          return node;
        },
      };
    },
    join: (name, branches, output, combine, options = {}) => {
      const froms = Object.entries(branches).map(([branch, out]) => ({
        branch,
        froms: fromsOf(out),
        message: out.message,
      }));
      const node = declaring.join(named(name), { branches: froms, output, combine, options });
      return outOf([{ node }], output);
    },
    batch: (name, input, output, combine, options) =>
      through(declaring, declaring.batch(named(name), { input, output, combine, ...options }), input, output),
    sub: (name, inner) => ({
      kind: "through",
      input: inner.shape.input,
      output: inner.shape.output,
      attach: (from, edge) => {
        if (Object.keys(edge).length > 0) {
          throw new Fault("invalid", `sub-flow '${named(name)}': say what holds of its edges inside it`);
        }
        const out = inner.build(wordsOf(declaring, `${named(name)}/`, outOf(from, inner.shape.input)));
        if (out === undefined) {
          throw new Fault(
            "invalid",
            `sub-flow '${named(name)}' puts nothing out; return its last output from its declaration`,
          );
        }
        return fromsOf(out as Out<DescMessage>);
      },
    }),
    sink: (name) => {
      const node = declaring.sink(named(name));
      return { kind: "end", attach: (from, edge) => declaring.connect(from, node, edge) };
    },
  };
  return words;
}

function through<I extends DescMessage, O extends DescMessage>(
  declaring: Declaring,
  node: number,
  input: I,
  output: O,
): Through<I, O> {
  return {
    kind: "through",
    input,
    output,
    attach: (from, edge) => {
      declaring.connect(from, node, edge);
      return [{ node }];
    },
  };
}
