// Archives that somebody made in order to harm: what is wrong with each, and what it is refused with.

import { digestOf } from "../../src/machine/archive/archive.ts";
import { type ZipEntry, zipOf } from "./zip-maker.ts";

const plain: ZipEntry = { name: "components/a/a.ts", content: "export default 1;" };
export const mib = (count: number) => Buffer.alloc(count * 2 ** 20);
const mode = (bits: number) => ({ both: { attributes: (bits << 16) >>> 0 } });
const named = (name: string | Buffer) => [{ ...plain, name }];

function manifestOf(set: object = {}, files: readonly ZipEntry[] = [plain]) {
  const listed = files.map(({ name, content = "" }) => {
    const bytes = Buffer.from(content);
    return { path: String(name), bytes: bytes.length, sha256: digestOf(bytes) };
  });
  const manifest = {
    ...{ unum: 1, name: "bad", version: "1.0.0", parts: [{ kind: "component", folder: "components" }] },
    ...{ contracts: "contracts.binpb", serves: [], files: listed, ...set },
  };
  return zipOf([{ name: "MANIFEST.json", content: JSON.stringify(manifest) }, ...files]);
}

/** What is refused by the rules for zip files, before a manifest is looked for. */
export const ZIPS: readonly (readonly [string, () => Buffer, RegExp])[] = [
  ["climbs out of the folder", () => zipOf(named("../../etc/passwd")), /relative path|invalid relative/],
  ["climbs out in the middle of a name", () => zipOf(named("a/../../b")), /relative path/],
  ["has an absolute name", () => zipOf(named("/etc/passwd")), /relative path|absolute/],
  ["has a name with a drive", () => zipOf(named("C:/windows/x")), /relative path|absolute/],
  ["has backslashes in a name", () => zipOf(named("a\\..\\..\\b")), /relative path|characters/],
  ["has a NUL in a name", () => zipOf(named("a.ts\0.txt")), /relative path/],
  ["has a line break in a name", () => zipOf(named("a\nb.ts")), /relative path/],
  ["has a name that begins with a dot", () => zipOf(named(".ssh/authorized_keys")), /relative path/],
  ["has an empty name", () => zipOf(named("")), /relative path/],
  ["has an empty part in a name", () => zipOf(named("a//b.ts")), /relative path/],
  ["has a name that is a device elsewhere", () => zipOf(named("components/con.ts")), /relative path/],
  ["has a name in no known letters", () => zipOf(named(Buffer.from([0x61, 0xff, 0xfe]))), /relative path/],
  ["has letters that look like others", () => zipOf(named("cоmponents/a.ts")), /relative path/],
  ["has a very long name", () => zipOf(named("a".repeat(5_000))), /relative path/],
  ["has a very deep name", () => zipOf(named(Array(99).fill("a").join("/"))), /relative path/],
  ["has an entry for a folder", () => zipOf(named("components/")), /relative path/],
  ["has the same file twice", () => zipOf([plain, plain]), /two entries/],
  ["has a file twice but for upper case", () => zipOf([plain, { ...plain, name: "COMPONENTS/a/A.ts" }]), /two entries/],
  ["has a file that is also a folder", () => zipOf([{ name: "a/b" }, { name: "a" }]), /a file and a folder/],
  ["has a folder that is also a file", () => zipOf([{ name: "a" }, { name: "A/b" }]), /a file and a folder/],
  ["has a symbolic link", () => zipOf([{ ...plain, ...mode(0o120777), content: "/etc/passwd" }]), /no regular file/],
  ["has a device", () => zipOf([{ ...plain, ...mode(0o060666) }]), /no regular file/],
  ["has a pipe", () => zipOf([{ ...plain, ...mode(0o010666) }]), /no regular file/],
  ["is encrypted", () => zipOf([{ ...plain, both: { flags: 1 } }]), /flags|encrypted/],
  ["is packed in another way", () => zipOf([{ ...plain, both: { method: 12 } }]), /method/],
  ["unpacks a thousandfold", () => zipOf([{ name: "bomb", content: mib(60) }]), /times its size/],
  ["unpacks to more than a file may have", () => zipOf([{ name: "big", both: { size: 2 ** 31 } }]), /limit/],
  [
    "has many files that are too much together",
    () =>
      zipOf(
        Array.from({ length: 40 }, (_, i) => ({ name: `f${i}`, both: { size: 60_000 * 2 ** 10, packed: 2 ** 20 } })),
      ),
    /together|beyond|limit|contradict|end|size/i,
  ],
  [
    "says that a file is smaller than it is",
    () => zipOf([{ name: "a", content: mib(0.1), both: { size: 10 } }]),
    /more|too many bytes/i,
  ],
  [
    "says that a file is larger than it is",
    () => zipOf([{ name: "a", both: { size: 1_000 } }]),
    /less|not enough bytes/i,
  ],
  ["has a wrong checksum", () => zipOf([{ ...plain, both: { crc: 1 } }]), /checksum/],
  [
    "has another name in the file's own header",
    () => zipOf([{ ...plain, local: { name: "components/a/b.ts" } }]),
    /contradict/,
  ],
  ["has another size in the file's own header", () => zipOf([{ ...plain, local: { size: 3 } }]), /contradict/],
  ["has another method in the file's own header", () => zipOf([{ ...plain, local: { method: 0 } }]), /contradict/],
  [
    "has entries that overlap",
    () =>
      zipOf([
        { name: "a", content: "x" },
        { name: "b", content: "x", central: { offset: 0 } },
      ]),
    /contradict|overlap/,
  ],
  [
    "has entries that share their bytes",
    () => zipOf([{ name: "a" }, { name: "a2", local: { name: "a2" }, central: { offset: 2 ** 20 } }]),
    /refused/,
  ],
  [
    "has 60,000 entries",
    () => zipOf(Array.from({ length: 60_000 }, (_, i) => ({ name: `f${i}`, content: "" }))),
    /60000 entries/,
  ],
  ["says that it has fewer entries than it has", () => zipOf([plain, { name: "b" }], { count: 1 }), /refused|MANIFEST/],
  ["says that it has more entries than it has", () => zipOf([plain], { count: 9 }), /refused/],
  ["has its directory beyond its end", () => zipOf([plain], { centralOffset: 2 ** 30 }), /refused/],
  [
    "has something before it",
    () => zipOf([plain], { prefix: Buffer.from("#!/bin/sh\nrm -rf /\n"), centralOffset: 5 }),
    /refused/,
  ],
  ["has something after it", () => zipOf([plain], { suffix: Buffer.from("more") }), /refused/],
  ["is empty", () => Buffer.alloc(0), /refused/],
  ["is no zip", () => Buffer.from("hello, this is a text and no archive at all"), /refused/],
  ["is cut", () => zipOf([plain]).subarray(0, -30), /refused/],
];

/** What is a sound zip and no sound program. */
export const PROGRAMS: readonly (readonly [string, () => Buffer, RegExp])[] = [
  ["has no manifest", () => zipOf([plain]), /no MANIFEST/],
  ["has a manifest that is no JSON", () => zipOf([{ name: "MANIFEST.json", content: "{" }]), /no JSON/],
  [
    "has a manifest that is no text",
    () => zipOf([{ name: "MANIFEST.json", content: Buffer.from([0xff, 0xfe]) }]),
    /no JSON/,
  ],
  ["has a manifest with fields nobody knows", () => manifestOf({ run: "rm" }), /MANIFEST.json/],
  ["has a name that is a path", () => manifestOf({ name: "../x" }), /name/],
  ["has a version that is none", () => manifestOf({ version: "latest" }), /version/],
  ["asks for what there is not", () => manifestOf({ capabilities: ["root"] }), /capabilities/],
  ["has a manifest of another format", () => manifestOf({ unum: 2 }), /unum/],
  ["has a file that its manifest does not name", () => manifestOf({ files: [] }), /not in its manifest/],
  [
    "names a file that it does not have",
    () => manifestOf({ files: [{ path: "x", bytes: 1, sha256: "0".repeat(64) }] }),
    /not in it/,
  ],
  [
    "has other bytes than its manifest says",
    () => manifestOf({ files: [{ path: plain.name, bytes: 17, sha256: "0".repeat(64) }] }),
    /not what its manifest says/,
  ],
  ["has no contracts", () => manifestOf(), /contracts/],
  [
    "has contracts that are none",
    () => manifestOf({}, [plain, { name: "contracts.binpb", content: "\xff\xff\xff" }]),
    /descriptor set/,
  ],
  [
    "serves what its contracts do not have",
    () => manifestOf({ serves: ["a.B"] }, [plain, { name: "contracts.binpb", content: "" }]),
    /not in its contracts/,
  ],
  [
    "has a part that is not in it",
    () =>
      manifestOf({ parts: [{ kind: "wasm", module: "m.wasm", contract: "a.B", functions: {} }] }, [
        plain,
        { name: "contracts.binpb", content: "" },
      ]),
    /part 'm.wasm'/,
  ],
];
