// What a confined cell may ask its container for, each by the capability that it was granted.
//
//   verb of the ask    call · request · send · result · broadcast · stream, as a component inside a container has them
//   contract           another program's: `send` · unum.machine.v1.Functions: `machine` · .Store: `store` · .Timer: `timer`
//
// Invariants
//   K1. What no capability lets through is `denied`, and the Fault names the one that is missing.
//   K2. The control plane is asked for nothing, whatever is granted.
//   K3. All is asked in the name of the call that the cell works on: its time to live, its scope, its chain.

import {
  type DescMessage,
  type DescService,
  fromBinary,
  type Message,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../base/fault.ts";
import type { Accepted } from "../../client/outcomes.ts";
import type { StreamMethod, UnaryMethod } from "../../messages/contract.ts";
import { Functions } from "../../messages/gen/unum/machine/v1/functions_pb.ts";
import { Store } from "../../messages/gen/unum/machine/v1/store_pb.ts";
import { Timer } from "../../messages/gen/unum/machine/v1/timer_pb.ts";
import { methodAt, registryOf } from "../../messages/schema.ts";
import { type AskedOptions, askedOptions } from "./asked-options.ts";
import type { Answer, Answered, Ask } from "./asks.ts";
import { isGranted } from "./granted.ts";
import { toldError } from "./told-error.ts";

/** Of the machine: contract → what lets it through, and its descriptor, whatever the cell says that it is. */
const SYSTEM: ReadonlyMap<string, readonly [capability: string, contract: DescService]> = new Map([
  [Functions.typeName, ["machine", Functions]],
  [Store.typeName, ["store", Store]],
  [Timer.typeName, ["timer", Timer]],
]);
const CONTROL = /^unum\.(?:control|machine|wire)\./;
const MOST_CONTRACTS = 256;
const MOST_RESULTS = 256;

export function brokerOf(granted: readonly string[]): Answer {
  const contracts = new Contracts();
  return async (ask) => {
    const { head, kept } = ask;
    if (head["verb"] === "result") return resultOf(kept, Number(head["of"]));
    const path = String(head["path"]);
    const name = path.slice(0, path.lastIndexOf("/"));
    const refused = missingFor(path, name, granted);
    if (refused !== undefined) throw refused;
    const { contract, body } = contracts.read(name, ask);
    const method = methodAt(path, [contract]);
    const input = decoded(method.input, body, path);
    const options = { ...askedOptions(head), signal: ask.signal };
    if (method.methodKind === "server_streaming") return streamed(ask, method as StreamMethod, input, options);
    if (method.methodKind !== "unary") throw new Fault("invalid", `${path} takes a stream, which none does here`);
    return answered(ask, method as UnaryMethod, input, options);
  };
}

/** K1, K2 */
function missingFor(path: string, contract: string, granted: readonly string[]): Fault | undefined {
  const [capability] = SYSTEM.get(contract) ?? [];
  if (capability !== undefined) {
    const has = granted.some((each) => each === capability || each.startsWith(`${capability}=`));
    return has ? undefined : missing(`a call to ${path}`, capability);
  }
  if (CONTROL.test(contract))
    return new Fault("denied", `a call to ${path}: it is of the control plane, which no program is granted`);
  return isGranted("send", contract, granted) ? undefined : missing(`a call to ${path}`, `send=${contract}`);
}

/** By the verb that the cell used; what the verb is no good for, the caller refuses. */
async function answered(
  { head, call, kept, part }: Ask,
  method: UnaryMethod,
  input: Message,
  options: AskedOptions & { readonly signal: AbortSignal },
): Promise<Answered> {
  switch (head["verb"]) {
    case "call":
      return { body: toBinary(method.output, await call.call(method, input, options)) };
    case "request": {
      const { value, state, ...reply } = await call.request(method, input, options);
      return { head: { reply }, body: toBinary(method.output, value) };
    }
    case "send": {
      const isKept = (options.wantResult ?? true) && options.durable === undefined;
      if (isKept && kept.size >= MOST_RESULTS)
        throw new Fault(
          "overloaded",
          `${MOST_RESULTS} results of this call wait to be asked for; send with wantResult: false`,
        );
      const accepted = await call.send(method, input, options);
      const { from, address, tried } = accepted;
      if (isKept) kept.set(Number(head["ask"]), { accepted, output: method.output });
      return { head: { reply: { from, address, tried } } };
    }
    case "broadcast":
      for (const outcome of await call.broadcast(method, input, options)) {
        const { address } = outcome;
        if ("failure" in outcome) part({ address, failure: toldError(outcome.failure) });
        else part({ address, from: outcome.from }, toBinary(method.output, outcome.value));
      }
      return {};
    default:
      throw new Fault("invalid", `'${String(head["verb"]).slice(0, 40)}' is nothing that a cell may ask for`);
  }
}

/** Items leave as the cell wants them: what it does not want is not pulled. */
async function streamed(
  { call, part, wanted }: Ask,
  method: StreamMethod,
  input: Message,
  options: AskedOptions & { readonly signal: AbortSignal },
): Promise<Answered> {
  const items = call.stream(method, input, options);
  try {
    for (;;) {
      await wanted();
      const next = await items.next();
      if (next.done === true) return {};
      part({}, toBinary(method.output, next.value));
    }
  } finally {
    // Dropped or failed: whoever produces it is told. At its end there is nothing to tell.
    await items.return?.();
  }
}

async function resultOf(kept: Map<number, unknown>, of: number): Promise<Answered> {
  // Put there by `send`, above.
  const found = kept.get(of) as { accepted: Accepted; output: DescMessage } | undefined;
  kept.delete(of);
  if (found === undefined) throw new Fault("invalid", "there is no such result, or it was asked for before");
  return { body: toBinary(found.output, await found.accepted.result()) };
}

/** Descriptors, as the cell says them once for each contract. */
class Contracts {
  readonly #known = new Map<string, DescService>();

  /** The body of an ask begins with `schema` bytes of a descriptor set; 0 where it was said before. */
  read(name: string, { head, body }: Pick<Ask, "head" | "body">): { contract: DescService; body: Uint8Array } {
    const size = head["schema"];
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0 || size > body.length)
      throw new Fault("invalid", `${name}: a schema of '${String(size).slice(0, 40)}' bytes`);
    const [, system] = SYSTEM.get(name) ?? [];
    if (system === undefined && size > 0) this.#learn(name, body.subarray(0, size));
    const contract = system ?? this.#known.get(name);
    if (contract === undefined) throw new Fault("invalid", `${name}: the cell does not say what it is`);
    return { contract, body: body.subarray(size) };
  }

  #learn(name: string, schema: Uint8Array): void {
    const contract = registryOf(decoded(FileDescriptorSetSchema, schema, name)).getService(name);
    if (contract === undefined) throw new Fault("invalid", `${name} is not in the schema that the cell brings`);
    if (this.#known.size >= MOST_CONTRACTS && !this.#known.has(name))
      throw new Fault("overloaded", `a cell may call ${MOST_CONTRACTS} contracts`);
    this.#known.set(name, contract);
  }
}

function decoded<D extends DescMessage>(schema: D, bytes: Uint8Array, what: string): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new Fault("invalid", `${what}: what the cell sends is no ${schema.typeName}`, { cause });
  }
}

function missing(what: string, capability: string): Fault {
  return new Fault(
    "denied",
    `${what} needs the capability '${capability}', which this program was not granted; it asks for it in program.json, and 'unum start' grants it with --grant`,
  );
}
