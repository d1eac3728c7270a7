// A name for this computer as far as Unix sockets reach: those with the same name can use each other's.

import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * The same for all processes of one user in one boot that see the same files and the same network. Network namespaces
 * count as computers of their own, although a socket's file may be seen in several: they were made to be apart.
 */
export function hostId(): string {
  const parts = [
    text(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")) || hostname(),
    text(() => readlinkSync("/proc/self/ns/net")),
    text(() => readlinkSync("/proc/self/ns/mnt")),
    String(process.getuid?.() ?? ""),
  ];
  return createHash("sha256").update(parts.join(" ")).digest("hex").slice(0, 16);
}

function text(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return "";
  }
}
