// What a judge of a simulated world has found: enough of it to read, not all.

export interface Violation {
  readonly invariant: number;
  readonly text: string;
}

const MOST = 20;

export class Findings {
  readonly all: Violation[] = [];

  violate(invariant: number, text: string): void {
    if (this.all.length < MOST) this.all.push({ invariant, text });
  }
}
