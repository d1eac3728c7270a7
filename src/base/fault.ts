// The ways in which a call can end without a value that are nobody's program's doing.
//
// Every failure inside Unum is a Fault with one of these codes; a component's own error is an ApplicationError.
// Foreign errors (of Node, of libraries) become Faults in one place, at the boundary, with `cause`.

/** What a caller may conclude from a code. `started`: whether the component's function may have begun. */
interface FaultMeaning {
  readonly started: "no" | "maybe" | "yes";
  /** `elsewhere`: another container may take it now; `later`: the same may, after a pause; `never`: the request itself must change. */
  readonly retry: "elsewhere" | "later" | "idempotent" | "never";
  readonly meaning: string;
}

/** The closed list. A code is added here, in docs/guide/promises.md and nowhere else. */
export const FAULTS = {
  expired: { started: "no", retry: "later", meaning: "its time to live ran out before it was started" },
  undeliverable: { started: "no", retry: "elsewhere", meaning: "nobody at the address took it" },
  overloaded: { started: "no", retry: "elsewhere", meaning: "a queue on its way was full and refused it at once" },
  denied: { started: "no", retry: "never", meaning: "the caller lacks a capability" },
  invalid: { started: "no", retry: "never", meaning: "the request cannot be read, or breaks its contract" },
  "not-found": { started: "no", retry: "elsewhere", meaning: "no such contract, method or version runs there" },
  cycle: { started: "no", retry: "never", meaning: "the call waits for itself through its own call chain" },
  cancelled: { started: "maybe", retry: "idempotent", meaning: "the caller withdrew it" },
  unknown: {
    started: "maybe",
    retry: "idempotent",
    meaning: "it was sent, and no answer came before its deadline or its connection's end",
  },
  internal: { started: "yes", retry: "never", meaning: "the component, or Unum itself, broke its own contract" },
} as const satisfies Record<string, FaultMeaning>;

export type FaultCode = keyof typeof FAULTS;

export const FAULT_CODES = Object.keys(FAULTS) as readonly FaultCode[];

export function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text);
}

/** The message says what happened with the values in it, then what was expected, then the way out. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Whether the component's function may have begun. */
  get started(): FaultMeaning["started"] {
    return FAULTS[this.code].started;
  }

  /** Whether, and where, trying again can help. */
  get retry(): FaultMeaning["retry"] {
    return FAULTS[this.code].retry;
  }
}

/** What a component threw, as its caller sees it. */
export class ApplicationError extends Error {
  override readonly name = "ApplicationError";
  /** Class name of the error the component threw. */
  readonly type: string;

  constructor(type: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.type = type;
  }
}

/** Any thrown value as an Error, so that a boundary can read its message. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
