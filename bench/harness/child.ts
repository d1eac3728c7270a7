// A measuring process as the bench sees it: asked one thing after another, each with a deadline, and always ended.

import { type ChildProcess, fork } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer, Ask, Work, WorkName } from "./work.ts";

export interface ChildOptions {
  readonly system: string;
  /** Of Node, as --cpu-prof. */
  readonly nodeArguments: readonly string[];
}

const OWN_END_MS = 5_000;

/** With it a process does not carry the memory of the compiler that takes the types out of TypeScript. */
const COMPILED = join(tmpdir(), "unum-bench-compiled");

export class Child {
  static readonly #running = new Set<Child>();
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer | Error) => void>();
  readonly #ended: Promise<void>;
  /** Why nothing can be asked any more. */
  #cause: Error | undefined;
  #lastId = 0;

  constructor({ system, nodeArguments }: ChildOptions) {
    this.#process = fork(new URL("process.ts", import.meta.url), [system], {
      execArgv: ["--expose-gc", ...nodeArguments],
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILED },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    Child.#running.add(this);
    this.#process.on("message", (answer: Answer) => this.#settle(answer.id, answer));
    this.#ended = new Promise((resolve) => {
      this.#process.once("exit", (code, signal) => {
        Child.#running.delete(this);
        this.#cause = new Error(`the ${system} process ended with ${signal ?? code}`);
        for (const id of [...this.#waiting.keys()]) this.#settle(id, this.#cause);
        resolve();
      });
    });
  }

  async ask<Name extends WorkName>(work: Name, given: Work[Name][0], withinMs = 30_000): Promise<Work[Name][1]> {
    if (this.#cause !== undefined) throw this.#cause;
    const id = ++this.#lastId;
    const answer = await new Promise<Answer | Error>((resolve) => {
      const timer = setTimeout(() => this.#settle(id, new Error(`no answer to '${work}' in ${withinMs} ms`)), withinMs);
      this.#waiting.set(id, (settled) => {
        clearTimeout(timer);
        resolve(settled);
      });
      const ask: Ask<Name> = { id, work, given };
      this.#process.send(ask, (error) => {
        if (error !== null) this.#settle(id, error);
      });
    });
    if (answer instanceof Error) throw answer;
    if ("error" in answer) throw new Error(`'${work}' failed: ${answer.error}`);
    // The other end answers an ask with its own kind of value (harness/work.ts).
    return answer.value as Work[Name][1];
  }

  /** Lets it close and end; kills it where it does not. */
  async end(): Promise<void> {
    await this.ask("close", null, OWN_END_MS).catch(() => {});
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), OWN_END_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /** For the end of this process: at once, all that are left. */
  static killAll(): void {
    for (const child of Child.#running) child.#process.kill("SIGKILL");
  }

  #settle(id: number, answer: Answer | Error): void {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.(answer);
  }
}
