// Single messages between computers that may be lost, doubled or overtaken: UDP as Node gives it and as the simulator pretends it.

/** Where datagrams go. `host` is an IP address; a name is allowed only in `send`, where the implementation looks it up. */
export interface DatagramAddress {
  readonly host: string;
  readonly port: number;
}

export interface DatagramSocket {
  /** With the port the system chose. */
  readonly address: DatagramAddress;
  /** Set once, before the turn in which the socket was handed over ends. The receiver owns the bytes. */
  onDatagram: (bytes: Uint8Array, from: DatagramAddress) => void;
  /** Never throws and never waits: what cannot be sent is lost, as on the way. The bytes must not change afterwards. */
  send(bytes: Uint8Array, to: DatagramAddress): void;
  /** Nothing is received after it. May be called again. */
  close(): Promise<void>;
}

export interface DatagramOptions {
  /** A multicast group to hear as well. Sockets of several processes may then share the port. */
  readonly group?: string;
}

export interface Datagrams {
  /** Port 0: any that is free. Rejects with a Fault that names the address and the way out. */
  open(at: DatagramAddress, options?: DatagramOptions): Promise<DatagramSocket>;
}

/** Whether only processes of this computer can send from, and receive at, this host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** `HOST:PORT`, or `[HOST]:PORT` where the host has colons of its own. */
export function addressText({ host, port }: DatagramAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Undefined where the text is not `HOST:PORT` with a port of 1 to 65535. Names are not looked up. */
export function readAddress(text: string): DatagramAddress | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.%]{2,64})\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/.exec(text);
  if (parts === null) return undefined;
  const [, six, other, digits] = parts;
  const port = Number(digits);
  const host = six ?? other;
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** Whether the host is an address and not a name, which would have to be looked up. */
export function isIpAddress(host: string): boolean {
  return host.includes(":") ? /^[0-9a-fA-F:.]+$/.test(host) : IPV4.test(host);
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
