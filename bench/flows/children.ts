// Worker processes of the systems beside ours.

import { type ChildProcess, fork } from "node:child_process";

export interface Children {
  /** Everything that they say after they were ready. */
  onMessage: (message: unknown) => void;
  stop(): Promise<void>;
}

/** Settles when all of them have said that they are ready. */
export async function children(file: string, count: number, args: readonly string[]): Promise<Children> {
  const all: ChildProcess[] = [];
  const made: Children = {
    onMessage: () => {},
    stop: async () => {
      await Promise.all(
        all.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const gone = new Promise((resolve) => child.once("exit", resolve));
          child.kill("SIGKILL");
          await gone;
        }),
      );
    },
  };
  for (let index = 0; index < count; index++) {
    const child = fork(new URL(file, import.meta.url), args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    all.push(child);
    await new Promise<void>((resolve, reject) => {
      child.once("message", () => resolve());
      child.once("exit", (code) => reject(new Error(`${file} ended with ${code} before it was ready`)));
    });
    child.on("message", (message) => made.onMessage(message));
  }
  return made;
}
