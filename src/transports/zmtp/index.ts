// Envelopes over sockets: `ipc://`, `tcp://` (loopback) and `tls://`, in ZMTP 3.1.

export { AGE_ERROR_LIMIT_MS } from "./clock-offset.ts";
export { DEFAULT_TRANSPORT_LIMITS, type ZmtpTransportLimits } from "./settings.ts";
export type { ZmtpTransportStats } from "./stats.ts";
export { type ZmtpTransport, type ZmtpTransportOptions, zmtpTransport } from "./zmtp.ts";
