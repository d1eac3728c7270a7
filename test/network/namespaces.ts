// Computers for tests: network namespaces that a bridge joins, and what may befall the roads between them.
//
//   node namespace ── veth ── hub namespace: bridge ── veth ── node namespace …        nothing of it outside of them

import { execFileSync } from "node:child_process";

export interface TestHost {
  readonly name: string;
  readonly ip: string;
  /** What starts a program there. */
  readonly via: readonly string[];
}

export interface TestHosts {
  readonly hosts: readonly TestHost[];
  /** Nothing from `from` reaches `to` any more. */
  cut(from: TestHost, to: TestHost): void;
  /** Loses this share of all that arrives anywhere. */
  lose(percent: number): void;
  /** As at first. */
  heal(): void;
  end(): void;
}

/** Undefined where it can be made; else why not. */
export function whyNoNamespaces(): string | undefined {
  for (const [program, how] of [
    ["ip", ["-V"]],
    ["nft", ["-v"]],
    ["openssl", ["version"]],
  ] as const) {
    if (!works(program, how)) return `'${program}' is missing; scripts/test-services installs it`;
  }
  const name = `unum-${process.pid}-try`;
  if (!works("ip", ["netns", "add", name])) return "network namespaces may not be made here";
  const may = works("ip", ["netns", "exec", name, "nft", "add", "table", "inet", "unum"]);
  works("ip", ["netns", "del", name]);
  return may ? undefined : "packets may not be filtered here";
}

export function makeHosts(count: number): TestHosts {
  const prefix = `unum-${process.pid}`;
  const hub = `${prefix}-hub`;
  const hosts = Array.from({ length: count }, (_, number): TestHost => {
    const name = `${prefix}-${number + 1}`;
    return { name, ip: `10.77.0.${number + 1}`, via: ["ip", "netns", "exec", name] };
  });
  ip("netns", "add", hub);
  inside(hub, "ip", "link", "add", "bridge0", "type", "bridge");
  inside(hub, "ip", "link", "set", "bridge0", "up");
  for (const [number, { name, ip: address }] of hosts.entries()) {
    ip("netns", "add", name);
    inside(name, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", `port${number}`, "netns", hub);
    inside(hub, "ip", "link", "set", `port${number}`, "master", "bridge0", "up");
    inside(name, "ip", "address", "add", `${address}/24`, "dev", "eth0");
    inside(name, "ip", "link", "set", "eth0", "up");
    inside(name, "ip", "link", "set", "lo", "up");
    inside(name, "nft", "add", "table", "inet", "unum");
    inside(name, "nft", "add chain inet unum arriving { type filter hook input priority 0; }");
  }
  const rule = (at: string, text: string) => inside(at, "nft", `add rule inet unum arriving ${text}`);
  return {
    hosts,
    cut: (from, to) => rule(to.name, `ip saddr ${from.ip} drop`),
    lose: (percent) => {
      for (const { name } of hosts) rule(name, `iifname eth0 numgen random mod 100 < ${percent} drop`);
    },
    heal: () => {
      for (const { name } of hosts) inside(name, "nft", "flush chain inet unum arriving");
    },
    end: () => {
      for (const name of [...hosts.map(({ name }) => name), hub]) works("ip", ["netns", "del", name]);
    },
  };
}

function inside(name: string, ...command: string[]): void {
  ip("netns", "exec", name, ...command);
}

function ip(...words: string[]): void {
  execFileSync("ip", words, { stdio: "pipe" });
}

function works(program: string, words: readonly string[]): boolean {
  try {
    execFileSync(program, words, { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}
