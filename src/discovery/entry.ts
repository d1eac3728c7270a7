// What a node has to offer, as others read it: checked once, where it is first looked at.

import { fromBinary } from "@bufbuild/protobuf";
import { type Entry, EntrySchema } from "../messages/gen/unum/wire/v1/membership_pb.ts";
import type { Content, Load } from "./knowledge.ts";
import { withNumbers } from "./own-node.ts";

const LIMITS = { containers: 4_096, addresses: 8, components: 1_024, offers: 4_096, textBytes: 512 } as const;

/** With the loads last heard of, where they are of this version. Undefined where the bytes are no entry within limits. */
export function readEntry(content: Content, load: Load | undefined): Entry | undefined {
  let entry: Entry;
  try {
    entry = fromBinary(EntrySchema, content.entry);
  } catch {
    return undefined;
  }
  if (!isWithinLimits(entry)) return undefined;
  const fits = load !== undefined && load.incarnation === content.incarnation && load.of === content.version;
  return (fits ? withNumbers(entry, load.numbers) : undefined) ?? entry;
}

function isWithinLimits({ containers, offers, unum, host }: Entry): boolean {
  if (containers.length > LIMITS.containers || offers.length > LIMITS.offers) return false;
  if (isLong(unum) || isLong(host)) return false;
  if (offers.some(({ contract, version }) => isLong(contract) || isLong(version))) return false;
  return containers.every(
    ({ id, addresses, components }) =>
      !isLong(id) &&
      addresses.length <= LIMITS.addresses &&
      !addresses.some(isLong) &&
      components.length <= LIMITS.components &&
      !components.some(({ contract, version }) => isLong(contract) || isLong(version)),
  );
}

/** UTF-8 has at least a byte per UTF-16 unit. */
function isLong(text: string): boolean {
  return text.length > LIMITS.textBytes;
}
