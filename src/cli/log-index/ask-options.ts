// The options that say what is asked: a span of time and addresses.

import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { Query } from "../../log-index/find/query.ts";
import { parseTimes } from "../../log-index/records/time.ts";
import { addressesOf } from "../../log-index/server/ask.ts";
import { durationOption, repeatable } from "../options.ts";
import { UsageError } from "../usage.ts";
import { type AskedFlags, addAskedOptions } from "./asked-index.ts";
import { addPlaceOptions, type PlaceFlags } from "./home.ts";

export interface TimeFlags extends PlaceFlags, AskedFlags {
  readonly from?: string;
  readonly to?: string;
  readonly deadline?: number;
}

export interface AskFlags extends TimeFlags {
  readonly ip?: readonly string[];
  readonly ips?: string;
}

export function addTimeOptions(command: Command): Command {
  const placed = addPlaceOptions(
    command
      .option("--from <time>", "the first moment: 2015-05-18T14:00 (UTC, or with a zone), -2h, now")
      .option("--to <time>", "the moment after the last, or +1h after the first"),
  ).addOption(
    durationOption("--deadline <time>", "servers and nodes that have not answered by then are named as missing"),
  );
  return addAskedOptions(placed);
}

export function addAskOptions(command: Command): Command {
  return addTimeOptions(
    command
      .addOption(
        repeatable(
          "--ip <address>",
          "an address, a block (66.249.73.0/24), a range (10.0.0.1-10.0.0.9) or a host; several with commas",
        ),
      )
      .option("--ips <file>", "a file with one of these a line; '-' reads standard input"),
  );
}

export function queryOf(flags: AskFlags, wallNowMs: number): Query {
  const span = parseTimes(flags.from, flags.to, Math.floor(wallNowMs / 1000));
  const named = (flags.ip ?? []).flatMap((text) => text.split(",").filter((part) => part.trim() !== ""));
  const items = [...named, ...(flags.ips === undefined ? [] : itemsOfFile(flags.ips))];
  if (flags.ips !== undefined && items.length === 0) throw new UsageError(`${flags.ips} has no addresses`);
  return { ...span, ...(items.length === 0 ? {} : { addresses: addressesOf(items) }) };
}

function itemsOfFile(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  return text
    .split("\n")
    .map((line) => line.replace(/#.*$/, "").trim())
    .filter((line) => line !== "");
}
