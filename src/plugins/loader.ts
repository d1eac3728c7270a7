// The kind `loader`: finds and loads the components of a folder, in containers.

export interface Loader {
  /** Rejects where nothing can be loaded at all. Called once for each folder; a container has one, or those of a program's parts. */
  load(folder: string): Promise<LoadedFolder>;
  close?(): void | Promise<void>;
}

export interface LoadedFolder {
  /** Each made by `component()`; the container looks whether it is. */
  readonly components: readonly unknown[];
  /** What could not be loaded: file, line and why, for people. */
  readonly failures: readonly string[];
}
