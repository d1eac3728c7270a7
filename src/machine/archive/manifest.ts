// What a program's archive says of itself: MANIFEST.json. docs/manifest.schema.json is made from this.

import { z } from "zod";
import { Fault } from "../../base/fault.ts";

/** Of files in an archive: parts of letters, digits and a few signs that begin with no dot, with slashes between them. */
export const FILE_NAME =
  /^(?!.*[.](?:\/|$))[A-Za-z0-9_@+][A-Za-z0-9_@+.-]*(?:\/[A-Za-z0-9_@+][A-Za-z0-9_@+.-]*){0,15}$/;
export const LONGEST_FILE_NAME = 200;

const SEMVER = /^(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
const PROGRAM_NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const PLATFORM = /^[a-z0-9]+-[a-z0-9]+$/;
const CONTRACT_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/;

const fileName = z.string().max(LONGEST_FILE_NAME).regex(FILE_NAME);

export const CAPABILITIES = [
  ...["send", "store", "log", "machine", "timer", "net", "net:listen", "fs:read", "fs:write", "exec"],
] as const;

/** Those that may be limited to a part: of the others there is no part that anybody could hold a program to. */
const LIMITABLE = ["send", "store", "fs:read", "fs:write", "exec"];

/** `log`, or with what it is limited to: `fs:read=/srv/pictures`, `send=demo.v1.*`. */
const capability = z
  .string()
  .max(300)
  .regex(new RegExp(`^(?:(?:${CAPABILITIES.join("|")})|(?:${LIMITABLE.join("|")})=[^\\s,]+)$`))
  .describe("what the program asks to be granted: a name, or NAME=LIMIT");

const place = z
  .enum(["nodes", "controllers"])
  .optional()
  .describe("where this part runs: on every node, or on those that are controllers; left out: as 'runsOn' says");

const component = z.strictObject({
  kind: z.literal("component"),
  place,
  folder: fileName.describe("components as 'unum serve' takes them"),
});

const schemaFile = fileName
  .optional()
  .describe(
    "where the contract is: a generated _pb.ts or a descriptor set; left out: in the files of a component's contract",
  );
const timeMs = z.int().min(1).max(600_000).default(1_000).describe("for one call; then its cell is ended");

const native = z.strictObject({
  kind: z.literal("native"),
  place,
  library: fileName.describe("a shared library"),
  platform: z.string().regex(PLATFORM).describe("as linux-x64"),
  contract: z.string().regex(CONTRACT_NAME),
  functions: z
    .record(z.string().regex(/^[A-Za-z]\w*$/), z.string().regex(/^[A-Za-z_]\w*$/))
    .describe("method → function of the library"),
  source: fileName.optional(),
  schema: schemaFile,
  timeMs,
});

const wasm = z.strictObject({
  kind: z.literal("wasm"),
  place,
  module: fileName,
  contract: z.string().regex(CONTRACT_NAME),
  functions: z.record(z.string().regex(/^[A-Za-z]\w*$/), z.string().regex(/^[A-Za-z_]\w*$/)),
  memoryPages: z.int().min(1).max(65_536).default(256).describe("of 64 KiB each"),
  schema: schemaFile,
  timeMs,
});

const disconnected = z
  .strictObject({
    policy: z
      .enum(["keep", "stop-after", "replace"])
      .default("keep")
      .describe(
        "keep: goes on; stop-after: ends after so long; replace: runs on one node alone, and on another where that was away so long",
      ),
    afterMs: z
      .int()
      .min(5_000)
      .max(2 ** 31)
      .default(60_000),
    onReturn: z
      .enum(["resume", "stop", "yield", "take-back"])
      .optional()
      .describe(
        "resume or stop, of what was ended; yield or take-back, of what was replaced; left out: resume, or yield",
      ),
  })
  .refine(
    ({ policy, onReturn }) =>
      onReturn === undefined || (policy === "replace") === (onReturn === "yield" || onReturn === "take-back"),
    "'onReturn' is yield or take-back with the policy replace, and resume or stop with any other",
  )
  .describe(
    "what a node does with it that no controller reaches any more: goes on, or ends it after so long; and when one is reached again",
  );

/** What its author writes: program.json. */
const described = {
  name: z.string().max(64).regex(PROGRAM_NAME),
  version: z.string().max(100).regex(SEMVER).describe("semver; only goes up unless told otherwise"),
  description: z.string().max(500).default(""),
  parts: z
    .array(z.discriminatedUnion("kind", [component, native, wasm]))
    .min(1)
    .max(64),
  runsOn: z
    .enum(["nodes", "controllers"])
    .default("nodes")
    .describe("where its parts run that say nothing else: on every node, controllers among them, or on those alone"),
  containers: z.int().min(1).max(1_000).default(1).describe("on each node where it runs"),
  threads: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe("worker threads that its components have at a time in each container; 0: they may start none"),
  capabilities: z.array(capability).max(100).default([]),
  trust: z
    .enum(["confined", "operator"])
    .default("confined")
    .describe("operator: runs inline in its container, with the rights of the node's user"),
  disconnected: disconnected.prefault({}),
};

export const programSchema = z.strictObject({ $schema: z.string().max(500).optional(), ...described });

export const manifestSchema = z.strictObject({
  unum: z.literal(1).describe("version of this format"),
  ...described,
  contracts: fileName.describe("a google.protobuf.FileDescriptorSet, in binary"),
  serves: z.array(z.string().regex(CONTRACT_NAME)).max(1_000),
  files: z
    .array(
      z.strictObject({
        path: fileName,
        bytes: z
          .int()
          .min(0)
          .max(2 ** 31),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(10_000)
    .describe("all files of the archive but this one"),
});

export type ProgramDescription = z.infer<typeof programSchema>;
export type Manifest = z.infer<typeof manifestSchema>;
export type Part = Manifest["parts"][number];

/** Those that have their place on such a node. */
export function partsAt({ parts, runsOn }: Pick<Manifest, "parts" | "runsOn">, controller: boolean): readonly Part[] {
  return parts.filter(({ place: at = runsOn }) => at === "nodes" || controller);
}

/** Whether what is granted is what was asked for, or a part of it. */
export function isWithinAsked(granted: string, asked: string): boolean {
  return granted === asked || (LIMITABLE.includes(asked) && granted.startsWith(`${asked}=`));
}

export const MANIFEST_NAME = "MANIFEST.json";
export const MANIFEST_LIMIT_BYTES = 4 * 2 ** 20;

/** Throws the Fault `invalid` that names what is wrong and where. */
export function readManifest(bytes: Uint8Array): Manifest {
  return parsed(manifestSchema, bytes, MANIFEST_NAME);
}

/** What an author wrote; `where` names the file. */
export function readProgramDescription(bytes: Uint8Array, where: string): ProgramDescription {
  return parsed(programSchema, bytes, where);
}

function parsed<T>(schema: z.ZodType<T>, bytes: Uint8Array, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Fault("invalid", `${where} is no JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join(".") || "it";
  throw new Fault("invalid", `${where}: ${path}: ${issue?.message ?? "is not as it should be"}`);
}

/** The JSON Schemas that docs/ publishes. */
export function jsonSchemas(): { readonly program: object; readonly manifest: object } {
  const options = { io: "input", target: "draft-2020-12" } as const;
  return { program: z.toJSONSchema(programSchema, options), manifest: z.toJSONSchema(manifestSchema, options) };
}
