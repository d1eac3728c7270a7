// The network's limit, shared out by nodes that see each other through gossip, with nobody among them who shares it out.
//
//   limit, and what each node claims ──▶ ownShare ──▶ this node's share ──▶ its claim, told with its entry ──▶ the others
//
// A node claims what it may use or still uses. It lowers its share to its target at once, and raises it only by what the
// others have already given back, as far as it has heard.
//
// Invariants
//   S1. Among nodes that know of each other, what they may use together is never above the limit, or it only falls
//       (after the limit was lowered), however old what they have heard is.
//   S2. Once everybody has heard of everybody, the shares are the targets: the whole limit, as far as the nodes can take it.
//   S3. Who is only silent keeps its claim for as long as it is remembered: it may be there, cut off.

export interface NodeShare {
  readonly id: string;
  /** How large a part it should get beside others. */
  readonly weight: number;
  /** Its own limit: it takes no more. */
  readonly most: number;
}

export interface Claim extends NodeShare {
  /** What it may use, or still uses, as it said last. */
  readonly claim: number;
  /** Whether it takes part; one that is silent or has left does not, and what it claims is not given away. */
  readonly present: boolean;
}

/** `own.share`: the present one. */
export function ownShare(limit: number, own: NodeShare & { readonly share: number }, others: readonly Claim[]): number {
  const present = others.filter((other) => other.present);
  const kept = others.filter((other) => !other.present).reduce((sum, { claim }) => sum + claim, 0);
  const left = Math.max(0, limit - kept);
  const targets = targetsOf(left, [own, ...present]);
  const target = targets.get(own.id) ?? 0;
  if (target <= own.share) return target;
  // Whoever is still to get more is reckoned with what it will have.
  const taken = present.reduce((sum, { id, claim }) => sum + Math.max(claim, targets.get(id) ?? 0), 0);
  return Math.max(own.share, Math.min(target, left - taken));
}

/** The whole limit by weight, none above its most: largest remainders (Hamilton), what is left over to who can take more. */
export function targetsOf(limit: number, nodes: readonly NodeShare[]): ReadonlyMap<string, number> {
  const targets = new Map<string, number>();
  let open = nodes.filter(({ most }) => most > 0).sort((a, b) => (a.id < b.id ? -1 : 1));
  let left = limit;
  for (;;) {
    const weights = open.reduce((sum, { weight }) => sum + weight, 0);
    if (open.length === 0 || left <= 0 || weights <= 0) break;
    const full = open.filter(({ most, weight }) => (left * weight) / weights >= most);
    if (full.length === 0) {
      for (const [id, share] of byRemainder(left, weights, open)) targets.set(id, share);
      break;
    }
    for (const { id, most } of full) targets.set(id, most);
    left -= full.reduce((sum, { most }) => sum + most, 0);
    open = open.filter((node) => !full.includes(node));
  }
  return targets;
}

function byRemainder(left: number, weights: number, nodes: readonly NodeShare[]): [string, number][] {
  const parts = nodes.map(({ id, weight }) => ({ id, exact: (left * weight) / weights }));
  const whole = parts.reduce((sum, { exact }) => sum + Math.floor(exact), 0);
  const ranked = [...parts].sort((a, b) => (b.exact % 1) - (a.exact % 1) || (a.id < b.id ? -1 : 1));
  const favoured = new Set(ranked.slice(0, left - whole).map(({ id }) => id));
  return parts.map(({ id, exact }) => [id, Math.floor(exact) + (favoured.has(id) ? 1 : 0)]);
}
