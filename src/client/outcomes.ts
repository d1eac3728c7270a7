// What a caller says of a call to begin with, and what comes of it.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { ApplicationError, Fault } from "../base/fault.ts";
import type { TrailEntry } from "../capacity/rings.ts";
import type { Meta, Scope } from "../messages/envelope.ts";
import type { Address } from "../transports/transport.ts";

/** What a call made while another is worked on takes from it: ttl and scope only shrink, the chain only grows. */
export interface Context {
  readonly deadline: number;
  readonly scope: Scope;
  readonly chain: readonly string[];
  readonly traceparent: string;
  /** Whose, and by which epoch of its owner it acts; empty and 0 where of none. */
  readonly owner: string;
  readonly epoch: number;
}

/** A value, and where it came from. */
export interface Reply<O extends DescMessage = DescMessage> {
  readonly value: MessageShape<O>;
  /** The path to the container that answered: its id first. */
  readonly from: readonly string[];
  readonly address: Address;
  /** Version of the component that answered. */
  readonly version: string;
  readonly meta: Meta;
  readonly state: Uint8Array | undefined;
  /** Places the container had free when it answered. */
  readonly freePlaces: number;
  /** Who refused before. */
  readonly tried: readonly TrailEntry[];
}

/** An ASYNC call that has its place. */
export interface Accepted<O extends DescMessage = DescMessage> {
  readonly from: readonly string[];
  readonly address: Address;
  readonly tried: readonly TrailEntry[];
  /** Waits for the result, until the call's ttl ends. To be asked once. */
  result(): Promise<MessageShape<O>>;
}

/** What became of a BROADCAST at one container. */
export type Outcome<O extends DescMessage = DescMessage> =
  | { readonly address: Address; readonly value: MessageShape<O>; readonly from: readonly string[] }
  | { readonly address: Address; readonly failure: Fault | ApplicationError };
