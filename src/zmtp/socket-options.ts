// What a DEALER and a ROUTER are told when they are made.

import type { Env } from "../base/env.ts";
import { type Backoff, DEFAULT_BACKOFF } from "./backoff.ts";
import type { Properties } from "./commands.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { EngineOptions, PeerInfo } from "./engine.ts";
import { Budget, DEFAULT_HEARTBEAT, DEFAULT_LIMITS, type Heartbeat, type ZmtpLimits } from "./limits.ts";
import { DEFAULT_HIGH_WATER_MARK, type HighWaterMark } from "./send-queue.ts";

export interface SocketOptions {
  readonly env: Pick<Env, "clock" | "random" | "network">;
  /** How peers may address this socket: 1 to 255 bytes, the first not zero. Without it the peer makes one up. */
  readonly identity?: Uint8Array;
  /** Further metadata for READY, asked for at each handshake. Names should begin with X-. */
  readonly properties?: () => Properties;
  /** Why a peer is not wanted (at most 255 characters of ASCII, sent to it); undefined where it is. */
  readonly refusal?: (peer: PeerInfo) => string | undefined;
  readonly limits?: Partial<ZmtpLimits>;
  readonly heartbeat?: Partial<Heartbeat>;
  /** What may wait to be sent: of a DEALER together, of a ROUTER for each peer. */
  readonly highWaterMark?: Partial<HighWaterMark>;
  /** Between attempts to connect. */
  readonly backoff?: Partial<Backoff>;
}

export interface SocketSettings {
  readonly env: Pick<Env, "clock" | "random" | "network">;
  readonly limits: ZmtpLimits;
  readonly highWaterMark: HighWaterMark;
  readonly backoff: Backoff;
  connection(role: EngineOptions["role"]): ConnectionOptions;
}

/** The options with their defaults. Everything of one socket shares one budget for unfinished messages. */
export function settle(socketType: "DEALER" | "ROUTER", options: SocketOptions): SocketSettings {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const budget = new Budget(limits.partialBytes);
  const shared = {
    socketType,
    identity: options.identity,
    properties: options.properties,
    refusal: options.refusal,
    limits,
    budget,
    clock: options.env.clock,
    heartbeat: { ...DEFAULT_HEARTBEAT, ...options.heartbeat },
  };
  return {
    env: options.env,
    limits,
    highWaterMark: { ...DEFAULT_HIGH_WATER_MARK, ...options.highWaterMark },
    backoff: { ...DEFAULT_BACKOFF, ...options.backoff },
    connection: (role) => ({ ...shared, role }),
  };
}
