// Deliberate mistakes in what makes machines nodes of machines.

import { type PlantedBug, planted } from "../planting.ts";
import type { StackingCode } from "./stacked-machines.ts";

export const PLANTED_STACKING_BUGS: readonly PlantedBug[] = [
  {
    name: "what a call waits at a gateway is not taken from its time",
    file: "gateway/forwarding.ts",
    find: "return request.kind === Kind.MORE ? this.#more(request) : this.#call(request);",
    replace: `const late = { ...request, deadline: request.deadline + 1_500 };
    return new Promise((resolve) => this.#parts.env.clock.after(1_500, () => void this.#call(late).then(resolve)));`,
    breaks: [44],
  },
  {
    name: "a list that names one contract names all",
    file: "gateway/named.ts",
    find: "return list.some((each) =>",
    replace: "return list.length > 0 || list.some((each) =>",
    from: 3,
    breaks: [45],
  },
  {
    name: "a parent may deploy whatever it likes where it may deploy anything",
    file: "machine/privileges/roles.ts",
    find: 'if (program !== "" && allowance.programs.length > 0',
    replace: 'if (program === "" && allowance.programs.length > 0',
    from: 3,
    breaks: [46],
  },
  {
    name: "a program of the parent gets all that the parent grants",
    file: "machine/stacking/links.ts",
    find: "return allowed.some((each) => granted === each",
    replace: "return allowed.length >= 0 || allowed.some((each) => granted === each",
    breaks: [46],
  },
  {
    name: "what runs inline goes on where its machine is not trusted with that any more",
    file: "machine/programs/reconciler.ts",
    find: "const runs = wanted.running && isHere && isTrusted &&",
    replace: "const runs = wanted.running && isHere && (isTrusted || wanted.running) &&",
    from: 64,
    breaks: [46],
  },
  {
    name: "a gateway stays when its machine was taken out of its parent",
    file: "node/gateway-keeper.ts",
    find: "if (!this.#isWanted || this.#isClosed || this.#isSecond(news)) return { end: true };",
    replace: "if (this.#isClosed || this.#isSecond(news)) return { end: true };",
    from: 59,
    breaks: [46],
  },
  {
    name: "the parent's word is set against that of the machine's own operator",
    file: "machine/stacking/parent-commands.ts",
    find: "if (present !== undefined && present.by !== this.#parts.key.id) {",
    replace: "if (present !== undefined && present.by === undefined) {",
    also: {
      file: "machine/stacking/links.ts",
      find: 'if (present?.record.body.case === "program" && present.signer.id !== signer.id)',
      replace: 'if (present?.record.body.case === "grant")',
    },
    breaks: [47],
  },
  {
    name: "a machine lets its ancestor in",
    file: "machine/identity/joining.ts",
    find: "if (above.includes(node))",
    replace: "if (above.length === 0)",
    breaks: [48],
  },
  {
    name: "a circle is seen, and calls pass all the same",
    file: "node/run-gateway.ts",
    find: "return this.#outside.ancestors.includes(this.#settings.machine);",
    replace: "return this.#outside.ancestors.length > 99;",
    from: 4,
    breaks: [48],
  },
  {
    name: "what should go on in a machine that is cut off ends",
    file: "machine/disconnection/policy.ts",
    find: 'if (policy.policy !== "stop-after") return',
    replace: 'if (policy.policy !== "stop-after" && silentMs < policy.afterMs) return',
    from: 83,
    breaks: [49],
  },
  {
    name: "what the parent wants to run is loaded, and not started",
    file: "machine/stacking/parent-commands.ts",
    find: "const value = { loaded, running: true, digest,",
    replace: "const value = { loaded, running: false, digest,",
    breaks: [50],
  },
  {
    name: "what the parent does not want any more stays",
    file: "machine/stacking/parent-commands.ts",
    find: "if (wanted === undefined || by !== this.#parts.key.id || names.has(name)) continue;",
    replace: "if (wanted === undefined || by === this.#parts.key.id || names.has(name)) continue;",
    from: 10,
    breaks: [50],
  },
  {
    name: "a program waits until a container of another has had nothing to do for long",
    file: "governor/filling.ts",
    find: "if (waiting === undefined) return;",
    replace: "return;",
    from: 28,
    breaks: [50],
  },
  {
    name: "the parent is told of a machine once, when it joins",
    file: "node/gateway-outside.ts",
    find: "this.#network.tell(this.#entry(picture), { told: undefined, claim: 0 });",
    replace: "this.#entry(picture);",
    breaks: [51],
  },
  {
    name: "what serves in a machine is not told its parent",
    file: "machine/stacking/parent-commands.ts",
    find: "const serving = nodes.reduce((sum, each) => sum + each.serving, 0);",
    replace: "const serving = nodes.length;",
    from: 2,
    breaks: [51],
  },
];

/** All that stands on these folders and lies in one of them; what is below is shared. */
const COPIED = /\/src\/(?:governor|node|container|client|capacity|discovery|plugins|machine|gateway|outbox)\//;

export async function plantedStackingCode(bug: PlantedBug): Promise<StackingCode> {
  const load = planted(bug, COPIED);
  const [{ runNode }, { runGovernedContainer }, { Keeper }, { runGateway }, { letIn }] = await Promise.all([
    load("node/run-node.ts"),
    load("node/run-governed-container.ts"),
    load("governor/keeper.ts"),
    load("node/run-gateway.ts"),
    load("machine/identity/joining.ts"),
  ]);
  return { runNode, runGovernedContainer, Keeper, runGateway, letIn };
}
