// What questions cost asleep: from the raw log, beside ripgrep with the same list; answers compared with those of the index.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Chunk } from "../../src/log-index/chunk/chunk.ts";
import { spreadOf } from "../harness/statistics.ts";
import { type Figure, timed } from "./figure.ts";
import { askIndex, type Kind, type Question } from "./questions.ts";

/** Questions of a kind that count, and as many before them that do not. */
const ASKED = 20;
const ROUNDS = 3;

interface Asleep {
  /** Awake; asleep afterwards. */
  readonly chunk: Chunk;
  readonly log: string;
  readonly work: string;
  readonly kinds: readonly Kind[];
  readonly from: number;
  readonly to: number;
}

export async function asleepFigures({ chunk, log, work, kinds, from, to }: Asleep): Promise<Figure[]> {
  const few = await firstAddresses(chunk, from);
  const month: Question = { from, to, ranges: few.map((ip) => [ip, ip] as const) };
  const questionsOf = (name: string) => (kinds.find((kind) => kind.name === name)?.questions ?? []).slice(0, 2 * ASKED);
  const seconds = questionsOf("one second");
  const hours = questionsOf("100 addresses, 1 h");
  const wanted = new Map<Question, string>();
  const askedOf = async (question: Question) => JSON.stringify(await askIndex(chunk, question));
  for (const question of [...seconds, ...hours, month]) wanted.set(question, await askedOf(question));
  chunk.sleep();
  const cost = async (question: Question): Promise<number> => {
    const { ms, result } = await timed(() => askIndex(chunk, question));
    const found = JSON.stringify(result);
    if (found !== wanted.get(question)) throw new Error(`asleep ${found}, awake ${wanted.get(question)}`);
    return ms;
  };
  const all = async (questions: readonly Question[]) => {
    const ms: number[] = [];
    for (const question of questions) ms.push(await cost(question));
    return { unum: spreadOf(ms.slice(ASKED)) };
  };
  const unit = "ms of processor";
  const figures: Figure[] = [
    { what: "asleep: one second", unit, goal: "<= 1", values: await all(seconds) },
    { what: "asleep: 100 addresses, 1 h", unit, goal: "<= 10", values: await all(hours) },
  ];
  const samples: Record<string, number[]> = { unum: [] };
  for (let round = 0; round < ROUNDS; round++) {
    samples["unum"]?.push(await cost(month));
    for (const [name, ms] of Object.entries(ripgrep(log, work, few))) {
      samples[name] ??= [];
      samples[name].push(ms);
    }
  }
  figures.push({
    ...{ what: `asleep: list of 100, month (${(await askIndex(chunk, month)).count} records)`, unit },
    goal: "<= 0.7 x rg -f",
    values: Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, spreadOf(list)])),
  });
  return figures;
}

/** The first hundred that came. */
async function firstAddresses(chunk: Chunk, from: number): Promise<number[]> {
  const found = new Set<number>();
  for await (const part of chunk.find({ from, to: from + 86_400 })) {
    if ("gap" in part) continue;
    for (let i = 0; i < part.batch.count && found.size < 100; i++) found.add(part.batch.addresses[i] ?? 0);
    if (found.size === 100) break;
  }
  return [...found];
}

/**
 * Processor time of ripgrep with the same list, as regular expressions that begin the line and as fixed strings, which find lines of
 * other addresses too; nothing where it is not installed.
 */
function ripgrep(log: string, work: string, ips: readonly number[]): Record<string, number> {
  const texts = ips.map((ip) => [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join("."));
  const list = join(work, "list.txt");
  const fixed = join(work, "fixed.txt");
  writeFileSync(list, texts.map((text) => `^${text.replaceAll(".", "\\.")} \n`).join(""));
  writeFileSync(fixed, texts.map((text) => `${text} \n`).join(""));
  const ms: Record<string, number> = {};
  for (const [name, asked] of [
    ["rg -f", `-f '${list}'`],
    ["rg -F -f", `-F -f '${fixed}'`],
  ] as const) {
    // The shell tells its own times, then those of what it ran: 0m1.500s 0m0.250s.
    const script = `rg --no-config --text --count ${asked} '${log}' >/dev/null && times`;
    const ended = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    const found = /\n(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(ended.stdout);
    if (found === null) continue;
    const [userMin = 0, userS = 0, systemMin = 0, systemS = 0] = found.slice(1).map(Number);
    ms[name] = ((userMin + systemMin) * 60 + userS + systemS) * 1000;
  }
  return ms;
}
