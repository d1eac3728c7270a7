// Who may do what: the roles, what each record needs, and what a key may by the grants that lead to it from the founder.
//
//   founder ──▶ operator ──▶ operator ──▶ deployer of thumb*
//                  └── a grant never gives more than its giver has: role, programs, end
//
// Invariants
//   P1. Without a chain of grants in force that begins with the founder's key, a key may nothing.
//   P2. Along a chain nothing grows: role, programs and time only shrink.
//   P3. Taking a grant back takes back what was given by it.

import type { Grant } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { keyIdOf } from "../keys/signing-key.ts";

/** Each may what those after it may. */
export const ROLES = ["operator", "deployer", "observer"] as const;
export type Role = (typeof ROLES)[number];

/** What a command needs; the table of all of them. */
export const NEEDED = {
  show: "observer",
  status: "observer",
  audit: "observer",
  load: "deployer",
  trust: "operator",
  start: "deployer",
  stop: "deployer",
  unload: "deployer",
  deploy: "deployer",
  drain: "operator",
  limits: "operator",
  set: "operator",
  grant: "operator",
  token: "operator",
  revoke: "operator",
  stack: "operator",
} as const satisfies Readonly<Record<string, Role>>;

export type Command = keyof typeof NEEDED;

export interface Allowance {
  readonly role: Role;
  /** NAME or BEGINNING*; empty for all. */
  readonly programs: readonly string[];
  /** Wall clock; 0 for ever. */
  readonly expiresMs: number;
}

/** A grant and the id of the key that gave it. */
export interface GivenGrant {
  readonly grant: Grant;
  readonly by: string;
}

const LONGEST_CHAIN = 8;

/** What the key with this id may now; undefined where nothing. */
export function allowanceOf(
  id: string,
  { founder, grants, nowMs }: { founder: string; grants: readonly GivenGrant[]; nowMs: number },
  depth = 0,
): Allowance | undefined {
  if (id === founder) return { role: "operator", programs: [], expiresMs: 0 };
  if (depth >= LONGEST_CHAIN) return undefined;
  const own = grants.find(({ grant }) => keyIdOf(grant.key).toString("hex") === id);
  if (own === undefined) return undefined;
  const giver = allowanceOf(own.by, { founder, grants, nowMs }, depth + 1);
  const { role, programs, expiresMs } = own.grant;
  const given = { role, programs, expiresMs: Number(expiresMs) };
  if (giver === undefined || !isRole(role) || (given.expiresMs !== 0 && nowMs >= given.expiresMs)) return undefined;
  const allowance = { ...given, role };
  return isWithin(allowance, giver) ? allowance : undefined;
}

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}

/** Why the command is not allowed; undefined where it is. */
export function refusal(command: Command, program: string, allowance: Allowance | undefined): string | undefined {
  const needed = NEEDED[command];
  if (allowance === undefined) return `'${command}' needs the role ${needed}, and this key has none here`;
  if (ROLES.indexOf(allowance.role) > ROLES.indexOf(needed)) {
    return `'${command}' needs the role ${needed}, and this key is ${allowance.role}`;
  }
  if (program !== "" && allowance.programs.length > 0 && !allowance.programs.some((each) => covers(each, program))) {
    return `'${command}' of ${program}: this key may deploy ${allowance.programs.join(", ")}`;
  }
  return undefined;
}

/** Whether who has `giver` may give `given`. Only operators give. */
export function isWithin(given: Allowance, giver: Allowance): boolean {
  if (giver.role !== "operator") return false;
  if (giver.expiresMs !== 0 && (given.expiresMs === 0 || given.expiresMs > giver.expiresMs)) return false;
  if (giver.programs.length === 0) return true;
  return given.programs.length > 0 && given.programs.every((each) => giver.programs.some((own) => covers(own, each)));
}

function covers(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
