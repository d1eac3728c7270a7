// What a cell says about a call that it asks for: read field by field, since whoever speaks from there is not trusted.

import { z } from "zod";
import { Fault } from "../../base/fault.ts";

const options = z.object({
  ttlMs: z.number().optional(),
  withinMs: z.number().min(0).optional(),
  scope: z.enum(["local", "network", "anywhere"]).optional(),
  prefer: z
    .union([z.enum(["nearest", "locality", "round-robin"]), z.strictObject({ key: z.string().max(1_000) })])
    .optional(),
  version: z.string().max(100).optional(),
  idempotencyKey: z.string().max(1_000).optional(),
  meta: z.record(z.string().max(1_000), z.string().max(60_000)).optional(),
  traceparent: z.string().max(1_000).optional(),
  credit: z.int().min(1).max(1_024).optional(),
  wantResult: z.boolean().optional(),
  durable: z
    .strictObject({ node: z.string().max(64), supersede: z.string().max(1_000).optional() })
    .transform(({ node, supersede }) => ({ node, ...(supersede === undefined ? {} : { supersede }) }))
    .optional(),
});

/** Those that were said: what is left out has no field. */
export type AskedOptions = { [K in keyof z.infer<typeof options>]?: Exclude<z.infer<typeof options>[K], undefined> };

/** Throws the Fault `invalid` that names what is wrong. */
export function askedOptions(head: Readonly<Record<string, unknown>>): AskedOptions {
  const result = options.safeParse(head);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new Fault("invalid", `${issue?.path.map(String).join(".") || "it"}: ${issue?.message ?? "is wrong"}`);
  }
  // Fields that are undefined are those that were left out.
  return Object.fromEntries(Object.entries(result.data).filter(([, value]) => value !== undefined));
}
