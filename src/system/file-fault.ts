// Errors of Node's file system as Faults that name the path and the way out.

import { asError, Fault } from "../base/fault.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of its path is a file",
  EISDIR: "it is a folder",
  EEXIST: "a file is in its place",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left there; free some, or choose another folder",
  EDQUOT: "this user's quota is used up; free some space, or choose another folder",
  EMFILE: "this process has too many files open; raise 'ulimit -n'",
  ENFILE: "the system has too many files open",
  ENAMETOOLONG: "its path is too long; choose a shorter one",
  ELOOP: "its path goes in circles",
};

const DENIED = ["EACCES", "EPERM", "EROFS"];

/** `what`: as "read". `denied` where the system forbids it, else `invalid`. */
export function fileFault(what: string, path: string, thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const cause = asError(thrown);
  const code = "code" in cause ? String(cause.code) : "";
  const denied = DENIED.includes(code);
  const reason = REASONS[code] ?? (denied ? "this process has no right to" : cause.message);
  return new Fault(denied ? "denied" : "invalid", `cannot ${what} ${path}: ${reason}`, { cause });
}
