// unum load: brings a program's archive into the machine. It is verified and distributed, and does not run yet.

import { readFile } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { Fault } from "../../base/fault.ts";
import { readArchive } from "../../machine/archive/archive.ts";
import { ARCHIVE_LIMITS } from "../../machine/archive/entries.ts";
import type { Manifest } from "../../machine/archive/manifest.ts";
import { trustBy } from "../../machine/privileges/trust.ts";
import { PIECE_BYTES } from "../../machine/programs/archive-folder.ts";
import type { MachineView } from "../../messages/gen/unum/machine/v1/machine_pb.ts";
import { type LoadedVersion, LoadedVersionSchema } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { addDoorOptions, type DoorOptions } from "../door.ts";
import { EXIT } from "../exit-code.ts";
import { unread } from "../failure-text.ts";
import { ownKey } from "../machine/key-folder.ts";
import { type MachineDoor, untilSettled, withMachine } from "../machine/machine-door.ts";
import { MACHINE_EXIT_CODES, programLine, stateAt, waitOption } from "../machine/program-text.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage.ts";
import { examples, type Stage } from "./verb.ts";

interface LoadFlags extends DoorOptions {
  readonly force?: boolean;
  readonly wait: number;
  readonly json?: boolean;
}

/** The present one, the one before it, and two that may come. */
const VERSIONS_KEPT = 4;
const DEFAULT_GRACE_MS = 10_000;
const PIECE_TTL_MS = 30_000;

export function addLoad({ program, terminal, end }: Stage): void {
  addDoorOptions(
    program
      .command("load")
      .summary("bring a program into the machine")
      .description(
        "Verifies a program's archive and its signature, and distributes it to all nodes by its digest. It does not run before 'unum start'; what runs of it goes on. One with 'trust: operator' needs the role operator: loading it says that it may have the rights of the nodes' users.",
      )
      .argument("<archive>", "as 'unum pack' writes it, with its signature beside it"),
  )
    .option("--force", "also a version that is not newer than the one that is loaded")
    .addOption(waitOption())
    .option("--json", "the program as one JSON object")
    .addHelpText(
      "after",
      examples(["unum load dist/thumbnails-1.2.0.zip", "unum load dist/thumbnails-1.1.9.zip --force"]),
    )
    .addHelpText("after", MACHINE_EXIT_CODES)
    .action(async (path: string, flags: LoadFlags) => {
      const archive = await archiveAt(path);
      end(await withMachine(flags, (machine) => load(machine, archive, flags, terminal)));
    });
}

interface Read {
  readonly bytes: Uint8Array;
  readonly signature: string;
  readonly digest: string;
  readonly manifest: Manifest;
}

async function archiveAt(path: string): Promise<Read> {
  const read = (file: string) =>
    readFile(file).catch((cause) => {
      throw new UsageError(`${unread(file, cause)}; 'unum pack' writes an archive and its signature beside it`);
    });
  const [bytes, signature] = [new Uint8Array(await read(path)), (await read(`${path}.minisig`)).toString()];
  if (bytes.length > ARCHIVE_LIMITS.archiveBytes) {
    throw new UsageError(`${path} has ${bytes.length} bytes, the limit is ${ARCHIVE_LIMITS.archiveBytes}`);
  }
  // Who signed it is for the controller to judge.
  const { digest, manifest } = await readArchive(bytes, { id: "", raw: new Uint8Array() });
  return { bytes, signature, digest, manifest };
}

async function load(machine: MachineDoor, archive: Read, flags: LoadFlags, terminal: Terminal): Promise<number> {
  const { digest, manifest, bytes } = archive;
  const { name, version } = manifest;
  await upload(machine, archive);
  const view = await machine.show();
  const wanted = view.programs.find((program) => program.name === name)?.wanted;
  const known = wanted?.loaded.find((each) => each.digest === digest);
  const already = known !== undefined;
  const isNew = !already || (await vouchesAnew(view, manifest, known));
  if (isNew) {
    const trust = await trustOf(view, manifest, digest);
    const fresh = create(LoadedVersionSchema, { version, digest, bytes: BigInt(bytes.length), ...trust });
    const loaded = already
      ? (wanted?.loaded ?? []).map((each) => (each.digest === digest ? fresh : each))
      : [...(wanted?.loaded ?? []), fresh];
    const needed = new Set([digest, wanted?.digest, wanted?.fallback]);
    while (loaded.length > VERSIONS_KEPT)
      loaded.splice(
        loaded.findIndex((each) => !needed.has(each.digest)),
        1,
      );
    const value = wanted ?? { running: false, granted: [], nodes: [], graceMs: DEFAULT_GRACE_MS };
    const conflict = await machine.propose(`program/${name}`, {
      case: "program",
      value: { ...value, loaded, mayBreak: flags.force === true },
    });
    if (conflict !== "") terminal.say(terminal.tint("yellow", conflict));
  }
  const program = await untilSettled(
    machine,
    flags.wait,
    ({ programs }) => {
      const found = programs.find((each) => each.name === name);
      const failed = found?.nodes.find(({ state, problems }) => state === "loading" && problems.length > 0);
      if (failed !== undefined) throw new Fault("internal", `node ${failed.node}: ${failed.problems.join("; ")}`);
      const isThere = found?.nodes.every(({ state }) => state !== "loading") && found.nodes.length > 0;
      return isThere ? found : undefined;
    },
    (seen) => `${name} ${version} is ${stateAt(seen, name)}`,
  );
  if (flags.json) terminal.print(JSON.stringify({ name, version, digest, state: program.state, already }));
  else {
    const next = program.running ? `'unum start ${name}' replaces what runs` : `'unum start ${name}' runs it`;
    terminal.print(`${name} ${version} is ${already ? "loaded already" : "loaded"} (${digest.slice(0, 12)}); ${next}`);
    if (!program.running && manifest.capabilities.length > 0) {
      terminal.say(`it asks for ${manifest.capabilities.join(", ")}: grant what it may have with --grant`);
    }
    if (manifest.trust === "operator" && isNew)
      terminal.say("it runs with the rights of the nodes' users: your key says that it may");
    if (program.running) terminal.say(programLine(program));
  }
  return EXIT.ok;
}

/** Whether what is loaded already has another's word, and this key is an operator's: its own takes that one's place. */
async function vouchesAnew(
  { founder, grants }: MachineView,
  { trust }: Manifest,
  { trust: word }: LoadedVersion,
): Promise<boolean> {
  if (trust !== "operator") return false;
  const { key } = await ownKey();
  if (word !== undefined && Buffer.compare(word.key, key.raw) === 0) return false;
  const isFounder = Buffer.compare(founder, key.raw) === 0;
  return isFounder || grants.some((grant) => grant.key === key.id && grant.role === "operator");
}

/** Who loads what asks to be trusted gives his word for it; whether that counts is for the controller to judge. */
async function trustOf({ machine }: MachineView, { trust, name: program }: Manifest, digest: string) {
  return trust === "operator" ? { trust: trustBy((await ownKey()).key, { machine, program, digest }) } : {};
}

async function upload(machine: MachineDoor, { bytes, signature, digest }: Read): Promise<void> {
  for (let offset = 0; ; ) {
    const piece = bytes.subarray(offset, offset + PIECE_BYTES);
    const total = BigInt(bytes.length);
    const { have, complete } = await machine.ask(
      (calls, options) => calls.putArchive({ digest, offset: BigInt(offset), total, bytes: piece, signature }, options),
      { ttlMs: PIECE_TTL_MS },
    );
    if (complete) return;
    if (Number(have) <= offset)
      throw new Fault("internal", `the controller has ${have} of ${total} bytes and takes no more`);
    offset = Number(have);
  }
}
