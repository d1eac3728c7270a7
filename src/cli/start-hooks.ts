// Starts a container with those components whose start hook succeeds.
//
// A container starts with all of its components or not at all. So one whose hook fails is left out and the rest is started
// anew; those that had started were stopped in between.

import { asError, Fault } from "../base/fault.ts";
import type { Component } from "../container/component.ts";
import type { LoadedComponent } from "../node/load-components.ts";
import { type LoadFailure, loadFailure } from "../node/load-failure.ts";
import type { RunningContainer } from "../node/run-container.ts";

export interface Started {
  /** Undefined where no component could be started. */
  readonly running: RunningContainer | undefined;
  readonly failures: readonly LoadFailure[];
}

/** `run` rejects with what a hook threw, or with what kept the container itself from starting; the latter is thrown on. */
export async function startable(
  loaded: readonly LoadedComponent[],
  run: (components: readonly Component[]) => Promise<RunningContainer>,
): Promise<Started> {
  const failures: LoadFailure[] = [];
  for (let left = loaded; left.length > 0; ) {
    let failed: { file: string; thrown: unknown } | undefined;
    const watched = left.map(
      ({ file, component }): Component => ({
        ...component,
        start: async (environment) => {
          // Until it has ended it counts as failed: one that never ends is given up by the container.
          failed = { file, thrown: new Fault("expired", "its start hook has not ended in time") };
          try {
            await component.start(environment);
            failed = undefined;
          } catch (thrown) {
            failed = { file, thrown };
            throw thrown;
          }
        },
      }),
    );
    try {
      return { running: await run(watched), failures };
    } catch (thrown) {
      // Written by the hooks above.
      const culprit = failed as { file: string; thrown: unknown } | undefined;
      if (culprit === undefined) throw thrown;
      failures.push(hookFailure(culprit.file, culprit.thrown));
      left = left.filter(({ file }) => file !== culprit.file);
    }
  }
  return { running: undefined, failures };
}

function hookFailure(file: string, thrown: unknown): LoadFailure {
  const { place } = loadFailure(file, thrown);
  const { message } = asError(thrown);
  return {
    component: file,
    place,
    message: `start hook: ${message}`,
    advice: "a component is served once its start hook has ended well",
  };
}
