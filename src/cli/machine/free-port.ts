// Whether this computer can be reached where somebody says, looked at before a token is used up: it is good once.

import { createServer } from "node:net";
import { UsageError } from "../usage.ts";

/** Throws a UsageError where nothing could listen there. `open`: as it was said. */
export async function checkFree(
  { host, port }: { readonly host: string; readonly port: number },
  open: string,
): Promise<void> {
  const failed = await new Promise<NodeJS.ErrnoException | undefined>((settle) => {
    const server = createServer().once("error", settle);
    server.listen(port, host, () => server.close(() => settle(undefined)));
  });
  if (failed === undefined) return;
  const why =
    failed.code === "EADDRINUSE"
      ? "another process listens there; choose another port"
      : failed.code === "EADDRNOTAVAIL"
        ? "this computer has no such address; give one by which the other nodes reach it"
        : failed.message;
  throw new UsageError(`--open ${open}: ${why}`);
}
