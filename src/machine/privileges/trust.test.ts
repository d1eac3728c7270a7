// An operator's word for a program: whose counts, and for what.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ProgramWantedSchema } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import type { Archive } from "../archive/archive.ts";
import { checkProgramChange } from "../controller/program-change.ts";
import { newSigningKey } from "../keys/signing-key.ts";
import { type Allowance, ROLES } from "./roles.ts";
import { TrustWords, trustBy } from "./trust.ts";

const key = newSigningKey();
const own = { machine: "m1", program: "thumbnails", digest: "ab" };
const words = new TrustWords();
const distrusted = (...asked: Parameters<TrustWords["distrusted"]>) => words.distrusted(...asked);
const as = (allowance: Partial<Allowance> | undefined) => (id: string) =>
  id === key.id && allowance !== undefined
    ? { role: "operator" as const, programs: [], expiresMs: 0, ...allowance }
    : undefined;

describe("an operator's word for a program", () => {
  it("counts while its giver is an operator, and for no other machine, program or archive", () => {
    const word = trustBy(key, own);
    assert.equal(distrusted(own, word, as({})), undefined);
    for (const role of ROLES.slice(1))
      assert.match(distrusted(own, word, as({ role })) ?? "", /needs the role operator/);
    assert.match(distrusted(own, word, as(undefined)) ?? "", /has none here/);
    assert.match(distrusted(own, word, as({ programs: ["index"] })) ?? "", /may deploy index/);
    assert.match(distrusted(own, undefined, as({})) ?? "", /has no operator's word/);
    for (const change of [{ machine: "m2" }, { program: "index" }, { digest: "cd" }])
      assert.match(distrusted({ ...own, ...change }, word, as({})) ?? "", /is not signed by key/);
    assert.equal(distrusted(own, word, as({})), undefined, "and again");
    const forged = { key: key.raw, signature: trustBy(newSigningKey(), own).signature };
    assert.match(distrusted(own, forged, as({})) ?? "", /is not signed by key/);
  });

  it("is asked for what is loaded, and again for what is started", async () => {
    const manifest = { name: "thumbnails", version: "1.0.0", trust: "operator", capabilities: [], disconnected: {} };
    // What is looked at of an archive.
    const archiveOf = async () => ({ manifest }) as unknown as Archive;
    const wanted = (running: boolean) =>
      create(ProgramWantedSchema, { loaded: [{ version: "1.0.0", digest: "ab" }], running, digest: "ab" });
    const check = (before: boolean, distrust: () => string | undefined) =>
      checkProgramChange("thumbnails", before ? wanted(false) : undefined, wanted(before), { archiveOf, distrust });
    for (const before of [false, true]) {
      await check(before, () => undefined);
      await assert.rejects(
        check(before, () => "nobody says so"),
        { code: "denied", message: /nobody says so/ },
      );
    }
  });

  it("may be another's for what is loaded already, where that one's counts", async () => {
    const manifest = { name: "thumbnails", version: "1.0.0", trust: "operator", capabilities: [], disconnected: {} };
    // What is looked at of an archive.
    const archiveOf = async () => ({ manifest }) as unknown as Archive;
    const loaded = (word: ReturnType<typeof trustBy> | undefined) =>
      create(ProgramWantedSchema, {
        loaded: [{ version: "1.0.0", digest: "ab", ...(word === undefined ? {} : { trust: word }) }],
      });
    const [first, second, nobody] = [trustBy(newSigningKey(), own), trustBy(key, own), trustBy(newSigningKey(), own)];
    const distrust = ({ trust }: { readonly trust?: ReturnType<typeof trustBy> | undefined }) =>
      distrusted(own, trust, as({}));
    const check = (after: ReturnType<typeof trustBy> | undefined) =>
      checkProgramChange("thumbnails", loaded(first), loaded(after), { archiveOf, distrust });
    await check(first);
    await check(second);
    for (const worthless of [nobody, undefined]) await assert.rejects(check(worthless), { code: "denied" });
  });
});
