// What a transport counts, so that nothing is dropped unseen.

export interface ZmtpTransportStats {
  /** Connections that stand now: accepted, and dialled. */
  accepted: number;
  dialled: number;
  /** Calls that wait for a connection or for credit now, and replies that wait for their callers' credit. */
  queuedCalls: number;
  queuedReplies: number;
  /** Connections that ended, by reason. */
  readonly ended: Record<string, number>;
  /** Peers that did not get through the handshake, by reason: a reason of ZMTP, `no-wire`, `wire-version`, `bad-window`. */
  readonly refused: Record<string, number>;
  bytesReceived: number;
  bytesSent: number;
  requestsSent: number;
  requestsReceived: number;
  repliesSent: number;
  repliesReceived: number;
  cancelsSent: number;
  cancelsReceived: number;
  /** Connections closed because of what came over them. */
  garbage: number;
  /** Requests whose time to live had run out when they arrived; answered `expired`, never handed on. */
  stale: number;
  /** Calls that expired while they waited for a connection or for credit. */
  expiredUnsent: number;
  /** Replies that came after their call was given up, or twice. */
  lateReplies: number;
  /** Replies whose caller's connection was gone, or whose caller did not read them. */
  lostReplies: number;
  /** Calls refused because a queue or the table of calls was full. */
  overloaded: number;
}

export function newStats(): ZmtpTransportStats {
  return {
    accepted: 0,
    dialled: 0,
    queuedCalls: 0,
    queuedReplies: 0,
    ended: {},
    refused: {},
    bytesReceived: 0,
    bytesSent: 0,
    requestsSent: 0,
    requestsReceived: 0,
    repliesSent: 0,
    repliesReceived: 0,
    cancelsSent: 0,
    cancelsReceived: 0,
    garbage: 0,
    stale: 0,
    expiredUnsent: 0,
    lateReplies: 0,
    lostReplies: 0,
    overloaded: 0,
  };
}

/** The keys come from closed lists, so a hostile peer cannot make the record grow. */
export function count(record: Record<string, number>, key: string): void {
  record[key] = (record[key] ?? 0) + 1;
}
