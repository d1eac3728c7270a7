// The calls of the chapter, by the contract as the program's own container tells it.

import { asError } from "../../../base/fault.ts";
import type { Client } from "../../../client/client.ts";
import type { UnaryMethod } from "../../../messages/contract.ts";
import { Container } from "../../../messages/gen/unum/control/v1/container_pb.ts";
import { registryOf } from "../../../messages/schema.ts";

const CONTRACT = "thumbnails.v1.Shrink";
const TTL = { ttlMs: 30_000, withinMs: 30_000 };

export class Shrink {
  readonly #methods: ReadonlyMap<string, UnaryMethod>;

  private constructor(methods: ReadonlyMap<string, UnaryMethod>) {
    this.#methods = methods;
  }

  /** `container`: a client of one that serves it. */
  static async describedBy(container: Client): Promise<Shrink> {
    const { schema } = await container.of(Container).describe({}, TTL);
    const service = schema && registryOf(schema).getService(CONTRACT);
    if (service === undefined) throw new Error(`the container does not say what ${CONTRACT} is`);
    // All of its methods have one answer.
    return new Shrink(new Map(service.methods.map((method) => [method.localName, method as UnaryMethod])));
  }

  /** Version of the program that answered. */
  async plan(client: Client): Promise<string> {
    const { version } = await this.#call(client, "plan", { width: 400, height: 300, longest: 40 });
    return String(version);
  }

  /** Bytes of the small picture, and its colour. */
  async thumbnail(client: Client, path: string): Promise<{ bytes: number; accent: string }> {
    const { png, accent } = await this.#call(client, "thumbnail", { path, longest: 16 });
    return { bytes: png instanceof Uint8Array ? png.length : 0, accent: String(accent) };
  }

  /** Kept for a node until it has it, or its time is over. */
  async prepareAt(client: Client, node: string, asked: Record<string, unknown>, ttlMs?: number): Promise<void> {
    await client.send(this.#method("prepare"), asked, {
      durable: { node },
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });
  }

  /** What the container of this client was given to prepare, in order. */
  async preparedBy(container: Client): Promise<readonly number[]> {
    const { longest } = await this.#call(container, "prepared", {});
    return Array.isArray(longest) ? longest.map(Number) : [];
  }

  async #call(client: Client, name: string, asked: Record<string, unknown>): Promise<Record<string, unknown>> {
    // Its contract is known when it runs; the names are those of the example.
    return (await client.call(this.#method(name), asked, TTL)) as unknown as Record<string, unknown>;
  }

  #method(name: string): UnaryMethod {
    const method = this.#methods.get(name);
    if (method === undefined) throw new Error(`${CONTRACT} has no method '${name}'`);
    return method;
  }
}

/** Calls without a pause, a few at a time, until `end`. */
export class CallsOn {
  readonly #failed: string[] = [];
  readonly #versions = new Set<string>();
  readonly #loops: readonly Promise<void>[];
  #calls = 0;
  #isOver = false;
  readonly #waiting = new Set<() => void>();

  constructor(client: Client, shrink: Shrink, atOnce: number) {
    this.#loops = Array.from({ length: atOnce }, () => this.#loop(client, shrink));
  }

  /** Settles when so many more have an outcome, or one has failed. */
  more(calls: number): Promise<void> {
    const until = this.#calls + calls;
    return new Promise((resolve) => {
      const look = () => {
        if (this.#calls < until && this.#failed.length === 0) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Versions in the order in which they first answered. */
  async end(): Promise<{ calls: number; failed: readonly string[]; versions: readonly string[] }> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    return { calls: this.#calls, failed: this.#failed, versions: [...this.#versions] };
  }

  async #loop(client: Client, shrink: Shrink): Promise<void> {
    while (!this.#isOver) {
      try {
        this.#versions.add(await shrink.plan(client));
      } catch (error) {
        this.#failed.push(asError(error).message);
      }
      this.#calls++;
      for (const look of this.#waiting) look();
    }
  }
}
