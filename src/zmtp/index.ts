// The ZeroMQ wire protocol ZMTP 3.1 in TypeScript: DEALER and ROUTER sockets, and the engine under them.
//
// The engine takes bytes and answers events and bytes; it knows no socket, no timer and nothing of Unum.
// Connection puts it on a stream and a clock; DealerSocket and RouterSocket are what libzmq's users know.
// Sizes are bytes, times are milliseconds on the Clock that is handed in. Failures are ZmtpFaults with a reason.

export { type Backoff, backoffMs, DEFAULT_BACKOFF } from "./backoff.ts";
export { type Properties, property, textBytes, textProperty } from "./commands.ts";
export { Connection, type ConnectionHandlers, type ConnectionOptions } from "./connection.ts";
export { type DealerHandlers, DealerSocket } from "./dealer.ts";
export { Engine, type EngineEvents, type EngineOptions, type PeerInfo } from "./engine.ts";
export { Budget, DEFAULT_HEARTBEAT, DEFAULT_LIMITS, type Heartbeat, type ZmtpLimits } from "./limits.ts";
export { type RouterHandlers, RouterPeer, RouterSocket, type SendOutcome } from "./router.ts";
export { DEFAULT_HIGH_WATER_MARK, type HighWaterMark } from "./send-queue.ts";
export type { SocketOptions } from "./socket-options.ts";
export { ZMTP_REASONS, ZmtpFault, type ZmtpReason } from "./zmtp-fault.ts";
