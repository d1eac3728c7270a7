// Keys of stored objects: text that is safe as the name of a file on every system.

import { Fault } from "../base/fault.ts";

const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const LONGEST = 180;

/** Throws the Fault `invalid` for what is no key. */
export function checkKey(key: string): void {
  if (key.length <= LONGEST && KEY.test(key)) return;
  const what = key.length > LONGEST ? `it has ${key.length} characters, the limit is ${LONGEST}` : "it is no key";
  throw new Fault(
    "invalid",
    `'${key.slice(0, 80)}': ${what}; write parts of letters, digits, '.', '_' and '-' that begin with no '.', with '/' between them`,
  );
}

/** No part begins with a dot and `%` is in no key, so that a name is never a way out of its folder, nor another key's. */
export function folderNameOf(key: string): string {
  return key.replaceAll("/", "%");
}

export function keyOfFolderName(name: string): string {
  return name.replaceAll("%", "/");
}
