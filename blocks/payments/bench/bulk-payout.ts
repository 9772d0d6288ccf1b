/**
 * What the books cost: one run paid through the ledger (reserved, promised to a rail, made final, in sub-batches as the
 * block sends them) against a floor that inserts the same rows into a table with a key and nothing else. Both in the same
 * number of transactions, with durable commits, on one PostgreSQL, a checkpoint before each, in turning order. Rails, validation and messages are
 * not in it. The books are checked afterwards.
 *
 *   node_modules/.bin/node blocks/payments/bench/bulk-payout.ts [PAYEES] [SUB-BATCH] [ROUNDS]
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connect,
  migrate,
  newId,
  provisionDatabase,
  startEmbeddedPostgres,
  transaction,
} from '@govstack/platform';
import { sql } from 'kysely';
import { type AccountKey, accountId, openAccounts } from '../src/ledger/accounts.ts';
import { derivedId } from '../src/ledger/derived-id.ts';
import { checkInvariants } from '../src/ledger/invariants.ts';
import { createTransfers, type TransferRequest } from '../src/ledger/transfers.ts';
import { inParallel } from '../src/rails/in-parallel.ts';
import type { PaymentsTables, Trx } from '../src/tables.ts';

const [payees = 20_000, size = 500, rounds = 3] = process.argv.slice(2).map(Number);
const amount = 12_50n;
const traced = (id = newId()) => ({ id, cause: 'run-closed' as const, causeId: 'bench' });

const dataDir = mkdtempSync(join(tmpdir(), 'govstack-bench-'));
chmodSync(dataDir, 0o755);
const server = await startEmbeddedPostgres({ dataDir });
const secret = randomBytes(32).toString('hex');
const url = await provisionDatabase({ adminUrl: server.adminUrl, name: 'bench', secret });
await migrate({ url, history: 'payments', directory: new URL('../migrations/', import.meta.url) });
const { db, close } = connect<PaymentsTables>(url);
const admin = connect(server.adminUrl);

type Book = (trx: Trx, transfers: readonly TransferRequest[]) => Promise<unknown>;

/** The same rows, and nothing that keeps them right. */
const insertPlainly: Book = (trx, transfers) => {
  const direct = (one: TransferRequest) => ('debit' in one ? one : undefined);
  return sql`
    insert into floor (id, type, debit_account, credit_account, currency, amount, pending_id, cause, cause_id,
      instruction_id)
    select r.id, r.type, r.debit, r.credit, 'USD', r.amount, r.pending_id, 'run-closed', 'bench', r.instruction_id
    from unnest(
      ${transfers.map((one) => one.id)}::uuid[],
      ${transfers.map((one) => one.type)}::text[],
      ${transfers.map((one) => direct(one)?.debit ?? one.id)}::uuid[],
      ${transfers.map((one) => direct(one)?.credit ?? one.id)}::uuid[],
      ${transfers.map((one) => (direct(one)?.amount ?? amount).toString())}::bigint[],
      ${transfers.map((one) => ('pendingId' in one ? one.pendingId : null))}::uuid[],
      ${transfers.map((one) => one.instructionId ?? null)}::uuid[]
    ) as r (id, type, debit, credit, amount, pending_id, instruction_id)`.execute(trx);
};

/** Pays a run with `lanes` sub-batches under way at a time; answers payouts a second. */
async function pay(book: Book, lanes: number): Promise<number> {
  const owner = newId();
  const account = (kind: AccountKey['kind']): AccountKey => ({ kind, owner, currency: 'USD' });
  const keys = (['funding', 'available', 'reserved', 'clearing', 'paid'] as const).map(account);
  await transaction(db, (trx) => openAccounts(trx, keys));
  const [funding = '', available = '', reserved = '', clearing = '', paid = ''] = keys.map(accountId);
  const whole = amount * BigInt(payees);
  const post = (debit: string, credit: string, sum: bigint): TransferRequest => ({
    ...traced(),
    type: 'post',
    debit,
    credit,
    amount: sum,
  });
  const parts = Array.from({ length: Math.ceil(payees / size) }, (_, part) =>
    Array.from({ length: Math.min(size, payees - part * size) }, () => newId()),
  );
  await sql`checkpoint`.execute(admin.db);
  const started = performance.now();
  await transaction(db, (trx) =>
    book(trx, [post(funding, available, whole), post(available, reserved, whole)]),
  );
  await inParallel(parts, lanes, async (instructions) => {
    const promises = instructions.map((instructionId) => ({
      ...traced(instructionId),
      type: 'pending' as const,
      debit: reserved,
      credit: clearing,
      amount,
      instructionId,
    }));
    await transaction(db, (trx) => book(trx, promises));
    await transaction(db, (trx) =>
      book(trx, [
        ...promises.map(({ id, instructionId }) => ({
          ...traced(derivedId('payout-resolved', id)),
          type: 'post-pending' as const,
          pendingId: id,
          instructionId,
        })),
        post(clearing, paid, amount * BigInt(instructions.length)),
      ]),
    );
  });
  return payees / ((performance.now() - started) / 1000);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

try {
  await sql`create table floor (like ledger_transfer including defaults including identity)`.execute(db);
  await sql`alter table floor add primary key (id)`.execute(db);
  const ways = [1, 4].flatMap((lanes) => [
    { name: 'plain inserts of the same rows', book: insertPlainly, lanes, seen: [] as number[] },
    { name: 'through the ledger', book: createTransfers as Book, lanes, seen: [] as number[] },
  ]);
  for (const way of ways) await pay(way.book, way.lanes);
  for (let round = 0; round < rounds; round += 1)
    for (const [index] of ways.entries()) {
      const way = ways[(index + round) % ways.length] as (typeof ways)[number];
      way.seen.push(await pay(way.book, way.lanes));
    }
  // Causes are made up here (I9).
  const broken = (await checkInvariants(db)).filter((one) => !one.holds && one.id !== 'I9');
  if (broken.length > 0)
    throw new Error(`the books are not right: ${broken.map((one) => one.id).join(', ')}`);
  const { rows } = await sql<{ table: string; count: string }>`
    select 'ledger' as table, count(*) from ledger_transfer union all select 'floor', count(*) from floor`.execute(
    db,
  );
  const counts = Object.fromEntries(rows.map((row) => [row.table, Number(row.count)]));
  if (counts.ledger !== counts.floor) throw new Error('the floor has not inserted the same number of rows');
  const figure = (value: number): string => Math.round(value).toLocaleString('en');
  process.stdout.write(
    [
      `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, PostgreSQL with durable commits, ${payees} payees in sub-batches of ${size}, median (least to most) of ${rounds} rounds`,
      '',
      '| way | sub-batches at a time | payouts/s | of the floor |',
      '|---|---:|---:|---:|',
      ...ways.map(({ name, lanes, seen }) => {
        const floor = ways.find((way) => way.lanes === lanes)?.seen ?? [];
        const share = Math.round((median(seen) / median(floor)) * 100);
        return `| ${name} | ${lanes} | ${figure(median(seen))} (${figure(Math.min(...seen))} to ${figure(Math.max(...seen))}) | ${share} % |`;
      }),
      '',
      `all invariants hold over ${figure(counts.ledger ?? 0)} transfers`,
      '',
    ].join('\n'),
  );
} finally {
  await Promise.all([close(), admin.close()]);
  await server.stop();
  rmSync(server.directory, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}
