// The chapter of flows: files through read → hash | compress → by package → report, while the process that routes them is killed; then
// another one goes on, and every figure is compared with a plain computation.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { sleep } from "../../../base/clock.ts";
import { readRun, sqliteJournals } from "../../../flows/index.ts";
import type { Chapter, ChapterEnd, ChapterStage } from "../chapter.ts";
import { chooseFiles } from "../node/choose-files.ts";

const COMMAND = fileURLToPath(new URL("../../../../bin/unum.mjs", import.meta.url));
const FLOW = fileURLToPath(new URL("../../../../examples/06-flow/flow.ts", import.meta.url));
const RUN = "tour";
const MOST_FILES = 2_000;
const MOST_BYTES = 20e6;
const LOOK_EVERY_MS = 100;
/** Of the items, what the first process is given, and what has been compressed when it is killed: it cannot be done before. */
const GIVEN = 0.6;
const KILL_AT = 0.3;

export const flows: Chapter = {
  name: "flows",
  description: "files go through a graph of steps; the process that routes them is killed, another one goes on",
  run: runFlowsChapter,
};

interface Sum {
  files: number;
  bytes: number;
  compressedBytes: number;
}

interface Report {
  readonly files: number;
  readonly packages: number;
  /** Items that had ended when the router was killed. */
  readonly endedBefore: number;
  readonly killed: number;
  /** Packages whose figures are not those of the plain computation, or that are missing. */
  readonly wrong: readonly string[];
  readonly exitCode: number;
}

async function runFlowsChapter(stage: ChapterStage): Promise<ChapterEnd> {
  const { options, say, progress, signal } = stage;
  if (!existsSync(FLOW)) throw new Error(`there is no ${FLOW}: the chapter needs a checkout`);
  const { chosen } = await chooseFiles(options.files, Math.min(options.limitBytes, MOST_BYTES));
  const paths = chosen.slice(0, MOST_FILES).map(({ path }) => join(options.files, path));
  say(`${paths.length} files through read → hash | compress → by package → report, every hop on disk`);
  const home = await mkdtemp(join(tmpdir(), "unum-tour-"));
  const children: ChildProcess[] = [];
  try {
    const input = join(home, "files.ndjson");
    const lines = paths.map((path) => `${JSON.stringify({ path })}\n`);
    await writeFile(input, lines.join(""));
    const begin = (...args: readonly string[]) => {
      const child = spawn(process.execPath, [COMMAND, "flow", "run", FLOW, ...args, "--workers", "2", "--json"], {
        env: { ...process.env, UNUM_HOME: home },
        stdio: ["pipe", "ignore", "ignore"],
      });
      // It may be killed while it is written to.
      child.stdin?.on("error", () => {});
      children.push(child);
      return child;
    };
    const first = begin("--id", RUN, "--input", "-");
    // The rest never comes: its input stays open.
    first.stdin?.write(lines.slice(0, Math.ceil(lines.length * GIVEN)).join(""));
    const endedBefore = await endedWhen(home, paths.length * KILL_AT, first, stage);
    first.kill("SIGKILL");
    if (first.exitCode === null) await once(first, "close");
    say(`SIGKILL to process ${first.pid}, which routes the run, after ${endedBefore} of ${paths.length} items`);
    progress("gone on with by another process", 0.5);
    const output = join(home, "packages.ndjson");
    const second = begin("--resume", RUN, "--input", input, "--output", output);
    signal.addEventListener("abort", () => second.kill("SIGTERM"), { once: true });
    const [exitCode] = await once(second, "close");
    signal.throwIfAborted();
    progress("gone on with by another process", 1);
    const { wrong, packages } = compared(await plainly(paths), await readFile(output, "utf8"));
    const report: Report = {
      ...{ files: paths.length, packages, endedBefore, killed: first.pid ?? 0, wrong },
      exitCode: Number(exitCode),
    };
    const sound = exitCode === 0 && wrong.length === 0 && packages > 0 && endedBefore < paths.length;
    return { sound, lines: linesOf(report), report };
  } finally {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "close");
    }
    await rm(home, { recursive: true, force: true });
  }
}

/** Looks into the journal, as anybody may, until so many items have ended or the run is over; how many have. */
async function endedWhen(
  home: string,
  wanted: number,
  child: ChildProcess,
  { env, progress, signal }: ChapterStage,
): Promise<number> {
  const journals = sqliteJournals(join(home, "flows"));
  let ended = 0;
  while (ended < wanted && child.exitCode === null) {
    await sleep(env.clock, LOOK_EVERY_MS, signal);
    if (!existsSync(join(home, "flows", RUN))) continue;
    const reader = await journals.read(RUN).catch(() => undefined);
    if (reader === undefined) continue;
    // Ends of whole items come with the last join: steps that are done say how far it is.
    const { nodes } = await readRun(reader).finally(() => reader.close());
    ended = nodes.find(({ name }) => name === "compress")?.done ?? 0;
    progress("files through a flow", Math.min(0.5, (ended / wanted) * 0.5));
  }
  return ended;
}

/** The same without a flow. */
async function plainly(paths: readonly string[]): Promise<Map<string, Sum>> {
  const sums = new Map<string, Sum>();
  for (const path of paths) {
    const content = await readFile(path);
    const name = packageOf(path);
    const sum = sums.get(name) ?? { files: 0, bytes: 0, compressedBytes: 0 };
    sum.files++;
    sum.bytes += content.length;
    sum.compressedBytes += deflateSync(content, { level: 1 }).length;
    sums.set(name, sum);
  }
  return sums;
}

/** As the example's component has it. */
function packageOf(path: string): string {
  const [first = "", second = ""] = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length).split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}

function compared(expected: Map<string, Sum>, output: string): { wrong: string[]; packages: number } {
  const left = new Map(expected);
  const wrong: string[] = [];
  for (const line of output.split("\n").filter((each) => each !== "")) {
    // Written by the command that was started.
    const { value } = JSON.parse(line) as { value: Record<string, string | number | undefined> };
    const name = String(value["name"] ?? "");
    const sum = expected.get(name);
    left.delete(name);
    const same =
      sum !== undefined &&
      sum.files === Number(value["files"] ?? 0) &&
      sum.bytes === Number(value["bytes"] ?? 0) &&
      sum.compressedBytes === Number(value["compressedBytes"] ?? 0);
    if (!same) wrong.push(name);
  }
  return { wrong: [...wrong, ...left.keys()], packages: expected.size };
}

function linesOf({ files, packages, endedBefore, killed, wrong, exitCode }: Report): readonly string[] {
  return [
    `${files} files of ${packages} packages; process ${killed} was killed when ${endedBefore} of them were compressed`,
    exitCode === 0 ? "another process went on where the journal stood" : `the run ended with exit code ${exitCode}`,
    wrong.length === 0
      ? "files, bytes and compressed bytes of every package are those of a plain computation"
      : `${wrong.length} packages are NOT those of a plain computation: ${wrong.slice(0, 5).join(", ")}`,
  ];
}
