// A filter of system calls (seccomp-bpf) for confined cells on x86-64: what no program needs is refused with EPERM.
//
// It stands beside namespaces and dropped capabilities, not in their place: it closes doors of the kernel that those leave ajar.

/** By number, on x86-64. */
const REFUSED: Readonly<Record<string, number>> = {
  ...{ ptrace: 101, syslog: 103, personality: 135, pivot_root: 155, chroot: 161, acct: 163, mount: 165, umount2: 166 },
  ...{ swapon: 167, swapoff: 168, reboot: 169, sethostname: 170, setdomainname: 171, iopl: 172, ioperm: 173 },
  ...{ init_module: 175, delete_module: 176, quotactl: 179, lookup_dcookie: 212, kexec_load: 246, add_key: 248 },
  ...{ request_key: 249, keyctl: 250, unshare: 272, vmsplice: 278, perf_event_open: 298, fanotify_init: 300 },
  ...{ name_to_handle_at: 303, open_by_handle_at: 304, setns: 308, process_vm_readv: 310, process_vm_writev: 311 },
  ...{ finit_module: 313, kexec_file_load: 320, bpf: 321, userfaultfd: 323, move_pages: 279, io_uring_setup: 425 },
  ...{ io_uring_enter: 426, io_uring_register: 427, open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431 },
  ...{ fsmount: 432, fspick: 433, pidfd_getfd: 438, mount_setattr: 442 },
};

/** What a program that may only call out does not need, and what one that may only be called does not. */
const LISTENING: Readonly<Record<string, number>> = { listen: 50, accept: 43, accept4: 288 };
const CALLING: Readonly<Record<string, number>> = { connect: 42, sendto: 44, sendmsg: 46, sendmmsg: 307 };

/** What of the node's network a program was granted. */
export interface NetworkUse {
  readonly calls: boolean;
  readonly listens: boolean;
}

const [LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN] = [0x20, 0x15, 0x35, 0x06];
const [NUMBER_AT, ARCHITECTURE_AT] = [0, 4];
const X86_64 = 0xc000003e;
/** Numbers from here on are the 32-bit ABI's, which would get around the list. */
const X32_FROM = 0x40000000;
const [ALLOW, REFUSE, KILL] = [0x7fff0000, 0x00050001, 0x80000000];

/** The program as the kernel takes it; undefined on another architecture. */
export function refusingFilter(architecture: string, network?: NetworkUse): Uint8Array | undefined {
  if (architecture !== "x64") return undefined;
  const numbers = Object.values({
    ...REFUSED,
    ...(network?.calls === true && !network.listens ? LISTENING : {}),
    ...(network?.listens === true && !network.calls ? CALLING : {}),
  });
  const program: [code: number, yes: number, no: number, value: number][] = [
    [LOAD, 0, 0, ARCHITECTURE_AT],
    [JUMP_EQUAL, 1, 0, X86_64],
    [RETURN, 0, 0, KILL],
    [LOAD, 0, 0, NUMBER_AT],
    [JUMP_AT_LEAST, numbers.length + 1, 0, X32_FROM],
    ...numbers.map((number, index): [number, number, number, number] => [
      JUMP_EQUAL,
      numbers.length - index,
      0,
      number,
    ]),
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, REFUSE],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, yes, no, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(yes, index * 8 + 2);
    bytes.writeUInt8(no, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}
