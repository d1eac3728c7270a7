// A machine's certificate at its parent is renewed while its gateway runs, and calls go on in both directions.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import tls from "node:tls";
import { issueLeaf, newNodeKey } from "../../src/machine/identity/authority.ts";
import { ageOf } from "../../src/machine/identity/renewing.ts";
import { endNodes, ok, tellLogs, until } from "../cli/node.ts";
import { cleanUp, LIMIT, unum } from "../cli/unum.ts";
import { view } from "./machine-nodes.ts";
import { machine, stacked, way } from "./stacked-machines.ts";

const linux = process.platform === "linux" ? false : "needs Linux";
const DAY_MS = 86_400_000;

afterEach(async (test) => {
  tellLogs(test);
  await endNodes();
});
after(cleanUp);

describe("a machine's certificate at its parent", { skip: linux, ...LIMIT }, () => {
  it("is another when two thirds of its life are over", LIMIT, async () => {
    const [top, middle] = [await machine("top"), await machine("middle")];
    const open = await stacked(top, middle);
    await way(top, "Second");
    const { machine: id } = await view(middle);
    const { machine: parent } = await view(top);

    // It sleeps through two months and twenty days.
    ok(await unum(["down"], { home: middle }));
    const read = (home: string, path: string) => readFile(join(home, "machine", path), "utf8");
    const [key, cert, root] = await Promise.all(
      ["issuer.key", "issuer.crt", "ca.pem"].map((name) => read(top, `identity/${name}`)),
    );
    const own = newNodeKey();
    const old = await issueLeaf(
      { key: key ?? "", cert: cert ?? "", root: root ?? "" },
      { node: id, machine: parent, hosts: ["127.0.0.1"], publicKey: own.publicKey, now: Date.now() - 80 * DAY_MS },
    );
    await writeFile(join(middle, "machine/parent/identity/node.key"), own.key);
    await writeFile(join(middle, "machine/parent/identity/node.crt"), old);
    const components = ["--components", join(import.meta.dirname, "stacked/middle")];
    ok(await unum(["up", "--detach", "--json", "--containers", "1", "--spares", "0", ...components], { home: middle }));

    const kept = () => read(middle, "parent/identity/node.crt");
    const fresh = await until("it is renewed and kept", kept, (text) => ageOf(text, Date.now()) < 0.1);
    await until("it is settled", () => !existsSync(join(middle, "machine/parent/identity/node.next")));
    assert.match(new X509Certificate(fresh).subject, new RegExp(`CN=${id}`));
    // What it shows from now on, to a node of its parent.
    const [as, asCert] = [await read(top, "identity/node.key"), await read(top, "identity/node.crt")];
    const [host = "", port] = open.split(":");
    const shown = async () => {
      const socket = tls.connect({
        host,
        port: Number(port),
        key: as,
        cert: asCert,
        ca: root ?? "",
        minVersion: "TLSv1.3",
      });
      try {
        await once(socket, "secureConnect");
        return String(socket.getPeerX509Certificate());
      } finally {
        socket.destroy();
      }
    };
    await until("it is shown", shown, (text) => text === String(new X509Certificate(fresh)));
    await way(top, "Second");
    await way(middle, "First");
    const audit = ok(await unum(["audit"], { home: top }));
    assert.match(audit, new RegExp(`renew node/${id}`));
  });
});
