import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLog } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { envelope, Kind } from "../messages/envelope.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import type { ContainerView } from "./lifecycle.ts";
import { type LoadedPlugin, mustFit, type Opening, openPlugins } from "./open.ts";
import type { PluginKind } from "./plugin.ts";

const clock = new VirtualClock();
const KINDS: readonly PluginKind[] = ["security", "loader", "lifecycle", "logging", "monitoring"];
const CONTAINER: ContainerView = { id: "k1", pid: 1, contracts: [], running: 0, waiting: 0, memoryBytes: 0, upMs: 0 };
const VIEW = { containers: [], program: "", limit: 4, wanted: 2 };
const request = envelope({ kind: Kind.CALL, id: 1, to: "a.v1.B/C" });

/** Untyped, as a module of somebody's is. */
function loaded(name: string, kind: PluginKind, open: () => unknown): LoadedPlugin {
  return { file: `/plugins/${name}.ts`, settings: {}, plugin: { name, version: "1.0.0", kind, open: open as never } };
}

function opening(set: Partial<Opening> = {}): Opening & { readonly said: string[] } {
  const said: string[] = [];
  const host = () => ({
    ...{
      where: "governor" as const,
      node: "n1",
      container: "",
      settings: {},
      clock,
      random: seededRandom(1),
      log: silentLog,
    },
    figures: async () => [],
    serveText: () => Promise.reject(new Error()),
  });
  return { clock, kinds: KINDS, host, say: (text) => void said.push(text), needed: () => true, said, ...set };
}

const fails = (plugins: readonly LoadedPlugin[], message: RegExp) =>
  assert.rejects(openPlugins(plugins, opening()), { name: "Fault", code: "invalid", message });

describe("opening plugins", () => {
  it("names file and hook where open throws, or gives what is of no use", async () => {
    const boom = () => {
      throw new Error("no such key");
    };
    await fails([loaded("a", "security", boom)], /^plugin \/plugins\/a\.ts: 'open' failed: no such key$/);
    await fails([loaded("a", "lifecycle", () => 3)], /'open' gave 3, expected an object with zombie, idle/);
    await fails([loaded("a", "loader", () => ({}))], /'load' of what 'open' gave is missing, expected a function/);
    await fails(
      [loaded("a", "lifecycle", () => ({ zombi: boom }))],
      /'zombi' is no hook of a lifecycle plugin; .*did you mean 'zombie'/,
    );
    await fails([loaded("a", "security", () => ({ seal: boom, open: boom }))], /'name' of what 'open' gave is missing/);
  });

  it("gives up one whose open does not end", async () => {
    const hung = openPlugins([loaded("a", "logging", () => new Promise(() => {}))], opening());
    const refused = assert.rejects(hung, { message: /\/plugins\/a\.ts: 'open' has not ended after 10000 ms/ });
    await clock.advance(10_000);
    await refused;
  });

  it("closes those before the one that fails, and leaves out what is not needed", async () => {
    let closed = 0;
    const first = loaded("first", "security", () => ({
      name: "x",
      seal: () => {},
      open: () => {},
      close: () => closed++,
    }));
    const bad = loaded("bad", "monitoring", () => undefined);
    await fails([bad, first], /bad\.ts/);
    assert.equal(closed, 1);
    const tolerant = opening({ needed: (kind) => kind === "security" });
    const { names } = await openPlugins([bad, first], tolerant);
    assert.deepEqual(names, ["first 1.0.0 (security)"]);
    assert.match(tolerant.said[0] ?? "", /bad\.ts: 'open' gave missing.*; it is left out/);
  });

  it("refuses two of a kind that there can be one of, and two of a name", () => {
    const two = [loaded("a", "loader", () => ({})), loaded("b", "loader", () => ({}))];
    assert.throws(() => mustFit(two), { message: /b\.ts: 'kind' is 'loader', and so is that of \/plugins\/a\.ts/ });
    const same = [loaded("a", "logging", () => ({})), loaded("a", "lifecycle", () => ({}))];
    assert.throws(() => mustFit(same), { message: /'name' is 'a'/ });
  });
});

describe("a hook that fails", () => {
  it("leaves the default, is said the first, the tenth and the hundredth time, and is counted", async () => {
    const how = opening();
    const zombie = () => {
      throw new Error("broken");
    };
    const { decisions, figures } = await openPlugins(
      [loaded("a", "lifecycle", () => ({ zombie, serving: () => -1 }))],
      how,
    );
    for (let i = 0; i < 100; i++)
      assert.equal(
        decisions?.zombie(() => CONTAINER, "stuck"),
        "kill",
      );
    assert.equal(
      decisions?.serving(() => VIEW),
      2,
    );
    assert.deepEqual(how.said, [
      "plugin /plugins/a.ts: 'zombie' failed: broken; the default holds",
      "plugin /plugins/a.ts: 'zombie' failed (10 times so far): broken; the default holds",
      "plugin /plugins/a.ts: 'zombie' failed (100 times so far): broken; the default holds",
      "plugin /plugins/a.ts: 'serving' failed: answered -1, expected a whole number of at least 0 or nothing; the default holds",
    ]);
    const [{ samples } = assert.fail()] = figures();
    assert.deepEqual(samples[0], { labels: { plugin: "a", hook: "zombie" }, value: 100 });
  });

  it("does not keep the next plugin from being asked", async () => {
    const first = loaded("a", "lifecycle", () => ({ spares: () => undefined, idle: () => "maybe" }));
    const second = loaded("b", "lifecycle", () => ({ spares: () => 7, idle: () => "keep" }));
    const { decisions } = await openPlugins([first, second], opening());
    assert.equal(
      decisions?.spares(() => VIEW),
      7,
    );
    assert.equal(
      decisions?.idle(() => CONTAINER),
      "keep",
    );
  });

  it("in a watch loses no call and runs no function twice", async () => {
    const broken = { traceparent: "", started: fail, ended: fail, run: fail };
    const afterwards = { ...broken, run: (work: () => unknown) => fail(work()) };
    for (const span of [broken, afterwards]) {
      const how = opening();
      const { watch } = await openPlugins([loaded("a", "monitoring", () => ({ watch: { begin: () => span } }))], how);
      const begun = watch?.begin(request, "container") ?? assert.fail();
      let ran = 0;
      begun.started?.();
      assert.equal(
        begun.run?.(() => ++ran),
        1,
      );
      begun.ended(undefined);
      assert.equal(ran, 1);
      assert.equal(how.said.length, 3);
      assert.throws(() => begun.run?.(() => assert.fail("the component's own")), { message: "the component's own" });
    }
  });

  it("of a log is not asked about what it logs itself", async () => {
    const lines: string[] = [];
    const sink = { write: (_: string, message: string) => log.write("info", `again ${lines.push(message)}`) };
    const { log: tee } = await openPlugins([loaded("a", "logging", () => sink)], opening());
    const log = tee?.(silentLog) ?? assert.fail();
    log.write("info", "once");
    log.write("info", "twice");
    assert.deepEqual(lines, ["once", "twice"]);
  });

  it("with several watches is the caller of none: each is told of the call once", async () => {
    const told: string[] = [];
    const watching = (name: string, traceparent: string) =>
      loaded(name, "monitoring", () => ({
        watch: {
          begin: () => ({
            traceparent,
            run: (work: () => unknown) => {
              told.push(`${name} in`);
              return work();
            },
            ended: () => void told.push(`${name} ended`),
          }),
        },
      }));
    const { watch } = await openPlugins([watching("a", ""), watching("b", "00-b")], opening());
    const span = watch?.begin(request, "container") ?? assert.fail();
    assert.equal(span.traceparent, "00-b");
    assert.equal(
      span.run?.(() => 1),
      1,
    );
    span.ended(undefined);
    assert.deepEqual(told, ["a in", "b in", "a ended", "b ended"]);
  });
});

/** Takes what was done before it. */
function fail(_done?: unknown): never {
  throw new Error("broken");
}
