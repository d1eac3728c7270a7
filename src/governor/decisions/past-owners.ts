// Who is not named to callers, of programs that run on one node alone: containers that act for a past owner, or for one that is not it
// yet. They would refuse what they are asked. Pure.

/** The newest that is known of a program. */
export interface KnownEpoch {
  readonly program: string;
  readonly epoch: number;
  /** How long this node is the owner; undefined where it is not. */
  readonly until: number | undefined;
}

/** By what a container acts; `owner`: its program, empty where it needs to be nobody's. */
export interface ActsBy {
  readonly owner: string;
  readonly epoch: number;
}

export const ANYBODYS: ActsBy = { owner: "", epoch: 0 };

/** Of this node's own container; undefined where it acts for nobody now. `program`: one that runs on one node alone. */
export function actsBy(program: string, epochs: readonly KnownEpoch[], now: number): ActsBy | undefined {
  const known = epochs.find((each) => each.program === program);
  if (known?.until === undefined || known.until <= now) return undefined;
  return { owner: program, epoch: known.epoch };
}

/** As other nodes say of themselves, less what acts by an older epoch than is known here; the same list where nothing does. */
export function withoutPastOwners<N extends { readonly containers: readonly { owner: string; epoch: bigint }[] }>(
  nodes: readonly N[],
  epochs: readonly KnownEpoch[],
): readonly N[] {
  const newest = new Map(epochs.map(({ program, epoch }) => [program, epoch]));
  const isPast = ({ owner, epoch }: N["containers"][number]) => Number(epoch) < (newest.get(owner) ?? 0);
  if (!nodes.some(({ containers }) => containers.some(isPast))) return nodes;
  return nodes.map((node) =>
    node.containers.some(isPast) ? { ...node, containers: node.containers.filter((each) => !isPast(each)) } : node,
  );
}
