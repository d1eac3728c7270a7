import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type DescService, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Contradictions, Kinds, Modes } from "../../test/gen/unum/test/v1/services_pb.ts";
import { Fault } from "../base/fault.ts";
import { Mode } from "./envelope.ts";
import { modeOf } from "./mode.ts";
import { contractsOf, methodAt, registryOf, schemaOf } from "./schema.ts";

/** The contract as another process gets it. */
function overTheWire(contract: DescService): DescService {
  const bytes = toBinary(FileDescriptorSetSchema, schemaOf([contract]));
  const found = registryOf(fromBinary(FileDescriptorSetSchema, bytes)).getService(contract.typeName);
  assert.ok(found);
  return found;
}

describe("schema", () => {
  it("holds each file once, after those it imports", () => {
    const { file } = schemaOf([Kinds, Modes, Modes]);
    const names = file.map((each) => each.name);
    assert.equal(new Set(names).size, names.length);
    for (const [index, each] of file.entries()) {
      for (const dependency of each.dependency)
        assert.ok(names.indexOf(dependency) < index, `${dependency}, ${each.name}`);
    }
    for (const needed of ["unum/test/v1/services.proto", "unum/v1/options.proto", "google/protobuf/struct.proto"]) {
      assert.ok(names.includes(needed), needed);
    }
  });

  it("describes the same contract to who gets it over the wire", () => {
    const contract = overTheWire(Kinds);
    assert.deepEqual(
      contract.methods.map((each) => [each.name, each.input.typeName, each.methodKind]),
      Kinds.methods.map((each) => [each.name, each.input.typeName, each.methodKind]),
    );
    assert.deepEqual(
      contractsOf(registryOf(schemaOf([Kinds])))
        .map((each) => each.typeName)
        .sort(),
      ["unum.test.v1.Contradictions", "unum.test.v1.Kinds", "unum.test.v1.Modes"],
    );
  });

  it("refuses two different files of one name", () => {
    const changed = create(FileDescriptorProtoSchema, { ...Modes.file.proto, package: "unum.other" });
    const other = { ...Modes, file: { ...Modes.file, proto: changed } };
    assert.throws(() => schemaOf([Modes, other]), { code: "invalid", message: /services\.proto/ });
    // Generated twice, but the same.
    const copy = { ...Modes, file: { ...Modes.file } };
    assert.equal(schemaOf([Modes, copy]).file.length, schemaOf([Modes]).file.length);
  });

  it("refuses a set that contradicts itself", () => {
    const { file } = schemaOf([Modes]);
    const incomplete = create(FileDescriptorSetSchema, { file: file.slice(-1) });
    assert.throws(() => registryOf(incomplete), { name: "Fault", code: "invalid" });
  });
});

describe("a method's mode", () => {
  const expected: Record<string, Mode> = {
    Plain: Mode.SYNC,
    Sync: Mode.SYNC,
    Async: Mode.ASYNC,
    Broadcast: Mode.BROADCAST,
    PlainStream: Mode.STREAM,
    Stream: Mode.STREAM,
  };
  for (const [origin, contract] of [
    ["generated code", Modes] as const,
    ["a schema over the wire", overTheWire(Modes)] as const,
  ]) {
    it(`is what the contract says or its shape implies, from ${origin}`, () => {
      const modes = Object.fromEntries(contract.methods.map((method) => [method.name, modeOf(method)]));
      assert.deepEqual(modes, expected);
    });
  }

  for (const contract of [Contradictions, overTheWire(Contradictions)]) {
    for (const method of contract.methods) {
      it(`is refused for ${method.name}, with method and file`, () => {
        const message = new RegExp(`unum\\.test\\.v1\\.Contradictions/${method.name} in unum/test/v1/services\\.proto`);
        assert.throws(() => modeOf(method), { name: "Fault", code: "invalid", message });
      });
    }
  }
});

describe("a contradicting mode", () => {
  const ways: [keyof typeof Contradictions.method, RegExp][] = [
    ["streamOnUnary", /mode STREAM and one answer; say 'returns \(stream/],
    ["broadcastOnStream", /mode BROADCAST and streams its answer; say STREAM/],
    ["bothStream", /streams its request, which no mode serves/],
  ];
  for (const [name, message] of ways) {
    it(`is told with a way out for ${name}`, () => {
      assert.throws(() => modeOf(Contradictions.method[name]), { code: "invalid", message });
    });
  }
});

describe("finding a method", () => {
  const contracts = [Kinds, Modes];

  it("answers the method at its path", () => {
    assert.equal(methodAt("unum.test.v1.Modes/Async", contracts), Modes.method.async);
  });

  const wrong: [string, RegExp][] = [
    ["unum.test.v1.Modes/Asnyc", /did you mean 'unum\.test\.v1\.Modes\/Async'/],
    ["unum.test.v1.modes/async", /did you mean 'unum\.test\.v1\.Modes\/Async'/],
    ["Modes/Async", /did you mean 'unum\.test\.v1\.Modes\/Async'/],
    ["unum.test.v1.Kind/Echo", /did you mean 'unum\.test\.v1\.Kinds\/Echo'/],
    ["unum.test.v1.Kinds/Entirely_Different_From_It", /there are unum\.test\.v1\.Kinds\/Echo$/],
    ["nonsense", /there are unum\.test\.v1\.Kinds\/Echo, unum\.test\.v1\.Modes\/Plain/],
    ["", /there are/],
  ];
  for (const [path, message] of wrong) {
    it(`helps with '${path}'`, () => {
      assert.throws(
        () => methodAt(path, contracts),
        (fault) => {
          assert.ok(fault instanceof Fault && fault.code === "not-found");
          assert.match(fault.message, message);
          return true;
        },
      );
    });
  }

  it("says so where nothing is there", () => {
    assert.throws(() => methodAt("a.B/C", []), { code: "not-found", message: /there are none/ });
  });
});
