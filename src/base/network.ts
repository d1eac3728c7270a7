// Streams of bytes between processes, as Node's sockets give them and as the simulator pretends them.

/** Where a stream ends. */
export type Endpoint =
  | { readonly kind: "ipc"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "tls"; readonly host: string; readonly port: number; readonly tls: TlsSettings };

/** PEM texts. Both ends show a certificate; TLS 1.3 only. */
export interface TlsSettings {
  readonly key: string;
  readonly cert: string;
  /** Who signed the other side's certificate. */
  readonly ca: string;
  /** The name the other side's certificate must carry, where it is not the host dialled. */
  readonly serverName?: string;
}

/** What holds for all TLS of a process, beside what each endpoint says. */
export interface TlsRules {
  /** Common names of certificates that are not taken: neither of a peer nor of who signed the peer's. */
  readonly barred: readonly string[];
  /**
   * Shown and believed in place of what endpoints of the same root say, the server name left as it was; undefined: as was said
   * before of that root.
   */
  readonly own?: TlsSettings;
}

/** One ordered stream of bytes each way. Handlers are set once, before the turn in which the stream was handed over ends. */
export interface ByteStream {
  onData: (bytes: Uint8Array) => void;
  /** Room again after `write` answered false. */
  onDrain: () => void;
  /** Called once; nothing is called after it. */
  onClose: (cause: Error | undefined) => void;
  /** Takes ownership of the bytes: the caller must not change them afterwards. False: the buffer is past its mark, wait for onDrain. */
  write(bytes: Uint8Array): boolean;
  /** No onData until resume. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes. */
  end(): void;
  /** Closes at once; unsent and unread bytes are lost. */
  destroy(): void;
  /** Bytes written and not yet taken by the system. */
  readonly buffered: number;
  /** For logs and errors. */
  readonly peer: string;
  /** The common name of the certificate that the peer has shown; absent where it has shown none. */
  readonly name?: string;
}

export interface Listening {
  /** The endpoint with the port the system chose. */
  readonly endpoint: Endpoint;
  /** No further streams; those that exist go on. Removes an ipc path. */
  close(): Promise<void>;
}

export interface Network {
  /** Rejects with a Fault that names the endpoint and the way out (in use, no right, path too long, no such folder). */
  listen(at: Endpoint, onStream: (stream: ByteStream) => void): Promise<Listening>;
  /** Rejects with the Fault `undeliverable` when nobody listens there or `timeoutMs` passed. */
  connect(to: Endpoint, timeoutMs: number): Promise<ByteStream>;
  /** From now on. Streams to whom the rules bar are ended before it returns. Absent where there is no TLS. */
  ruleTls?(rules: TlsRules): void;
}
