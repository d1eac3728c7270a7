import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  create,
  type DescService,
  fromBinary,
  type MessageInitShape,
  ScalarType,
  setExtension,
  toBinary,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  type DescriptorProtoSchema,
  type EnumDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type MethodDescriptorProtoSchema,
  MethodOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { Kinds, Modes } from "../../test/gen/unum/test/v1/services_pb.ts";
import { contractChanges, schemaChanges } from "./compatible.ts";
import { Mode, mode as modeOption } from "./gen/unum/v1/options_pb.ts";
import { contractsOf, registryOf, schemaOf } from "./schema.ts";

// Contracts are written here as protoc would describe them: `take.v1.Files` with one method `Get(Request) returns (Reply)`.

type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;
type MessageInit = MessageInitShape<typeof DescriptorProtoSchema>;
type EnumInit = MessageInitShape<typeof EnumDescriptorProtoSchema>;

const { OPTIONAL, REPEATED, REQUIRED } = FieldDescriptorProto_Label;
const T = FieldDescriptorProto_Type;

function field(name: string, number: number, type: FieldDescriptorProto_Type, set: FieldInit = {}): FieldInit {
  return { name, number, type, label: OPTIONAL, jsonName: name, ...set };
}

const path = field("path", 1, T.STRING);
const size = field("size", 2, T.INT32);

interface Contract {
  readonly request?: MessageInit;
  readonly reply?: MessageInit;
  readonly messages?: MessageInit[];
  readonly enums?: EnumInit[];
  readonly methods?: MessageInitShape<typeof MethodDescriptorProtoSchema>[];
  readonly syntax?: string;
}

const GET = { name: "Get", inputType: ".take.v1.Request", outputType: ".take.v1.Reply" };

function contract({
  request,
  reply,
  messages = [],
  enums = [],
  methods = [GET],
  syntax = "proto3",
}: Contract): DescService {
  const file = create(FileDescriptorProtoSchema, {
    name: "take/v1/files.proto",
    package: "take.v1",
    syntax,
    messageType: [{ name: "Request", ...request }, { name: "Reply", ...reply }, ...messages],
    enumType: enums,
    service: [{ name: "Files", method: methods }],
  });
  const set = create(FileDescriptorSetSchema, { file: [file] });
  const [found] = contractsOf(registryOf(fromBinary(FileDescriptorSetSchema, toBinary(FileDescriptorSetSchema, set))));
  assert.ok(found);
  return found;
}

/** Each change as `BREAKS MESSAGE.FIELD`, in the order of their names. */
function changes(before: Contract, after: Contract): string[] {
  return contractChanges(contract(before), contract(after))
    .map(({ breaks, message, field: name, breaking }) => {
      assert.equal(breaking, breaks === "wire");
      return `${breaks} ${message.replace("take.v1.", "")}${name === "" ? "" : `.${name}`}`;
    })
    .sort();
}

function requests(...fields: FieldInit[]): Contract {
  return { request: { field: fields } };
}

function replies(...fields: FieldInit[]): Contract {
  return { reply: { field: fields } };
}

/** `reserved`: one number, and perhaps its name. */
function level(values: Record<string, number>, reserved?: number, ...reservedName: string[]): EnumInit {
  const value = Object.entries(values).map(([name, number]) => ({ name, number }));
  const reservedRange = reserved === undefined ? [] : [{ start: reserved, end: reserved }];
  return { name: "Level", value, reservedRange, reservedName };
}

const levelField = field("level", 3, T.ENUM, { typeName: ".take.v1.Level" });
const LEVELS = { ...requests(levelField), enums: [level({ NONE: 0, LOW: 1, HIGH: 2 })] };

describe("a contract that changes", () => {
  const ended = { reservedRange: [{ start: 2, end: 3 }] };
  const endedNamed = { ...ended, reservedName: ["size"] };
  const gets = (set: object) => ({ methods: [{ ...GET, ...set }] });
  const nested = (...fields: FieldInit[]) => ({
    ...requests(field("part", 4, T.MESSAGE, { typeName: ".take.v1.Part" })),
    messages: [{ name: "Part", field: fields }],
  });
  const entry = (valueType: FieldDescriptorProto_Type): Contract => ({
    request: {
      field: [field("sizes", 5, T.MESSAGE, { typeName: ".take.v1.Request.SizesEntry", label: REPEATED })],
      nestedType: [
        {
          name: "SizesEntry",
          options: { mapEntry: true },
          field: [field("key", 1, T.STRING), field("value", 2, valueType)],
        },
      ],
    },
  });
  const inOneof = (...fields: FieldInit[]) => ({
    request: { field: fields.map((each) => ({ ...each, oneofIndex: 0 })), oneofDecl: [{ name: "which" }] },
  });
  const two = { syntax: "proto2" };
  const required = { ...size, label: REQUIRED };

  const table: [string, Contract, Contract, string[]][] = [
    ["not at all changes nothing", requests(path, size), requests(path, size), []],
    ["by the order of its fields changes nothing", requests(path, size), requests(size, path), []],

    ["by a method that is gone", {}, { methods: [] }, ["wire Files.Get"]],
    ["by a new method", {}, { methods: [GET, { ...GET, name: "Put" }] }, ["nothing Files.Put"]],
    ["by a method that streams now", {}, gets({ serverStreaming: true }), ["wire Files.Get"]],
    ["by another input type", {}, gets({ inputType: ".take.v1.Reply" }), ["wire Files.Get"]],
    ["by another output type", {}, gets({ outputType: ".take.v1.Request" }), ["wire Files.Get"]],

    ["by a new field", requests(path), requests(path, size), ["nothing Request.size"]],
    ["by a field that is gone", requests(path, size), requests(path), ["wire Request.size"]],
    ["by a field of the reply that is gone", replies(path, size), replies(path), ["wire Reply.size"]],
    ["by a field that is gone with its number reserved", requests(size), { request: ended }, ["json Request.size"]],
    [
      "by a field that is gone with number and name reserved",
      requests(size),
      { request: endedNamed },
      ["nothing Request.size"],
    ],
    [
      "by a field that is gone with another number reserved",
      requests(size),
      { request: { reservedRange: [{ start: 3, end: 9 }] } },
      ["wire Request.size"],
    ],
    [
      "by a new field with a number that was reserved",
      { request: ended },
      requests(field("other", 2, T.STRING)),
      ["wire Request.other"],
    ],
    [
      "by a field with another number",
      requests(path, size),
      requests(path, { ...size, number: 7 }),
      ["wire Request.size"],
    ],
    [
      "by a field with another name",
      requests(path),
      requests({ ...path, name: "file", jsonName: "file" }),
      ["json Request.path"],
    ],
    [
      "by a field with another name in JSON alone",
      requests(path),
      requests({ ...path, jsonName: "thePath" }),
      ["json Request.path"],
    ],
    [
      "by two fields that swapped their numbers",
      requests(path, size),
      requests({ ...path, number: 2 }, { ...size, number: 1 }),
      ["json Request.path", "json Request.size", "wire Request.path", "wire Request.size"],
    ],

    ["by a field of another encoding", requests(path), requests({ ...path, type: T.INT32 }), ["wire Request.path"]],
    [
      "by text that is bytes now, in requests",
      requests(path),
      requests({ ...path, type: T.BYTES }),
      ["json Request.path"],
    ],
    ["by text that is bytes now, in replies", replies(path), replies({ ...path, type: T.BYTES }), ["wire Reply.path"]],
    [
      "by a number that is wider now, in requests",
      requests(size),
      requests({ ...size, type: T.INT64 }),
      ["json Request.size"],
    ],
    [
      "by a number that is wider now, in replies",
      replies(size),
      replies({ ...size, type: T.INT64 }),
      ["wire Reply.size"],
    ],
    [
      "by a number that is narrower now, in requests",
      requests({ ...size, type: T.INT64 }),
      requests(size),
      ["wire Request.size"],
    ],
    ["by a number that lost its sign", requests(size), requests({ ...size, type: T.UINT32 }), ["wire Request.size"]],

    [
      "by a value that is repeated now, in requests",
      requests(size),
      requests({ ...size, label: REPEATED }),
      ["json Request.size"],
    ],
    [
      "by a value that is repeated now, in replies",
      replies(size),
      replies({ ...size, label: REPEATED }),
      ["wire Reply.size"],
    ],
    [
      "by a repeated value that is single now",
      requests({ ...path, label: REPEATED }),
      requests(path),
      ["wire Request.path"],
    ],
    [
      "by a value that knows now whether it is set",
      requests(size),
      { request: { field: [{ ...size, proto3Optional: true, oneofIndex: 0 }], oneofDecl: [{ name: "_size" }] } },
      [],
    ],
    ["by a map with other values", entry(T.STRING), entry(T.INT32), ["wire Request.sizes"]],
    ["by a map with wider values", entry(T.INT32), entry(T.INT64), ["json Request.sizes"]],
    [
      "by a map that is a single value now",
      entry(T.STRING),
      requests(field("sizes", 5, T.STRING)),
      ["wire Request.sizes"],
    ],

    ["in a message inside", nested(path, size), nested(path), ["wire Part.size"]],
    [
      "by a message inside with another name and the same fields",
      nested(path),
      {
        ...nested(),
        request: { field: [field("part", 4, T.MESSAGE, { typeName: ".take.v1.Other" })] },
        messages: [{ name: "Other", field: [path] }],
      },
      [],
    ],
    ["by a message inside that is bytes now", nested(path), requests(field("part", 4, T.BYTES)), ["json Request.part"]],
    ["by bytes that are a message now", requests(field("part", 4, T.BYTES)), nested(path), ["wire Request.part"]],

    ["by fields that only one of may be set", requests(path, size), inOneof(path, size), ["wire Request.which"]],
    ["by a single field that went into a oneof", requests(path), inOneof(path), []],
    ["by fields that may be set together now", inOneof(path, size), requests(path, size), []],

    [
      "by a new value of an enum",
      LEVELS,
      { ...LEVELS, enums: [level({ NONE: 0, LOW: 1, HIGH: 2, TOP: 3 })] },
      ["nothing Level.TOP"],
    ],
    [
      "by a value of an enum that is gone",
      LEVELS,
      { ...LEVELS, enums: [level({ NONE: 0, LOW: 1 })] },
      ["wire Level.HIGH"],
    ],
    [
      "by a value of an enum that is gone with its number reserved",
      LEVELS,
      { ...LEVELS, enums: [level({ NONE: 0, LOW: 1 }, 2)] },
      ["json Level.HIGH"],
    ],
    [
      "by a value of an enum that is gone with number and name reserved",
      LEVELS,
      {
        ...LEVELS,
        enums: [level({ NONE: 0, LOW: 1 }, 2, "HIGH")],
      },
      ["nothing Level.HIGH"],
    ],
    [
      "by a value of an enum with another name",
      LEVELS,
      { ...LEVELS, enums: [level({ NONE: 0, LOW: 1, TOP: 2 })] },
      ["json Level.HIGH"],
    ],
    [
      "by a value of an enum with another number",
      LEVELS,
      { ...LEVELS, enums: [level({ NONE: 0, LOW: 1, HIGH: 5 })] },
      ["wire Level.HIGH"],
    ],
    [
      "by a new value of an enum with a number that was reserved",
      { ...LEVELS, enums: [level({ NONE: 0 }, 6)] },
      { ...LEVELS, enums: [level({ NONE: 0, TOP: 6 })] },
      ["wire Level.TOP"],
    ],
    [
      "by an enum that is a number now",
      LEVELS,
      requests({ ...levelField, type: T.INT32, typeName: "" }),
      ["json Request.level"],
    ],

    [
      "by a new field that is required",
      { ...requests(path), ...two },
      { ...requests(path, required), ...two },
      ["wire Request.size"],
    ],
    [
      "by a field that is required now, in requests",
      { ...requests(size), ...two },
      { ...requests(required), ...two },
      ["wire Request.size"],
    ],
    ["by a field that is required now, in replies", { ...replies(size), ...two }, { ...replies(required), ...two }, []],
    [
      "by a field that is no longer required, in requests",
      { ...requests(required), ...two },
      { ...requests(size), ...two },
      [],
    ],
    [
      "by a field that is no longer required, in replies",
      { ...replies(required), ...two },
      { ...replies(size), ...two },
      ["wire Reply.size"],
    ],
    [
      "by a required field of the reply that is gone, reserved or not",
      { ...replies(required), ...two },
      { reply: endedNamed, ...two },
      ["nothing Reply.size", "wire Reply.size"],
    ],
    [
      "by text that need not be text in its old version",
      { ...requests(path), ...two },
      requests(path),
      ["wire Request.path"],
    ],
    ["by text that need not be text any more", requests(path), { ...requests(path), ...two }, []],
    [
      "by the first value of an enum that is not set",
      { ...requests(levelField), ...two, enums: [level({ LOW: 1, HIGH: 2 })] },
      { ...requests(levelField), ...two, enums: [level({ HIGH: 2, LOW: 1 })] },
      ["wire Request.level"],
    ],
    [
      "by a number that is an enum now",
      requests({ ...levelField, type: T.INT32, typeName: "" }),
      LEVELS,
      ["json Request.level"],
    ],
    [
      "by a number that is an enum of its own values now",
      { ...requests({ ...levelField, type: T.INT32, typeName: "" }), ...two },
      { ...LEVELS, ...two },
      ["wire Request.level"],
    ],
    [
      "by a large number that is an enum now",
      requests({ ...levelField, type: T.INT64, typeName: "" }),
      LEVELS,
      ["wire Request.level"],
    ],
    [
      "by a group that is bytes now",
      { ...nested(path), ...two, request: { field: [field("part", 4, T.GROUP, { typeName: ".take.v1.Part" })] } },
      { ...requests(field("part", 4, T.BYTES)), ...two },
      ["wire Request.part"],
    ],
    [
      "by a message inside that is a number now",
      nested(path),
      requests(field("part", 4, T.INT32)),
      ["wire Request.part"],
    ],
    [
      "by fields beside which another number is reserved",
      { request: ended },
      { request: { ...ended, field: [field("three", 3, T.STRING), path] } },
      ["nothing Request.path", "nothing Request.three"],
    ],
    [
      "by a field that is gone just behind what is reserved",
      requests(field("three", 3, T.STRING)),
      { request: ended },
      ["wire Request.three"],
    ],
    [
      "by values of an enum that came and went beside what is reserved",
      { ...LEVELS, enums: [level({ NONE: 0, LOW: 1 }, 2)] },
      { ...LEVELS, enums: [level({ NONE: 0, TOP: 3 }, 2)] },
      ["nothing Level.TOP", "wire Level.LOW"],
    ],
    [
      "by another default",
      { ...requests({ ...size, defaultValue: "5" }), ...two },
      { ...requests({ ...size, defaultValue: "6" }), ...two },
      ["wire Request.size"],
    ],
    ["by an enum that takes only its own values now", LEVELS, { ...LEVELS, ...two }, ["wire Request.level"]],
    [
      "by a group that is a message now",
      { ...nested(path), ...two, request: { field: [field("part", 4, T.GROUP, { typeName: ".take.v1.Part" })] } },
      { ...nested(path), ...two },
      ["wire Request.part"],
    ],
  ];
  for (const [says, before, after, expected] of table) {
    it(says, () => assert.deepEqual(changes(before, after), expected));
  }

  it("is gone", () => {
    const [change] = contractChanges(contract({}), undefined);
    assert.deepEqual(change, {
      message: "take.v1.Files",
      field: "",
      what: "take.v1.Files is gone",
      breaks: "wire",
      breaking: true,
    });
  });

  it("by the mode of a method", () => {
    const sends = create(MethodOptionsSchema);
    setExtension(sends, modeOption, Mode.ASYNC);
    const [change] = contractChanges(contract({}), contract(gets({ options: sends })));
    assert.equal(change?.what, "take.v1.Files/Get is ASYNC, before SYNC");
    assert.equal(change?.breaking, true);
  });

  it("says message and field of each change, the worst first", () => {
    const before = contract(requests(path, size, field("note", 3, T.STRING)));
    const after = contract(
      requests({ ...path, jsonName: "thePath" }, { ...size, type: T.STRING }, field("more", 9, T.STRING)),
    );
    assert.deepEqual(
      contractChanges(before, after).map(({ what }) => what),
      [
        "take.v1.Request.size (2) is string now, before int32: its bytes cannot be read as that",
        "take.v1.Request.note (3) is gone and its number is not reserved: what running callers send in it is lost, and another field may get it",
        "take.v1.Request.path (1) is named path now (thePath in JSON)",
        "take.v1.Request.more (9) is new",
      ],
    );
  });

  it("that contains itself is compared once", () => {
    const again = field("part", 8, T.MESSAGE, { typeName: ".take.v1.Part" });
    const before = { ...nested(path, size, again) };
    assert.deepEqual(changes(before, { ...nested(path, again) }), ["wire Part.size"]);
  });

  it("is found among those that are served, of all that a schema holds", () => {
    const files = schemaOf([contract(requests(path)), Modes]);
    const fewer = schemaOf([contract(requests()), Kinds]);
    const told = (...served: string[]) => schemaChanges(files, fewer, served).map(({ what }) => what.slice(0, 40));
    assert.deepEqual(told(), []);
    assert.deepEqual(told("unum.test.v1.Modes"), []);
    assert.deepEqual(told("take.v1.Files"), ["take.v1.Request.path (1) is gone and its"]);
    assert.deepEqual(told("take.v1.Other"), ["take.v1.Other is new"]);
    const gone = schemaChanges(files, create(FileDescriptorSetSchema), ["take.v1.Files"]);
    assert.deepEqual(
      gone.map(({ what }) => what),
      ["take.v1.Files is gone"],
    );
  });

  it("cannot be told where the schema contradicts itself", () => {
    const whole = schemaOf([Modes]);
    const broken = create(FileDescriptorSetSchema, { file: whole.file.slice(-1) });
    assert.throws(() => schemaChanges(whole, broken, []), { name: "Fault", code: "invalid" });
  });
});

describe("one scalar read where another was written", () => {
  const samples: Partial<Record<ScalarType, unknown[]>> = {
    [ScalarType.DOUBLE]: [1.5, -2],
    [ScalarType.FLOAT]: [1.5, -2],
    [ScalarType.INT64]: [1n, -1n, 2n ** 62n, -(2n ** 62n)],
    [ScalarType.UINT64]: [1n, 2n ** 62n, 2n ** 64n - 1n],
    [ScalarType.INT32]: [1, -1, 2 ** 31 - 1, -(2 ** 31)],
    [ScalarType.FIXED64]: [1n, 2n ** 64n - 1n],
    [ScalarType.FIXED32]: [1, 2 ** 32 - 1],
    [ScalarType.BOOL]: [true],
    [ScalarType.STRING]: ["a", "é"],
    [ScalarType.BYTES]: [new Uint8Array([97]), new Uint8Array([0xff, 0xfe])],
    [ScalarType.UINT32]: [1, 2 ** 32 - 1],
    [ScalarType.SFIXED32]: [1, -1],
    [ScalarType.SFIXED64]: [1n, -1n],
    [ScalarType.SINT32]: [1, -1, -(2 ** 31)],
    [ScalarType.SINT64]: [1n, -1n, -(2n ** 62n)],
  };
  const types = Object.keys(samples).map(Number);

  /** As text, whatever the type: 1, 1n and true are the same value. */
  const plain = (value: unknown) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
    if (typeof value === "string") return Buffer.from(value).toString("latin1");
    return String(typeof value === "boolean" ? Number(value) : value);
  };

  /** What arrives where `value` was written, by the codec itself. */
  function arrives(writer: DescService, reader: DescService, value: unknown): string {
    const [input, output] = [writer.methods[0]?.input, reader.methods[0]?.input];
    const [from, to] = [input?.fields[0], output?.fields[0]];
    assert.ok(input && output && from && to);
    const message = reflect(input);
    message.set(from, value);
    try {
      return plain(reflect(output, fromBinary(output, toBinary(input, message.message))).get(to));
    } catch {
      return "cannot be read";
    }
  }

  it("arrives as itself exactly where the comparison says so, by the codec", () => {
    for (const from of types) {
      for (const to of types) {
        // FieldDescriptorProto numbers its types as ScalarType does.
        const [writer, reader] = [from, to].map((type) =>
          contract(requests(field("value", 1, type as FieldDescriptorProto_Type))),
        );
        assert.ok(writer && reader);
        const breaking = contractChanges(writer, reader).some((change) => change.breaking);
        const wrong = (samples[from as ScalarType] ?? []).filter(
          (value) => arrives(writer, reader, value) !== plain(value),
        );
        assert.equal(breaking, wrong.length > 0, `${ScalarType[from]} read as ${ScalarType[to]}: ${wrong}`);
      }
    }
  });
});
