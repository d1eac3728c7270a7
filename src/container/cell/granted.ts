// Whether what a program asks for is covered by the capabilities it was granted.

/** `asked` is covered by NAME alone, NAME=asked, or NAME=BEGINNING*. */
export function isGranted(name: string, asked: string, granted: readonly string[]): boolean {
  return granted.some((each) => {
    if (each === name) return true;
    if (!each.startsWith(`${name}=`)) return false;
    const limit = each.slice(name.length + 1);
    return limit.endsWith("*") ? asked.startsWith(limit.slice(0, -1)) : asked === limit;
  });
}
