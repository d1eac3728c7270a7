import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemEnv } from "../../system/env.ts";
import { settledWithin } from "../../testing/promises/settled.ts";
import { transportPromises } from "../../testing/promises/transport.ts";
import { testCertificates } from "./certificates.test.ts";
import { AGE_ERROR_LIMIT_MS, type ZmtpTransport, zmtpTransport } from "./index.ts";

const LONG_MS = 120_000;
const CALLS = 200;

const env = systemEnv();

for (const scheme of ["ipc", "tcp", "tls"] as const) {
  transportPromises(
    `${scheme}://`,
    { calls: CALLS, refusesTooLarge: true, losesCalls: true, deadlineErrorMs: AGE_ERROR_LIMIT_MS },
    async () => {
      const folder = mkdtempSync(path.join(tmpdir(), "unum-"));
      const made: ZmtpTransport[] = [];
      let places = 0;
      return {
        clock: env.clock,
        transport: () => {
          const transport = zmtpTransport({ env, tls: testCertificates(), limits: { pendingCalls: CALLS } });
          made.push(transport);
          return transport;
        },
        // Port 0 means any when listened at, and nobody when called.
        address: () => (scheme === "ipc" ? `ipc://${folder}/${++places}.sock` : `${scheme}://127.0.0.1:0`),
        settled: (promise) => settledWithin(LONG_MS, promise),
        close: async () => {
          await Promise.all(made.map((transport) => transport.close()));
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  );
}
