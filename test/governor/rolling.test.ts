// New code again and again, while 200 calls of 50 ms begin each second: none fails, none is done twice.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { callEvery, twice } from "./load.ts";
import { startNode } from "./node.ts";

/** More where many seeds are asked for, as in CI; a whole hundred, which takes ten minutes, with UNUM_ROLLS=100. */
const ROLLS = Number(process.env["UNUM_ROLLS"] ?? (Number(process.env["UNUM_SEEDS"] ?? 0) >= 5_000 ? 30 : 6));
const CALL_EVERY_MS = 5;
const CALL_MS = 50;

describe("rolling replacements", { timeout: 1_200_000 }, () => {
  it(`${ROLLS} of them under 200 calls a second of ${CALL_MS} ms: 0 failed, 0 done twice`, {
    timeout: 1_200_000,
  }, async (test) => {
    const node = await startNode({ node: { containers: 4 }, container: { concurrency: { "unum.test.v1.Work": 64 } } });
    try {
      const { client, until, folder } = node;
      await until(({ containers }) => containers.filter(({ state }) => state === "serving").length >= 2);
      const file = join(folder, "work", "work.ts");
      const text = await readFile(file, "utf8");
      const roll = async () => {
        for (let roll = 1; roll <= ROLLS; roll++) {
          await writeFile(file, text.replace("1.0.0", `1.0.${roll}`));
          await until(({ containers, replacement }) => {
            const serving = containers.filter(({ state }) => state === "serving");
            const isNew = serving.every(({ components }) =>
              components.some(({ version }) => version === `1.0.${roll}`),
            );
            return replacement === "" && serving.length >= 2 && isNew;
          });
        }
      };
      const startedAt = performance.now();
      const { failures, keys } = await callEvery(client, { everyMs: CALL_EVERY_MS, waitMs: CALL_MS }, roll());
      test.diagnostic(
        `${keys.length} calls in ${Math.round((performance.now() - startedAt) / 1_000)} s, ${ROLLS} rolls`,
      );
      assert.deepEqual(failures.slice(0, 5), []);
      const begun = await node.begun();
      assert.deepEqual(twice(begun).slice(0, 5), []);
      assert.equal(new Set(begun).size, keys.length, "each call was begun, and each that was begun came back");
      assert.ok(keys.length > ROLLS * 10, `only ${keys.length} calls`);
    } finally {
      await node.end();
    }
  });
});
