// What a controller looks at before it takes a program's record: that versions only go up, that what should run is there, that
// callers of what runs do not break, and
// that what would have the rights of the nodes' users has an operator's word.

import semver from "semver";
import { Fault } from "../../base/fault.ts";
import { checkProgramLimits } from "../../capacity/limits.ts";
import { schemaChanges } from "../../messages/compatible.ts";
import type { LoadedVersion, ProgramWanted } from "../../messages/gen/unum/machine/v1/record_pb.ts";
import { saysTooLittle } from "../../messages/version-says.ts";
import type { Archive } from "../archive/archive.ts";
import { aimlessness } from "../archive/capability.ts";
import { isWithinAsked } from "../archive/manifest.ts";
import { isSameWord } from "../privileges/trust.ts";
import { limitsIn } from "../programs/terms.ts";

export interface ChangeParts {
  /** Of an archive that is here; undefined where it is not. */
  readonly archiveOf: (digest: string) => Promise<Archive | undefined>;
  /** Why a version that asks to be trusted is not; undefined where it is. */
  readonly distrust: (version: LoadedVersion) => string | undefined;
}

const MOST_VERSIONS = 4;

/** Throws the Fault `denied`, `invalid` or `not-found` that says what is in the way. */
export async function checkProgramChange(
  name: string,
  before: ProgramWanted | undefined,
  after: ProgramWanted,
  { archiveOf, distrust }: ChangeParts,
): Promise<void> {
  if (after.loaded.length === 0 || after.loaded.length > MOST_VERSIONS) {
    throw new Fault("invalid", `${name}: ${after.loaded.length} versions are loaded; 1 to ${MOST_VERSIONS} can be`);
  }
  const checkTrusted = (loaded: LoadedVersion | undefined, archive: Archive | undefined) => {
    if (loaded === undefined || archive?.manifest.trust !== "operator") return;
    const why = distrust(loaded);
    if (why !== undefined) throw new Fault("denied", `${name} ${loaded.version}: ${why}`);
  };
  for (const loaded of after.loaded) {
    const { digest, version } = loaded;
    const known = before?.loaded.find((each) => each.digest === digest);
    if (known !== undefined) {
      // The same archive by another operator's word, or by nobody's.
      if (!isSameWord(known.trust, loaded.trust)) checkTrusted(loaded, await archiveOf(digest));
      continue;
    }
    const archive = await archiveOf(digest);
    if (archive === undefined)
      throw new Fault("not-found", `${name} ${version}: its archive ${digest.slice(0, 12)} is not here; load it`);
    const { manifest } = archive;
    if (manifest.name !== name || manifest.version !== version) {
      throw new Fault(
        "invalid",
        `${name} ${version}: its archive says that it is ${manifest.name} ${manifest.version}`,
      );
    }
    checkTrusted(loaded, archive);
    const newest = before?.loaded.at(-1);
    if (newest !== undefined && !after.mayBreak && semver.lte(version, newest.version)) {
      throw new Fault(
        "denied",
        `${name} ${version} is not newer than ${newest.version}, which is loaded; versions only go up, unless told otherwise with --force`,
      );
    }
  }
  checkProgramLimits(limitsIn(after.limits));
  if (!after.running) return;
  const running = after.loaded.find(({ digest }) => digest === after.digest);
  if (running === undefined) {
    throw new Fault("invalid", `${name}: what should run (${after.digest.slice(0, 12)}) is not among what is loaded`);
  }
  const archive = await archiveOf(after.digest);
  checkTrusted(running, archive);
  if (archive?.manifest.disconnected.policy === "replace" && after.keepers.length === 0) {
    throw new Fault(
      "invalid",
      `${name} runs on one node alone, and nobody is named who decides on which; name controllers with --keeper`,
    );
  }
  await checkGranted(name, after, archiveOf);
  if (archive?.manifest.trust === "operator" && limitsIn(after.limits).cpuPermille > 0) {
    const why = "it is trusted and runs in its containers themselves, which nothing holds to a part of the processors";
    throw new Fault("invalid", `${name}: ${why}; pack it with 'trust: confined', or leave --processors out`);
  }
  if (before?.running && before.digest !== after.digest && !after.mayBreak)
    await checkCallers(name, before, after, archiveOf);
}

async function checkGranted(name: string, after: ProgramWanted, archiveOf: ChangeParts["archiveOf"]): Promise<void> {
  const asked = (await archiveOf(after.digest))?.manifest.capabilities ?? [];
  const unasked = after.granted.find((granted) => !asked.some((each) => isWithinAsked(granted, each)));
  const [aimless] = after.granted.flatMap((granted) => aimlessness(granted) ?? []);
  if (unasked === undefined && aimless !== undefined) throw new Fault("invalid", `${name}: ${aimless}`);
  if (unasked === undefined) return;
  const list = asked.length === 0 ? "it asks for none" : `it asks for ${asked.join(", ")}`;
  throw new Fault("invalid", `${name} does not ask for '${unasked}'; ${list}`);
}

async function checkCallers(
  name: string,
  before: ProgramWanted,
  after: ProgramWanted,
  archiveOf: ChangeParts["archiveOf"],
): Promise<void> {
  const [old, fresh] = [await archiveOf(before.digest), await archiveOf(after.digest)];
  if (old === undefined || fresh === undefined) return;
  const gone = old.manifest.serves.filter((contract) => !fresh.manifest.serves.includes(contract));
  const kept = old.manifest.serves.filter((contract) => fresh.manifest.serves.includes(contract));
  const broken = schemaChanges(old.contracts, fresh.contracts, kept).filter(({ breaks }) => breaks === "wire");
  const what = [
    ...gone.map((contract) => `${contract} is not served any more`),
    ...broken.map((change) => change.what),
  ];
  if (what.length === 0) return;
  const says = saysTooLittle(old.manifest.version, fresh.manifest.version, { breaks: true, who: "callers" });
  throw new Fault(
    "denied",
    `${name} ${fresh.manifest.version} would break callers of ${old.manifest.version}: ${[...what, ...(says === undefined ? [] : [says])].join("; ")}; start it with --force all the same`,
  );
}
