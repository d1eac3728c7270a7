// Files, as the system gives them and as the simulator pretends them.

export interface FileEntry {
  /** From the folder that was asked for, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Differs whenever the file was written. To be compared, nothing else. */
  readonly version: string;
}

/** All paths are absolute. What fails rejects with a Fault that names the path and the way out. */
export interface Disk {
  /** Undefined where there is no such file. `invalid` where it is longer than `limitBytes`. */
  read(path: string, limitBytes: number): Promise<Uint8Array | undefined>;
  /** All or nothing, also when the power fails; once settled it stays. The folder must exist. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * As `replace`, but only where there is no such file: answers false, and nothing has changed, where there is one. Of
   * several who create the same file at once, in whatever processes, one succeeds.
   */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
  /**
   * Before it answers, and without lasting through a power failure: for what others must be able to read while this
   * process's loop is blocked. Half of it may be seen by who reads meanwhile.
   */
  writeNow(path: string, text: string): void;
  /** At the file's end, which is made where there is none; once settled it stays. What a power failure cuts is at its end. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** No matter whether it exists. */
  remove(path: string): Promise<void>;
  /**
   * With all that is in it but the `skip`ped names; links stay links. What lies at `to` already is written over. Not lasting
   * through a power failure.
   */
  copyFolder(from: string, to: string, skip: readonly string[]): Promise<void>;
  /** With all that is in it. No matter whether it exists. */
  removeFolder(path: string): Promise<void>;
  /** Gives a folder with all that is in it another name, whole; once settled it stays. False where that name is taken. */
  moveFolder(from: string, to: string): Promise<boolean>;
  /** With those above it, for this user alone. No matter whether it exists. */
  makeFolder(path: string): Promise<void>;
  /**
   * The files under a folder in the order of their paths, `skip`ped folders left out by name; empty where there is no such
   * folder. `invalid` where there are more than `limit`.
   */
  scan(
    folder: string,
    options: { readonly skip: readonly string[]; readonly limit: number },
  ): Promise<readonly FileEntry[]>;
  /** Names of the files and folders in a folder, in their order; empty where there is no such folder. Looks at none of them. */
  list(folder: string): Promise<readonly string[]>;
  /** Whether there is a file or folder. */
  isThere(path: string): Promise<boolean>;
  /**
   * Keeps a file that another process appends to from growing: where it is longer than `limitBytes`, its last
   * `limitBytes` become PATH.1, in place of what that was, and it starts again from nothing. Answers whether it did.
   * What is written at that very moment may be lost. Where the disk is full, the old part is given up.
   */
  capLog(path: string, limitBytes: number): Promise<boolean>;
}
