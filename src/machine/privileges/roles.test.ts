// Who may do what: every command for every role, and what grants cannot do.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { newSigningKey } from "../keys/signing-key.ts";
import { allowanceOf, type Command, type GivenGrant, isWithin, NEEDED, ROLES, type Role, refusal } from "./roles.ts";

const ALLOWED: Readonly<Record<Command, readonly Role[]>> = {
  show: ["operator", "deployer", "observer"],
  status: ["operator", "deployer", "observer"],
  audit: ["operator", "deployer", "observer"],
  load: ["operator", "deployer"],
  trust: ["operator"],
  start: ["operator", "deployer"],
  stop: ["operator", "deployer"],
  unload: ["operator", "deployer"],
  deploy: ["operator", "deployer"],
  drain: ["operator"],
  limits: ["operator"],
  set: ["operator"],
  grant: ["operator"],
  token: ["operator"],
  revoke: ["operator"],
  stack: ["operator"],
};

const of = (role: Role, programs: readonly string[] = [], expiresMs = 0) => ({ role, programs, expiresMs });

describe("a command", () => {
  for (const [name, roles] of Object.entries(ALLOWED)) {
    // Of the keys above.
    const command = name as Command;
    for (const role of [...ROLES, undefined]) {
      const may = role !== undefined && roles.includes(role);
      it(`'${command}' is ${may ? "allowed to" : "refused to"} ${role ?? "who has no role"}`, () => {
        const refused = refusal(command, "thumbs", role === undefined ? undefined : of(role));
        assert.equal(refused === undefined, may, refused ?? "allowed");
        if (!may) assert.ok(refused?.includes(`'${command}' needs the role ${NEEDED[command]}`), refused ?? "allowed");
      });
    }
  }

  it("of another program than those a key may deploy is refused", () => {
    const allowance = of("deployer", ["thumb*", "index"]);
    assert.equal(refusal("start", "thumbnails", allowance), undefined);
    assert.equal(refusal("start", "index", allowance), undefined);
    assert.match(refusal("start", "indexer", allowance) ?? "", /may deploy thumb\*, index/);
  });
});

describe("a grant", () => {
  const [founder, operator, deployer, third] = [newSigningKey(), newSigningKey(), newSigningKey(), newSigningKey()];
  const grant = (
    key: { raw: Uint8Array },
    by: { id: string },
    role: string,
    programs: string[] = [],
    expiresMs = 0,
  ): GivenGrant => ({
    by: by.id,
    grant: {
      $typeName: "unum.machine.v1.Grant",
      key: key.raw,
      role,
      programs,
      expiresMs: BigInt(expiresMs),
      label: "",
    },
  });
  const may = (key: { id: string }, grants: readonly GivenGrant[], nowMs = 0) =>
    allowanceOf(key.id, { founder: founder.id, grants, nowMs })?.role;

  it("counts only through a chain that begins with the founder", () => {
    assert.equal(may(founder, []), "operator");
    assert.equal(may(operator, []), undefined);
    assert.equal(may(operator, [grant(operator, third, "operator")]), undefined);
    assert.equal(may(operator, [grant(operator, operator, "operator")]), undefined);
    const loop = [grant(operator, deployer, "operator"), grant(deployer, operator, "operator")];
    assert.equal(may(operator, loop), undefined);
    const chain = [grant(operator, founder, "operator"), grant(deployer, operator, "deployer")];
    assert.equal(may(deployer, chain), "deployer");
    assert.equal(may(deployer, chain.slice(1)), undefined, "taking one back takes back what it gave");
  });

  it("ends when its time is over, and what it gave with it", () => {
    const chain = [grant(operator, founder, "operator", [], 1_000), grant(deployer, operator, "deployer", [], 900)];
    assert.equal(may(deployer, chain, 899), "deployer");
    assert.equal(may(deployer, chain, 900), undefined);
    assert.equal(
      may(deployer, [chain[0] as GivenGrant, grant(deployer, operator, "deployer")], 10),
      undefined,
      "longer than its giver's",
    );
  });

  it("of a deployer gives nothing, and one of an operator for some programs no others", () => {
    const chain = [grant(operator, founder, "operator", ["thumb*"])];
    assert.equal(may(deployer, [...chain, grant(deployer, operator, "deployer", ["thumbnails"])]), "deployer");
    assert.equal(may(deployer, [...chain, grant(deployer, operator, "deployer", ["index"])]), undefined);
    assert.equal(may(deployer, [...chain, grant(deployer, operator, "deployer", [])]), undefined);
    assert.equal(may(third, [grant(deployer, founder, "deployer"), grant(third, deployer, "deployer")]), undefined);
    assert.equal(may(third, [grant(third, founder, "king")]), undefined);
  });

  it("never grows along a chain", () => {
    const allowance = fc.record({
      role: fc.constantFrom(...ROLES),
      programs: fc.array(fc.constantFrom("a", "ab", "a*", "b*", "*"), { maxLength: 2 }),
      expiresMs: fc.constantFrom(0, 10, 20),
    });
    fc.assert(
      fc.property(
        allowance,
        allowance,
        fc.constantFrom("a", "ab", "b", "c"),
        fc.constantFrom<Command>("start", "set"),
        (giver, given, program, command) => {
          fc.pre(isWithin(given, giver));
          const target = command === "start" ? program : "";
          if (refusal(command, target, given) === undefined) assert.equal(refusal(command, target, giver), undefined);
          assert.ok(giver.expiresMs === 0 || (given.expiresMs !== 0 && given.expiresMs <= giver.expiresMs));
        },
      ),
    );
  });
});
