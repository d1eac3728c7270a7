// One ZMTP connection without its socket: bytes in; events and bytes out. RFC 37/ZMTP 3.1, with peers of 23/ZMTP 3.0.
//
//   greeting ──▶ handshake ──▶ open ──▶ over
//      └─────────────┴───────────┴──────▶
//
// Invariants
//   I1. The peer's greeting is answered for before READY is sent, and READY before any message.
//   I2. The side that accepts sends READY or ERROR only after it has seen the peer's READY,
//       so a peer that is not wanted learns it from its handshake.
//   I3. After `over` nothing is sent and no event comes; `over` comes once.

import {
  type Command,
  decodeCommand,
  encodeError,
  encodePing,
  encodePong,
  encodeReady,
  type Properties,
  property,
  textBytes,
  textProperty,
} from "./commands.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { GREETING_BYTES, greeting, greetingFault, minorOf } from "./greeting.ts";
import type { Budget, ZmtpLimits } from "./limits.ts";
import { ZmtpFault } from "./zmtp-fault.ts";

/** Which types may talk to which. */
const PARTNERS: Readonly<Record<"DEALER" | "ROUTER", readonly string[]>> = {
  DEALER: ["DEALER", "ROUTER", "REP"],
  ROUTER: ["DEALER", "ROUTER", "REQ"],
};

/** What the peer said of itself in its handshake. */
export interface PeerInfo {
  readonly socketType: string;
  /** Empty where it gave none. */
  readonly identity: Uint8Array;
  /** All of its metadata, Socket-Type and Identity included. */
  readonly properties: Properties;
  /** 3.0 or 3.1. */
  readonly version: string;
}

export interface EngineOptions {
  readonly socketType: "DEALER" | "ROUTER";
  /** Whether the peer came to this side; decides who answers whom (I2). */
  readonly role: "dials" | "accepts";
  /** Sent as Identity; at most 255 bytes, not beginning with a zero byte. */
  readonly identity?: Uint8Array | undefined;
  /** Further metadata, asked for when READY is written. Names should begin with X-. */
  readonly properties?: (() => Properties) | undefined;
  /** Why this peer is not wanted, in at most 255 characters of ASCII; undefined where it is. */
  readonly refusal?: ((peer: PeerInfo) => string | undefined) | undefined;
  readonly limits: ZmtpLimits;
  readonly budget?: Budget | undefined;
}

export interface EngineEvents {
  /** Bytes for the peer, which nobody writes again. */
  output(bytes: Uint8Array): void;
  ready(peer: PeerInfo): void;
  /** The parts are windows on the bytes pushed in. */
  message(parts: Uint8Array[]): void;
  /** The peer asks for a sign of life: answer with pong. It means to fall silent for no longer than `ttlMs`; 0 where it does not say. */
  pinged(ttlMs: number, context: Uint8Array): void;
  /** The connection cannot go on. Bytes of an ERROR command may have gone out just before. */
  over(fault: ZmtpFault): void;
}

type Phase = "greeting" | "handshake" | "open" | "over";

const NO_IDENTITY = new Uint8Array(0);

export class Engine {
  readonly #options: EngineOptions;
  readonly #events: EngineEvents;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #greeting = new Uint8Array(GREETING_BYTES);
  #greetingFill = 0;
  #minor = 1;
  #phase: Phase = "greeting";

  constructor(options: EngineOptions, events: EngineEvents) {
    this.#options = options;
    this.#events = events;
    this.#writer = new FrameWriter((bytes) => events.output(bytes));
    this.#reader = new FrameReader(
      { message: (parts) => this.#message(parts), command: (body) => this.#command(body) },
      options.limits,
      options.budget,
    );
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether a message has begun to arrive and not ended. */
  get partial(): boolean {
    return this.#reader.partial;
  }

  /** Bytes sent and not yet put out. */
  get waiting(): number {
    return this.#writer.waiting;
  }

  /** Puts out the greeting. */
  start(): void {
    this.#events.output(greeting());
  }

  /** Takes ownership of the bytes. Never throws for what they hold. */
  push(bytes: Uint8Array): void {
    if (this.#phase === "over") return;
    try {
      if (this.#phase !== "greeting") return this.#reader.push(bytes);
      const taken = this.#takeGreeting(bytes);
      if (taken < bytes.length) this.#reader.push(bytes.subarray(taken));
    } catch (thrown) {
      if (!(thrown instanceof ZmtpFault)) throw thrown;
      this.stop(thrown);
    }
  }

  /** One message. Takes ownership of its parts. Only while open; put out by flush or when a slab is full. */
  send(parts: readonly Uint8Array[]): void {
    this.#mustBeOpen();
    if (parts.length === 0)
      throw new ZmtpFault("malformed", "a message without parts, expected at least one, which may be empty");
    this.#writer.message(parts);
  }

  /** A message of one part, `front` followed by `back`, without joining them. Copies `front`, which must be small; takes ownership of `back`. */
  sendJoined(front: Uint8Array, back: Uint8Array): void {
    this.#mustBeOpen();
    this.#writer.joined(front, back);
  }

  /** Asks the peer for a sign of life; false where its version knows no PING. */
  ping(ttlMs: number): boolean {
    if (this.#phase !== "open" || this.#minor < 1) return false;
    this.#writer.command(encodePing(ttlMs, NO_IDENTITY));
    return true;
  }

  pong(context: Uint8Array): void {
    if (this.#phase === "open") this.#writer.command(encodePong(context));
  }

  /** Tells the peer why it is not wanted, as far as the protocol still can. */
  sendError(reason: string): void {
    if (this.#phase !== "handshake" && this.#phase !== "open") return;
    this.#writer.command(encodeError(reason));
    this.#writer.flush();
  }

  flush(): void {
    if (this.#phase !== "over") this.#writer.flush();
  }

  /** Ends it; `over` comes where it had not yet come. */
  stop(fault: ZmtpFault): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#reader.stop();
    this.#events.over(fault);
  }

  #takeGreeting(bytes: Uint8Array): number {
    const taken = Math.min(GREETING_BYTES - this.#greetingFill, bytes.length);
    this.#greeting.set(bytes.subarray(0, taken), this.#greetingFill);
    this.#greetingFill += taken;
    const fault = greetingFault(this.#greeting, this.#greetingFill);
    if (fault !== undefined) throw fault;
    if (this.#greetingFill < GREETING_BYTES) return taken;
    this.#minor = minorOf(this.#greeting);
    this.#phase = "handshake";
    if (this.#options.role === "dials") this.#sendReady();
    return taken;
  }

  #sendReady(): void {
    const properties = new Map<string, Uint8Array>([["Socket-Type", textBytes(this.#options.socketType)]]);
    // A ROUTER has no identity of its own to give, but sends the property as libzmq does.
    properties.set("Identity", this.#options.identity ?? NO_IDENTITY);
    for (const [name, value] of this.#options.properties?.() ?? []) properties.set(name, value);
    this.#writer.command(encodeReady(properties));
    this.#writer.flush();
  }

  #message(parts: Uint8Array[]): void {
    if (this.#phase === "open") return this.#events.message(parts);
    if (this.#phase !== "over") throw new ZmtpFault("malformed", "a message before READY");
  }

  #command(body: Uint8Array): void {
    const command = decodeCommand(body);
    if (this.#phase === "handshake") this.#inHandshake(command);
    else if (this.#phase === "open") this.#whileOpen(command);
  }

  #inHandshake(command: Command): void {
    if (command.name === "ERROR")
      throw new ZmtpFault("peer-refused", `the peer refused: ${command.reason || "no reason given"}`);
    if (command.name !== "READY")
      throw new ZmtpFault("malformed", `the command ${command.name} where READY is expected`);
    const peer = this.#peer(command.properties);
    const refusal = this.#refusal(peer);
    if (refusal !== undefined) {
      this.sendError(refusal.message);
      throw refusal;
    }
    if (this.#options.role === "accepts") this.#sendReady();
    this.#phase = "open";
    this.#events.ready(peer);
  }

  #peer(properties: Properties): PeerInfo {
    return {
      socketType: textProperty(properties, "Socket-Type") ?? "",
      identity: property(properties, "Identity") ?? NO_IDENTITY,
      properties,
      version: `3.${this.#minor}`,
    };
  }

  #refusal(peer: PeerInfo): ZmtpFault | undefined {
    const { socketType } = this.#options;
    if (!PARTNERS[socketType].includes(peer.socketType)) {
      const named = peer.socketType.replace(/[^A-Z]/g, "?").slice(0, 20);
      return new ZmtpFault(
        "socket-type",
        `a ${named || "nameless"} peer, a ${socketType} talks to ${PARTNERS[socketType].join(", ")}`,
      );
    }
    if (peer.identity.length > 255 || peer.identity[0] === 0) {
      return new ZmtpFault("identity", "an identity of more than 255 bytes or beginning with a zero byte");
    }
    const refusal = this.#options.refusal?.(peer);
    return refusal === undefined ? undefined : new ZmtpFault("refused", refusal);
  }

  #whileOpen(command: Command): void {
    switch (command.name) {
      case "PING":
        return this.#events.pinged(command.ttlMs, command.context);
      case "ERROR":
        throw new ZmtpFault("peer-refused", `the peer ended the connection: ${command.reason || "no reason given"}`);
      case "READY":
        throw new ZmtpFault("malformed", "a second READY");
      default:
      // PONG is a sign of life like any byte. Unknown commands are passed over, as libzmq does.
    }
  }

  #mustBeOpen(): void {
    if (this.#phase !== "open") throw new ZmtpFault("closed", `nothing can be sent in phase '${this.#phase}'`);
  }
}
