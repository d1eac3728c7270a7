// What this computer has, and what a process uses of it.

export interface Available {
  /** CPUs that this process may use at a time: a fraction where a quota says so. */
  readonly cpus: number;
  /** Memory that this process and what it starts may use together. */
  readonly memoryBytes: number;
}

/** Of a process and all below it. */
export interface ProcessMemory {
  /** Pages it has in memory, shared ones in full. */
  readonly residentBytes: number;
  /** The same with each shared page divided by those who share it, so that sums are true; undefined where the system does not say. */
  readonly proportionalBytes: number | undefined;
}

export interface Resources {
  /** May change while running, as a quota does. */
  available(): Available;
  /** Undefined where there is no such process, or it is not ours to see. */
  memoryOf(pid: number): Promise<ProcessMemory | undefined>;
  /** Processor time that the process and all below it, ended ones too, have used. Undefined where the system does not say. */
  processorMsOf(pid: number): Promise<number | undefined>;
}
