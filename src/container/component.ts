// A component: an implementation of a contract.

import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Fault } from "../base/fault.ts";
import type { Call } from "./call.ts";

/** What a component keeps from call to call in one container. Gone with the container. */
export type Environment = Map<string, unknown>;

type Handler<M> = M extends {
  methodKind: "unary";
  input: infer I extends DescMessage;
  output: infer O extends DescMessage;
}
  ? (input: MessageShape<I>, call: Call) => MessageInitShape<O> | Promise<MessageInitShape<O>>
  : M extends {
        methodKind: "server_streaming";
        input: infer I extends DescMessage;
        output: infer O extends DescMessage;
      }
    ? (input: MessageShape<I>, call: Call) => AsyncIterable<MessageInitShape<O>>
    : never;

/** One function for each method of the contract. `this` is the handlers object. */
export type Handlers<S extends Pick<DescService, "method">> = { [K in keyof S["method"]]: Handler<S["method"][K]> };

export interface ComponentOptions {
  /** Semver of this implementation. Default 0.0.0. */
  readonly version?: string;
  /** Calls worked on at the same time in one container. Default 1: the next begins when the last one's promise settled. */
  readonly concurrency?: number;
  /** How long one call may take before its container is suspected, in ms. Default 5,000. */
  readonly budgetMs?: number;
  /** Whether a call that waits for this component's own reply, through any number of others, may enter it again. Default false: `cycle`. */
  readonly reentrant?: boolean;
  /** Runs once before the first call; when it throws, the component is not served. */
  start?(environment: Environment): void | Promise<void>;
  /** Runs once after the last call. */
  stop?(environment: Environment): void | Promise<void>;
}

/** Any handler, as the container calls it. Its result is checked when it comes. */
export type AnyHandler = (input: unknown, call: Call) => unknown;

export interface Component {
  readonly contract: DescService;
  readonly handlers: ReadonlyMap<DescMethod, AnyHandler>;
  readonly version: string;
  readonly concurrency: number;
  readonly budgetMs: number;
  readonly reentrant: boolean;
  readonly start: (environment: Environment) => void | Promise<void>;
  readonly stop: (environment: Environment) => void | Promise<void>;
}

/** What a function may take that says nothing else, in ms. */
export const DEFAULT_BUDGET_MS = 5_000;

const SEMVER = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

/**
 * Declares a component. Throws the Fault `invalid` where a method has no function, a function has no method
 * or an option is out of range, so that a mistake shows when the file is loaded, not at the first call.
 */
export function component<S extends DescService>(
  contract: S,
  handlers: Handlers<S>,
  options: ComponentOptions = {},
): Component {
  const { version = "0.0.0", concurrency = 1, budgetMs = DEFAULT_BUDGET_MS, reentrant = false, start, stop } = options;
  const where = `component ${contract.typeName}`;
  if (!SEMVER.test(version)) {
    throw new Fault("invalid", `${where}: version '${version}' is not semver; write it as 1.2.3`);
  }
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new Fault("invalid", `${where}: concurrency ${concurrency} is not a whole number of at least 1`);
  }
  if (!(budgetMs > 0))
    throw new Fault("invalid", `${where}: budgetMs ${budgetMs} is not a positive number of milliseconds`);
  return {
    contract,
    handlers: checkHandlers(where, contract, handlers),
    version,
    concurrency,
    budgetMs,
    reentrant,
    start: (environment) => start?.call(options, environment),
    stop: (environment) => stop?.call(options, environment),
  };
}

/** Whether a module's default export was made by `component`. */
export function isComponent(value: unknown): value is Component {
  return (
    typeof value === "object" &&
    value !== null &&
    "contract" in value &&
    "handlers" in value &&
    value.handlers instanceof Map
  );
}

function checkHandlers(where: string, contract: DescService, handlers: object): ReadonlyMap<DescMethod, AnyHandler> {
  const checked = new Map<DescMethod, AnyHandler>();
  // Handlers are looked up by name because their keys are the contract's, which only its descriptor knows.
  const byName = handlers as Record<string, unknown>;
  for (const method of contract.methods) {
    const handler = byName[method.localName];
    if (typeof handler !== "function") {
      throw new Fault("invalid", `${where} has no function '${method.localName}' for method ${method.name}; add it`);
    }
    checked.set(method, (input, call) => handler.call(handlers, input, call));
  }
  for (const name of Object.keys(handlers)) {
    if (typeof byName[name] === "function" && !contract.methods.some((method) => method.localName === name)) {
      const known = contract.methods.map((method) => method.localName).join(", ");
      throw new Fault("invalid", `${where}: function '${name}' is no method of the contract; it has ${known}`);
    }
  }
  return checked;
}
