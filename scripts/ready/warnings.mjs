// What Node says at every start about features used here by intent is no news to who runs a command.

const KNOWN = /^(?:Type Stripping|globSync) is an experimental feature/;

/** Node 24.0 to 24.2 have these warnings; later ones do not. All others still come. */
export function keepQuietAboutKnownFeatures() {
  const { emitWarning } = process;
  /** @type {(...args: unknown[]) => void} */
  const filtered = (warning, ...rest) => {
    if (!KNOWN.test(String(warning))) Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  process.emitWarning = filtered;
}
