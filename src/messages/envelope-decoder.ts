// An envelope from bytes that are not believed. Every field has a limit, and what breaks one is the Fault `invalid` with field and byte:
//   - numbers above 2^53 - 1, kinds, modes and scopes this version does not know (it could not serve them);
//   - text that is not UTF-8, groups, wrong wire types, lengths past the end.
// Fields of newer versions are skipped. As everywhere in protobuf the last of a repeated singular field counts,
// and parts of a repeated `failure` are merged.
//
// Hot path (bench/codec.ts). The generated codec is the oracle in envelope-codec.test.ts.
//
// `value`, `items` and `state` of a decoded envelope are windows on the bytes it was decoded from, not copies:
// those bytes must not change while the envelope lives.

import { ApplicationError, Fault, isFaultCode } from "../base/fault.ts";
import { ENVELOPE_LIMIT_BYTES, type Envelope, Kind, Mode, Scope } from "./envelope.ts";
import { APPLICATION, FIELDS, KINDS, LIMITS, MODES, nameOf, PART, SCOPES, TAG, tooLarge } from "./envelope-fields.ts";
import { WireReader } from "./wire-reader.ts";

const NONE: readonly never[] = [];

/** The envelope of these bytes from `start` on, its deadline counted from `now`. Throws the Fault `invalid`, and nothing else. */
export function decodeEnvelope(encoded: Uint8Array, now: number, start = 0): Envelope {
  const size = encoded.length - start;
  if (size > ENVELOPE_LIMIT_BYTES) throw tooLarge(size);
  const reader = new WireReader(encoded, nameOf, start);
  let id = 0;
  let kind: Kind = Kind.UNKNOWN;
  let mode: Mode = Mode.UNSPECIFIED;
  let from: string[] | undefined;
  let to = "";
  let value: Uint8Array | undefined;
  let items: Uint8Array[] | undefined;
  let failure: FailureParts | undefined;
  let meta: MetaParts | undefined;
  let state: Uint8Array | undefined;
  let ttlUs = 0;
  let scope: Scope = Scope.ANYWHERE;
  let chain: string[] | undefined;
  let hops = 0;
  let idempotencyKey = "";
  let traceparent = "";
  let epoch = 0;
  let version = "";
  let credit = 0;
  let last = false;
  let owner = "";
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case TAG.id:
        id = reader.uint53();
        break;
      case TAG.kind:
        kind = choice(reader, KINDS);
        break;
      case TAG.mode:
        mode = choice(reader, MODES);
        break;
      case TAG.from:
        from = readText(reader, from, LIMITS.fromEntries);
        break;
      case TAG.to:
        to = reader.name(LIMITS.nameBytes);
        break;
      case TAG.value:
        value = reader.bytes();
        break;
      case TAG.items:
        items ??= [];
        if (items.length === LIMITS.items) throw reader.refuse(`more than ${LIMITS.items} entries`);
        items.push(reader.bytes());
        break;
      case TAG.failure:
        failure = readFailure(reader, failure ?? { code: "", message: "", type: "" });
        break;
      case TAG.meta:
        meta = readMeta(reader, meta ?? { entries: {}, count: 0, bytes: 0 });
        break;
      case TAG.state:
        state = reader.bytes();
        break;
      case TAG.ttlUs:
        ttlUs = reader.uint53();
        break;
      case TAG.scope:
        scope = choice(reader, SCOPES);
        break;
      case TAG.chain:
        chain = readText(reader, chain, LIMITS.chainEntries);
        break;
      case TAG.hops:
        hops = reader.uint32();
        break;
      case TAG.idempotencyKey:
        idempotencyKey = reader.text(LIMITS.nameBytes);
        break;
      case TAG.traceparent:
        traceparent = reader.text(LIMITS.nameBytes);
        break;
      case TAG.epoch:
        epoch = reader.uint53();
        break;
      case TAG.version:
        version = reader.name(LIMITS.nameBytes);
        break;
      case TAG.credit:
        credit = reader.uint32();
        break;
      case TAG.last:
        last = reader.bool();
        break;
      case TAG.owner:
        owner = reader.name(LIMITS.nameBytes);
        break;
      default:
        skipUnknown(reader, tag, FIELDS.length);
    }
  }
  if (kind === Kind.UNKNOWN) throw new Fault("invalid", `an envelope without kind, in ${size} bytes`);
  return {
    kind,
    mode,
    id,
    from: from ?? NONE,
    to,
    value,
    items: items ?? NONE,
    failure: failure === undefined ? undefined : toFailure(failure),
    meta: meta?.entries,
    state,
    deadline: now + ttlUs / 1000,
    scope,
    chain: chain ?? NONE,
    hops,
    idempotencyKey,
    traceparent,
    epoch,
    version,
    credit,
    last,
    owner,
    prefer: undefined,
  };
}

/** The id, as far as it can be read from bytes that may be broken further on: so that even these get their answer. */
export function readEnvelopeId(encoded: Uint8Array): number | undefined {
  const reader = new WireReader(encoded, nameOf);
  let id: number | undefined;
  try {
    while (!reader.done) {
      if (reader.tag() === TAG.id) id = reader.uint53();
      else reader.skip();
    }
  } catch (thrown) {
    // Bytes that break after the id are what this function is for.
    if (!(thrown instanceof Fault)) throw thrown;
  }
  return id;
}

interface FailureParts {
  code: string;
  message: string;
  type: string;
}

interface MetaParts {
  entries: Record<string, string>;
  count: number;
  bytes: number;
}

function choice<T>(reader: WireReader, known: readonly T[]): T {
  const at = reader.position;
  const number = reader.uint53();
  const chosen = known[number];
  if (chosen === undefined) throw reader.refuse(`${number}, which this version does not know,`, at);
  return chosen;
}

function readText(reader: WireReader, into: string[] | undefined, most: number): string[] {
  const list = into ?? [];
  if (list.length === most) throw reader.refuse(`more than ${most} entries`);
  list.push(reader.name(LIMITS.nameBytes));
  return list;
}

function readFailure(reader: WireReader, into: FailureParts): FailureParts {
  const outer = reader.enter();
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === PART.first) into.code = reader.text(LIMITS.nameBytes);
    else if (tag === PART.second) into.message = reader.text(LIMITS.messageBytes);
    else if (tag === PART.third) into.type = reader.text(LIMITS.nameBytes);
    else skipUnknown(reader, tag, 3);
  }
  reader.leave(outer);
  return into;
}

function readMeta(reader: WireReader, into: MetaParts): MetaParts {
  const at = reader.position;
  const outer = reader.enter();
  let key = "";
  let value = "";
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === PART.first) key = reader.text(LIMITS.metaBytes);
    else if (tag === PART.second) value = reader.text(LIMITS.metaBytes);
    else skipUnknown(reader, tag, 2);
  }
  reader.leave(outer);
  into.count++;
  into.bytes += reader.position - at;
  if (into.count > LIMITS.metaEntries) throw reader.refuse(`more than ${LIMITS.metaEntries} entries`, at);
  // Counts the few bytes of framing too, which the writer's own limit does not.
  if (into.bytes > LIMITS.metaBytes + LIMITS.metaEntries * 16) {
    throw reader.refuse(`more than ${LIMITS.metaBytes} bytes`, at);
  }
  setOwn(into.entries, key, value);
  return into;
}

/** Assigning to `__proto__` would change the object's prototype instead of adding a key. */
function setOwn(record: Record<string, string>, key: string, value: string): void {
  if (key === "__proto__") {
    Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
  } else record[key] = value;
}

function skipUnknown(reader: WireReader, tag: number, known: number): void {
  if (tag >>> 3 <= known) throw reader.refuse(`wire type ${tag & 7}, which this field does not have,`);
  reader.skip();
}

/**
 * A code of a newer version says what this one cannot weigh, so it is taken as `internal`: the code after which nothing
 * is tried again. Its message stays, with the code behind it.
 */
function toFailure({ code, message, type }: FailureParts): Fault | ApplicationError {
  if (code === APPLICATION) return new ApplicationError(type, message);
  if (isFaultCode(code)) return new Fault(code, message);
  return new Fault("internal", `${message} (code '${code}', which this version does not know)`);
}
