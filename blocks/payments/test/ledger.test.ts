import { transaction } from '@govstack/platform';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccountKey, accountId, balances, openAccounts } from '../src/ledger/accounts.ts';
import { checkInvariants } from '../src/ledger/invariants.ts';
import { listTransfers } from '../src/ledger/statements.ts';
import {
  createTransfers,
  InsufficientFunds,
  TransferConflict,
  type TransferRequest,
} from '../src/ledger/transfers.ts';
import { BadAmount, formatAmount, parseAmount } from '../src/money/amount.ts';
import type { Db } from '../src/tables.ts';
import { startTreasury, type Treasury } from './fixtures/treasury.ts';

let t: Treasury;
let db: Db;
beforeAll(async () => {
  t = await startTreasury({ workers: false });
  db = t.node.database('payments') as unknown as Db;
});
afterAll(() => t.stop());

const uuid = (): string => crypto.randomUUID();
const book = (transfers: readonly TransferRequest[]) =>
  transaction(db, (trx) => createTransfers(trx, transfers));
const trace = () => ({ id: uuid(), cause: 'run-closed' as const, causeId: 'test' });
const free = async (key: AccountKey): Promise<bigint> =>
  (await balances(db, [accountId(key)])).get(accountId(key))?.free ?? 0n;

/** A budget with money in it, and accounts it may go to. */
async function chart(amount: bigint) {
  const owner = uuid();
  const account = (kind: AccountKey['kind']): AccountKey => ({ kind, owner, currency: 'USD' });
  const keys = {
    funding: account('funding'),
    available: account('available'),
    clearing: account('clearing'),
  };
  await transaction(db, (trx) => openAccounts(trx, Object.values(keys)));
  const id = { available: accountId(keys.available), clearing: accountId(keys.clearing) };
  await book([{ ...trace(), type: 'post', debit: accountId(keys.funding), credit: id.available, amount }]);
  return { keys, id };
}

const balanced = async (): Promise<string[]> =>
  (await checkInvariants(db)).filter((one) => !one.holds && one.id !== 'I9').map((one) => one.statement);

describe('the ledger', () => {
  it('agrees with the simplest account of it, whatever is asked of it at the same time', async () => {
    const move = fc.record({
      kind: fc.constantFrom('post', 'promise', 'settle', 'void'),
      amount: fc.bigInt({ min: 1n, max: 300n }),
      which: fc.nat(20),
      again: fc.boolean(),
    });
    const waves = fc.array(fc.array(move, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 5 });
    const done = { post: 0, promise: 0, settle: 0, void: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(waves, async (all) => {
        const { keys, id } = await chart(1000n);
        const promised = new Map<string, bigint>();
        const resolved: string[] = [];
        let gone = 0n;
        for (const wave of all) {
          // A wave resolves what earlier ones promised, now and then what is resolved already, or one promise twice.
          const known = [...promised.keys(), ...resolved];
          const outcomes = wave.map(async ({ kind, amount, which, again }) => {
            const pendingId = known[which % Math.max(1, known.length)];
            const sides = { debit: id.available, credit: id.clearing, amount };
            const resolving = kind === 'settle' || kind === 'void';
            if (resolving && pendingId === undefined) return;
            const request: TransferRequest = resolving
              ? {
                  ...trace(),
                  type: kind === 'settle' ? 'post-pending' : 'void-pending',
                  pendingId: pendingId as string,
                }
              : { ...trace(), type: kind === 'post' ? 'post' : 'pending', ...sides };
            const outcome = await book([request]).catch((error: unknown) => error);
            if (resolving ? outcome instanceof TransferConflict : outcome instanceof InsufficientFunds) {
              done.refused += 1;
              if (wave.length === 1 && resolving) expect(resolved).toContain(pendingId);
              return;
            }
            expect(outcome).toEqual(['created']);
            if (again) expect(await book([request])).toEqual(['exists']);
            done[kind] += 1;
            if (kind === 'post') gone += amount;
            else if (kind === 'promise') promised.set(request.id, amount);
            else {
              const held = promised.get(pendingId as string);
              expect(held).toBeDefined();
              if (kind === 'settle') gone += held as bigint;
              promised.delete(pendingId as string);
              resolved.push(pendingId as string);
            }
          });
          await Promise.all(outcomes);
          const held = [...promised.values()].reduce((sum, amount) => sum + amount, 0n);
          const now = await balances(db, [accountId(keys.available), accountId(keys.clearing)]);
          expect(now.get(accountId(keys.available))).toMatchObject({
            posted: 1000n - gone,
            free: 1000n - gone - held,
          });
          expect(now.get(accountId(keys.clearing))).toMatchObject({ posted: gone, expected: held });
          expect(1000n - gone - held).toBeGreaterThanOrEqual(0n);
        }
        expect(await balanced()).toEqual([]);
      }),
      { numRuns: 25 },
    );
    for (const times of Object.values(done)) expect(times).toBeGreaterThan(0);
  });

  it('of many that want the last money, as many get it as there is money for', async () => {
    const { keys, id } = await chart(50n);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, () =>
        book([{ ...trace(), type: 'pending', debit: id.available, credit: id.clearing, amount: 10n }]),
      ),
    );
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(5);
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(InsufficientFunds);
    expect(await free(keys.available)).toBe(0n);
  });

  it('a promise is kept or taken back once, by one of many who try', async () => {
    const { keys, id } = await chart(10n);
    const pending = trace();
    await book([{ ...pending, type: 'pending', debit: id.available, credit: id.clearing, amount: 10n }]);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) =>
        book([
          { ...trace(), type: index % 2 === 0 ? 'post-pending' : 'void-pending', pendingId: pending.id },
        ]),
      ),
    );
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    const kept = outcomes.findIndex((one) => one.status === 'fulfilled') % 2 === 0;
    expect(await free(keys.available)).toBe(kept ? 0n : 10n);
    expect(await balanced()).toEqual([]);
  });

  it('books all transfers of a list or none, and the same id with other content never', async () => {
    const { keys, id } = await chart(10n);
    const post = (amount: bigint, traced = trace()): TransferRequest => ({
      ...traced,
      type: 'post',
      debit: id.available,
      credit: id.clearing,
      amount,
    });
    await expect(book([post(4n), post(7n)])).rejects.toBeInstanceOf(InsufficientFunds);
    expect(await free(keys.available)).toBe(10n);
    const same = trace();
    expect(await book([post(4n, same)])).toEqual(['created']);
    expect(await book([post(4n, same)])).toEqual(['exists']);
    await expect(book([post(5n, same)])).rejects.toBeInstanceOf(TransferConflict);
    expect(await free(keys.available)).toBe(6n);
  });
});

it('the ledger finds what it books by key, also on a connection that began with empty books', async () => {
  const { id } = await chart(1000n);
  await db.connection().execute(async (one) => {
    const scans = async (): Promise<number> => {
      await sql`select pg_stat_force_next_flush()`.execute(one);
      await sql`select pg_stat_clear_snapshot()`.execute(one);
      const { rows } = await sql<{ scans: string }>`
        select seq_scan as scans from pg_stat_user_tables where relname = 'ledger_transfer'`.execute(one);
      return Number(rows[0]?.scans);
    };
    const before = await scans();
    for (let n = 0; n < 12; n += 1) {
      const promise: TransferRequest = {
        ...trace(),
        type: 'pending',
        debit: id.available,
        credit: id.clearing,
        amount: 1n,
      };
      const kept: TransferRequest = { ...trace(), type: 'post-pending', pendingId: promise.id };
      for (const request of [promise, kept])
        await one.transaction().execute((trx) => createTransfers(trx, [request]));
    }
    expect(await scans()).toBe(before);
  });
});

it('a page of a busy account is read alone, and its pages give every transfer once', async () => {
  const { id } = await chart(2000n);
  const move = (out: boolean): TransferRequest => ({
    ...trace(),
    type: 'post',
    debit: out ? id.available : id.clearing,
    credit: out ? id.clearing : id.available,
    amount: 1n,
  });
  await book(Array.from({ length: 600 }, () => move(true)));
  await book(Array.from({ length: 300 }, () => move(false)));
  await sql`analyze ledger_transfer`.execute(db);
  await db.transaction().execute(async (one) => {
    const read = async (): Promise<number> => {
      const { rows } = await sql<{ read: string }>`
        select seq_tup_read + idx_tup_fetch as read from pg_stat_xact_user_tables
        where relname = 'ledger_transfer'`.execute(one);
      return Number(rows[0]?.read);
    };
    const before = await read();
    let page = await listTransfers(one, id.available, undefined, 100);
    expect((await read()) - before).toBeLessThan(300);
    const seen = page.map((row) => BigInt(row.sequence));
    while (page.length === 100) {
      page = await listTransfers(one, id.available, page.at(-1)?.sequence, 100);
      seen.push(...page.map((row) => BigInt(row.sequence)));
    }
    expect(new Set(seen).size).toBe(901);
    expect(seen).toEqual([...seen].sort((a, b) => (a < b ? 1 : -1)));
  });
});

describe('an amount', () => {
  it('[PAY-6.9-e] survives reading and writing in every currency, and is never a float', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), fc.constantFrom(0, 2, 3, 4), (minor, exponent) => {
        expect(parseAmount(formatAmount(minor, exponent), exponent)).toBe(minor);
      }),
    );
  });

  it.each([
    '0',
    '0.00',
    '-1',
    '+1',
    '1e3',
    '1,000.00',
    '1.',
    '.5',
    '01',
    '1.001',
    '',
    ' 1',
    '9999999999999999',
  ])('[PAY-5.3.1-g] %j is refused', (text) => {
    expect(() => parseAmount(text, 2)).toThrow(BadAmount);
  });

  it('as a JSON number is taken while it is exact', () => {
    expect(parseAmount(0.1, 2)).toBe(10n);
    expect(parseAmount(1234567890.12, 2)).toBe(123456789012n);
    expect(() => parseAmount(1234567890123.456, 3)).toThrow(BadAmount);
    expect(() => parseAmount(Number.NaN, 2)).toThrow(BadAmount);
  });
});
