// The parts of a segment, each beside the plain thing that it stands for.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AddressSort } from "./address-sort.ts";
import { DictionaryBuilder } from "./dictionary-builder.ts";
import { radixSort } from "./radix.ts";
import { OTHER } from "./row.ts";
import { Sketch } from "./sketch.ts";
import { encodeTimes, TimeColumn } from "./time-column.ts";
import { timeOrder } from "./time-order.ts";

const RUNS = { numRuns: 200 };
const u32 = fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 0xffffffff }));

describe("a time column", () => {
  const times = fc
    .tuple(
      u32,
      fc.array(fc.oneof({ weight: 20, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(2 ** 30) }), {
        minLength: 1,
        maxLength: 700,
      }),
    )
    .map(([first, steps]) => {
      let time = first;
      return Uint32Array.from(steps, (step) => {
        time = Math.min(0xfffffffe, time + step);
        return time;
      });
    });

  it("gives back every time, alone and in a run", () => {
    fc.assert(
      fc.property(times, fc.nat(), fc.nat(), (column, a, b) => {
        const encoded = new TimeColumn(encodeTimes(column, column.length));
        column.forEach((time, row) => {
          assert.equal(encoded.timeOf(row), time);
        });
        const [from = 0, to = 0] = [a % (column.length + 1), b % (column.length + 1)].sort((x, y) => x - y);
        const run = new Uint32Array(to - from);
        encoded.decode(from, to, run, 0);
        assert.deepEqual(run, column.slice(from, to));
        // Rows here and there, as postings name them.
        const rows = Uint32Array.from(column, (_, i) => Math.imul(i, a | 1) >>> 0).map((row) => row % column.length);
        const apart = new Uint32Array(column.length);
        encoded.timesOf(rows, from, to, apart);
        assert.deepEqual(
          apart.slice(from, to),
          rows.slice(from, to).map((row) => column[row] ?? 0),
        );
      }),
      RUNS,
    );
  });

  it("finds the first row at any moment", () => {
    fc.assert(
      fc.property(
        times,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: -2, max: 2 })), { maxLength: 20 }),
        u32,
        (column, near, far) => {
          const encoded = new TimeColumn(encodeTimes(column, column.length));
          const moments = [far, ...near.map(([row, by]) => (column[row % column.length] ?? 0) + by)];
          for (const moment of moments) {
            const first = column.findIndex((time) => time >= moment);
            assert.equal(encoded.firstAt(moment), first < 0 ? column.length : first, `at ${moment}`);
          }
        },
      ),
      RUNS,
    );
  });

  it("takes little more than a bit a row where rows are dense", () => {
    const column = Uint32Array.from({ length: 100_000 }, (_, row) => 1_431_857_100 + Math.floor(row / 12));
    assert.ok(encodeTimes(column, column.length).length * 8 < 1.2 * column.length);
  });
});

describe("a sort of entries by address", () => {
  // Of all addresses, of one block, of few: lots of every size.
  const addresses = fc.oneof(
    fc.array(u32, { maxLength: 400 }),
    fc.array(
      fc.nat(200).map((n) => 0x0a000000 + n),
      { maxLength: 400 },
    ),
    fc.array(
      fc.nat(3_000).map((n) => (n * 0x9e3779b1) >>> 0),
      { maxLength: 3_000 },
    ),
    fc.tuple(fc.array(u32, { maxLength: 9 }), fc.array(fc.nat(9), { maxLength: 2_500 })).map(([a, b]) => [...a, ...b]),
  );

  it("gives every entry in order, those of one address as they came, however often it is used", () => {
    const sort = new AddressSort(16);
    fc.assert(
      fc.property(addresses, (list) => {
        for (const [i, address] of list.entries()) sort.add(address, i, i * 3, i & 0xffff);
        const found: number[][] = [];
        sort.drain({ add: (...entry) => void found.push(entry) });
        const wanted = list.map((address, i) => [address, i, i * 3, i & 0xffff]);
        assert.deepEqual(
          found,
          wanted.sort(([a = 0], [b = 0]) => a - b),
        );
      }),
      RUNS,
    );
  });

  it("gives rows of a segment as it gives entries, and leaves out those whose address is in another table", () => {
    const sort = new AddressSort();
    fc.assert(
      fc.property(addresses, fc.nat(7), (list, every) => {
        const cells = new Uint16Array(list.length * 5 + 5);
        for (const [row, address] of list.entries())
          cells.set([address, address >>> 16, row * 3, row % 8 === every ? OTHER >>> 16 : 7, row], row * 5);
        const found: number[][] = [];
        sort.drainRows(cells, list.length, {
          add: (address, place, low, high) => void found.push([address, place, low >>> 0, high]),
        });
        const wanted = list
          .map((address, row) => [address, row, (((row * 3) & 0xffff) | (7 << 16)) >>> 0, row & 0xffff])
          .filter(([, row = 0]) => row % 8 !== every);
        assert.deepEqual(
          found,
          wanted.sort(([a = 0], [b = 0]) => a - b),
        );
      }),
      RUNS,
    );
  });

  it("sorts more than a lot holds of addresses that share their upper bits", () => {
    const sort = new AddressSort();
    const list = Array.from({ length: 6_000 }, (_, i) => (i === 0 ? 0xffffffff : Math.imul(i, 0x9e3779b1) >>> 12));
    for (const [i, address] of list.entries()) sort.add(address, i, 0, 0);
    const found: number[] = [];
    sort.drain({ add: (address) => void found.push(address) });
    assert.deepEqual(
      found,
      [...list].sort((a, b) => a - b),
    );
  });
});

describe("rows in order of time", () => {
  const nearly = fc
    .array(
      fc.tuple(fc.nat(2), fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(40) })),
      {
        maxLength: 400,
      },
    )
    .map((steps) => {
      let now = 1_000;
      return steps.map(([step, late]) => {
        now += step;
        return now - late;
      });
    });

  it("are those of the plain sort, those of one second as they came, whether few are late or many", () => {
    fc.assert(
      fc.property(fc.oneof(nearly, fc.array(u32, { maxLength: 300 })), (list) => {
        const into = { times: new Uint32Array(list.length + 1), order: new Uint32Array(list.length + 1) };
        const { times, order } = timeOrder(Uint32Array.from(list), list.length, into);
        const wanted = list.map((time, row) => ({ time, row })).sort((a, b) => a.time - b.time);
        assert.deepEqual(
          wanted.map((_, i) => ({ time: times[i], row: order[i] })),
          wanted,
        );
      }),
      RUNS,
    );
  });
});

describe("a radix sort", () => {
  it("sorts as the plain one, and leaves equal keys as they were", () => {
    fc.assert(
      fc.property(fc.array(u32, { maxLength: 500 }), (list) => {
        const pair = { keys: Uint32Array.from(list), values: Uint32Array.from(list, (_, i) => i) };
        const spare = { keys: new Uint32Array(list.length), values: new Uint32Array(list.length) };
        const { keys, values } = radixSort(list.length, pair, spare);
        const wanted = list.map((key, i) => ({ key, i })).sort((a, b) => a.key - b.key);
        assert.deepEqual(
          [...keys],
          wanted.map(({ key }) => key),
        );
        assert.deepEqual(
          [...values],
          wanted.map(({ i }) => i),
        );
      }),
      RUNS,
    );
  });
});

describe("a dictionary", () => {
  it("numbers strings as a map does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ max: 1, maxLength: 3 }))),
        (strings) => {
          const built = new DictionaryBuilder(1_000);
          const plain = new Map([["", 0]]);
          for (const string of strings) {
            const key = Buffer.from(string).toString("latin1");
            if (!plain.has(key)) plain.set(key, plain.size);
            assert.equal(built.add(Buffer.concat([Buffer.from("x"), string]), 1, string.length + 1), plain.get(key));
          }
          assert.equal(built.count, plain.size);
        },
      ),
      RUNS,
    );
  });
});

describe("a sketch", () => {
  for (const count of [100, 10_000, 1_000_000]) {
    it(`of ${count} addresses is within 1 %`, () => {
      const sketch = new Sketch();
      for (let i = 0; i < count; i++) sketch.addV4(Math.imul(i, 0x9e3779b1) >>> 0);
      assert.ok(Math.abs(sketch.estimate() - count) <= count / 100, `${sketch.estimate()}`);
    });
  }

  it("of two parts is that of the whole, however often an address comes", () => {
    const [a, b, whole] = [new Sketch(), new Sketch(), new Sketch()];
    for (let i = 0; i < 5_000; i++) {
      const [address, key] = [i * 77_777, `6:${i}`];
      (i % 2 === 0 ? a : b).addV4(address);
      b.addOther(key);
      whole.addV4(address);
      whole.addOther(key);
      whole.addOther(key);
    }
    a.merge(b);
    assert.deepEqual(a.registers, whole.registers);
    assert.ok(Math.abs(whole.estimate() - 10_000) <= 100);
  });
});
