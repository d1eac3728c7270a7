// Ctrl-C and other polite ends from outside, as a signal that verbs can hand on.

export interface Interrupt {
  /** Aborts at the first one; the reason names it. */
  readonly signal: AbortSignal;
  /** Back to what the process did before. */
  release(): void;
}

/** `again` runs at each further one. With `stdin`, its end counts as one: whoever started this process is gone. */
export function onInterrupt(again: () => void, options: { stdin?: NodeJS.ReadableStream } = {}): Interrupt {
  const controller = new AbortController();
  const end = (why: string) => {
    if (controller.signal.aborted) again();
    else controller.abort(new Error(why));
  };
  const take = (name: NodeJS.Signals) => end(name === "SIGINT" ? "interrupted" : `ended by ${name}`);
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, take);
  const ended = () => {
    if (!controller.signal.aborted) end("standard input ended");
  };
  options.stdin?.on("end", ended).on("error", ended).resume();
  return {
    signal: controller.signal,
    release: () => {
      for (const name of names) process.off(name, take);
      options.stdin?.off("end", ended).off("error", ended).pause();
    },
  };
}

/** Settles when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
