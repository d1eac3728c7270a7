// Where a node listens for others, and how it finds them: checked before anything is started.
//
//   --listen HOST:PORT ──▶ door    tcp://HOST:PORT on this computer alone, else tls://HOST:PORT
//                      ├─▶ gossip  udp HOST:PORT
//                      └─▶ each container, at a port that the system chooses
//   --advertise HOST ────▶ what others are told instead of the HOST of all three

import { lookup } from "node:dns/promises";
import { type DatagramAddress, isIpAddress, isLoopback, readAddress } from "../../base/datagrams.ts";
import { asError } from "../../base/fault.ts";
import type { Address } from "../../transports/transport.ts";
import { addressOf } from "../connection.ts";
import { readGossipKey } from "../gossip-key.ts";
import type { NetworkStart } from "../process/governor-start.ts";
import { readTlsFiles, type TlsFiles } from "../tls-files.ts";
import { UsageError } from "../usage.ts";

export interface NetworkFlags extends TlsFiles {
  readonly listen?: readonly string[];
  readonly advertise?: string;
  readonly seeds?: readonly string[];
  readonly beacon?: true | string;
  readonly gossipKey?: string;
}

export interface NetworkPlan {
  /** Of the door, beside its socket in the run folder. */
  readonly listen: readonly Address[];
  /** Undefined: the node runs alone. */
  readonly network: NetworkStart | undefined;
  readonly tls: TlsFiles | undefined;
}

/** Nodes of one local network meet there, where they are asked to. */
const BEACON = "239.192.85.78:7085";

/** Throws a UsageError for the first thing that is wrong. */
export async function networkPlanOf(flags: NetworkFlags): Promise<NetworkPlan> {
  const { tlsKey, tlsCert, tlsCa, tlsName, gossipKey } = flags;
  const hasTls = (await readTlsFiles(flags)) !== undefined;
  const tls = hasTls ? definedOf({ tlsKey, tlsCert, tlsCa, tlsName }) : undefined;
  if (gossipKey !== undefined) await readGossipKey(gossipKey);
  checkAdvertised(flags);
  const listen = (flags.listen ?? []).map((text) => doorAt(text, hasTls, flags.advertise));
  const network = await networkOf(flags, listen);
  return { listen, network, tls };
}

async function networkOf(flags: NetworkFlags, listen: readonly Address[]): Promise<NetworkStart | undefined> {
  const { seeds = [], beacon, gossipKey } = flags;
  const place = listen.map(placeOf).find((each) => each !== undefined);
  if (place === undefined) {
    if (seeds.length === 0 && beacon === undefined) return undefined;
    const far = seeds.find((seed) => !isLoopback(readAddress(seed)?.host ?? ""));
    if (far !== undefined) {
      throw new UsageError(
        `${far} is on another computer, and has to reach this node: say where with --listen HOST:PORT`,
      );
    }
  }
  const advertised = flags.advertise === undefined ? undefined : await advertisedAt(flags.advertise);
  const { scheme, host, port } = place ?? { scheme: "tcp", host: "127.0.0.1", port: 0 };
  const ip = await ipOf(host, "--listen");
  const needsKey = [
    ip,
    ...(advertised === undefined ? [] : [advertised.ip]),
    ...seeds.map((seed) => readAddress(seed)?.host ?? ""),
  ].find((each) => !isLoopback(each));
  if (needsKey !== undefined && gossipKey === undefined) {
    throw new UsageError(
      `${needsKey} is not on this computer, and without a key anybody there could speak as a node: give all nodes the same --gossip-key FILE, made with 'openssl rand -base64 32 > FILE'`,
    );
  }
  return {
    gossip: { host: ip, port },
    ...(advertised === undefined ? {} : { advertise: advertised }),
    seeds,
    containers: `${scheme}://${host.includes(":") ? `[${host}]` : host}:0`,
    ...(beacon === undefined ? {} : { beacon: groupAt(beacon === true ? BEACON : beacon) }),
    ...(gossipKey === undefined ? {} : { keyFile: gossipKey }),
  };
}

/** Others find the door there, also when another governor has taken the place of the first. */
function doorAt(text: string, hasTls: boolean, advertise: string | undefined): Address {
  const plain = readAddress(text);
  const isHome = plain !== undefined && isLoopback(plain.host) && isLoopback(advertise ?? plain.host);
  const address = plain === undefined ? addressOf(text) : `${isHome && !hasTls ? "tcp" : "tls"}://${text}`;
  if (/:0+$/.test(address)) {
    throw new UsageError(`'${text}': a node's door needs a port that stays the same; write one instead of 0`);
  }
  const place = placeOf(address);
  if (place === undefined) return address;
  if (isEveryAddress(place.host) && advertise === undefined) {
    throw new UsageError(
      `'${text}' is every address of this computer: give the one at which other nodes reach this one, or name it with --advertise HOST`,
    );
  }
  if (place.scheme === "tls" && !hasTls) {
    throw new UsageError(
      `'${text}' can be reached from other computers, and without TLS anybody there could call: give --tls-key, --tls-cert and --tls-ca, or listen at 127.0.0.1:${place.port}`,
    );
  }
  return address;
}

function placeOf(address: Address): { scheme: "tcp" | "tls"; host: string; port: number } | undefined {
  const found = /^(tcp|tls):\/\/(.+)$/.exec(address);
  const at = found?.[2] === undefined ? undefined : readAddress(found[2]);
  return at === undefined ? undefined : { scheme: found?.[1] === "tls" ? "tls" : "tcp", ...at };
}

/** Throws a UsageError. */
function checkAdvertised({ advertise: host, listen = [] }: NetworkFlags): void {
  if (host === undefined) return;
  const wrong = (why: string) =>
    new UsageError(
      `--advertise '${host}' ${why}; give the host alone by which other nodes reach this one, as 10.0.0.1`,
    );
  if (listen.every((text) => readAddress(text) === undefined && !/^t(?:cp|ls):/.test(text))) {
    throw new UsageError(
      `--advertise ${host}: say where this node listens, with --listen HOST:PORT; with 'unum up --open HOST:PORT' the same address does for both`,
    );
  }
  if (readAddress(host) !== undefined || /^\[|:\/\//.test(host))
    throw wrong("is more than a host: others use the ports of --listen");
  if (isEveryAddress(host)) throw wrong("leads nowhere");
  if (!isIpAddress(host) && !isHostName(host)) throw wrong("is neither an IP address nor a name");
}

async function advertisedAt(host: string): Promise<{ host: string; ip: string }> {
  return { host, ip: await ipOf(host, "--advertise") };
}

function isEveryAddress(host: string): boolean {
  return /^(?:0\.0\.0\.0|::|0+(?::0*)+)$/.test(host);
}

/** RFC 1123; one of digits alone is an address that was mistyped. */
function isHostName(host: string): boolean {
  const labels = host.split(".");
  return (
    host.length <= 253 &&
    labels.every((label) => /^[A-Za-z\d](?:[A-Za-z\d-]{0,61}[A-Za-z\d])?$/.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? "")
  );
}

async function ipOf(host: string, option: string): Promise<string> {
  if (isIpAddress(host)) return host;
  try {
    return (await lookup(host, { family: isLoopback(host) ? 4 : 0 })).address;
  } catch (error) {
    throw new UsageError(`${option}: ${host} is not known: ${asError(error).message}`);
  }
}

function groupAt(text: string): DatagramAddress {
  const at = readAddress(text);
  const first = Number(at?.host.split(".")[0]);
  if (at !== undefined && ((first >= 224 && first <= 239) || /^ff/i.test(at.host))) return at;
  throw new UsageError(`'${text}' is no multicast group; write one as ${BEACON}`);
}

function definedOf(files: { [K in keyof TlsFiles]: TlsFiles[K] | undefined }): TlsFiles {
  return Object.fromEntries(Object.entries(files).filter(([, file]) => file !== undefined));
}
