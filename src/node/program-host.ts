// The governor as the machine sees it.

import type { Governor } from "../governor/governor.ts";
import { codeName, ofCodeName } from "../governor/served.ts";
import type { WayIn } from "../machine/outbox/handing-in.ts";
import type { HostedState, ProgramHost } from "../machine/programs/program-host.ts";

export function programHostOf(governor: Governor): ProgramHost {
  return {
    setPrograms: (programs) => governor.setPrograms(programs.map((each) => ({ ...each, digest: codeName(each) }))),
    setGrace: (program, graceMs) => governor.served.setGrace(program, graceMs),
    setEpochs: (epochs) => governor.setEpochs(epochs),
    get programs() {
      return governor.served.programs.map((served): HostedState => {
        const serving = served
          .own(governor.containers)
          .filter(({ state, probed }) => state === "serving" && probed).length;
        const problems = served.problems(governor.now);
        const { refused, digest } = served.replacing;
        return {
          ...{ name: served.name, ...ofCodeName(served.code.digest), serving, problems },
          refused:
            refused !== undefined
              ? { ...ofCodeName(digest), why: refused }
              : serving === 0 && problems[0] !== undefined
                ? { ...ofCodeName(served.code.digest), why: problems[0] }
                : undefined,
        };
      });
    },
    containersOf: (program) =>
      governor.containers.filter((kept) => kept.digest !== "" && kept.program === program).length,
  };
}

/** Of the containers that serve the contract the first by name: the same for every delivery, also under the next governor. */
export function wayInOf(governor: Governor): WayIn {
  return (contract) => {
    const [first] = governor.containers
      .filter(
        ({ state, probed, suspected, components }) =>
          state === "serving" &&
          probed &&
          suspected === undefined &&
          components.some((each) => each.contract === contract),
      )
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    return first && ((delivery, ttlMs) => first.deliver(delivery, ttlMs));
  };
}
