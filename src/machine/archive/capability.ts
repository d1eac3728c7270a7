// What is granted, taken apart: NAME, or NAME=LIMIT.

const OF_PLACES = ["fs:read", "fs:write", "exec"];

/** Where on its computer it lets a program, from the root; empty where it is of no place. */
export function placeOf(granted: string): string {
  const [name = "", place = ""] = granted.split("=", 2);
  return OF_PLACES.includes(name) ? place : "";
}

/** Why it lets nothing, or another thing on each node; undefined where it does. 'exec' alone is all that the system has. */
export function aimlessness(granted: string): string | undefined {
  const [name = ""] = granted.split("=", 1);
  if (!OF_PLACES.includes(name) || granted === "exec" || placeOf(granted).startsWith("/")) return undefined;
  return `'${granted}' names no place; say where it may, from the root: '${name}=/srv/pictures'`;
}
