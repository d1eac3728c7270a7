// Who is out of the machine for good, by its records: put out by an operator, or gone by its own word.

import type { RecordSet } from "../records/record-set.ts";

/** `id`: of a node or of a key. */
export function isRevoked(records: RecordSet, id: string): boolean {
  return records.get(`revoked/${id}`)?.record.body.case === "revoked";
}

/** Whether the node said so itself. */
export function hasLeft(records: RecordSet, node: string): boolean {
  const body = records.get(`revoked/${node}`)?.record.body;
  return body?.case === "revoked" && body.value.node === node && body.value.certificate !== "";
}

/** All nodes that are out. */
export function nodesOut(records: RecordSet): ReadonlySet<string> {
  return new Set(
    records.all.flatMap(({ record: { body } }) =>
      body.case === "revoked" && body.value.node !== "" ? [body.value.node] : [],
    ),
  );
}
