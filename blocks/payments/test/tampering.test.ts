import { testAdminUrl } from '@govstack/platform/testing';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sealTransfers } from '../src/ledger/seal.ts';
import type { Db } from '../src/tables.ts';
import {
  approve,
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  pay,
  payees,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
let db: Db;
let batchId: string;
/** Someone who may do anything with the database. */
let intruder: pg.Client;
beforeAll(async () => {
  t = await startTreasury();
  db = t.node.database('payments') as unknown as Db;
  batchId = (await pay(t.node, await payees(t.node, 4))).batchId;
  const url = new URL(testAdminUrl());
  url.pathname = `/${t.node.databasePrefix}payments`;
  intruder = new pg.Client({ connectionString: url.href });
  await intruder.connect();
});
afterAll(async () => {
  await intruder.end();
  await t.stop();
});

describe('with the rights of the block itself', () => {
  it.each([
    ['a transfer', 'update ledger_transfer set amount = amount + 1'],
    ['a transfer', 'delete from ledger_transfer'],
    ['a transfer', 'truncate ledger_transfer cascade'],
    ['a balance', 'update ledger_account set credits_posted = credits_posted + 1'],
    ['an account', "update ledger_account set owner = 'me'"],
    ['an account', 'delete from ledger_account'],
    ['a seal', 'delete from ledger_seal'],
    ['an approval', "update approval set person = 'nobody'"],
    ['an approval', 'delete from approval'],
    ['a certificate', "update certificate set hash = ''"],
    ['the history of runs', "update batch_event set actor = 'nobody'"],
    ['the history of payments', 'delete from instruction_event'],
    ['the audit log', "update audit_entry set actor = 'nobody'"],
    ['an earlier account of a payee', 'delete from mapper_version'],
    ['an amount', 'update instruction set amount = amount + 1'],
    ['a payee', "update instruction set payee_cipher = '\\x00'"],
    ['a payment', 'delete from instruction'],
    ['an outcome', "update instruction set state = 'validated' where state = 'completed'"],
    ['a sub-batch', 'delete from sub_batch'],
    ['a sub-batch', 'update sub_batch set id = gen_random_uuid()'],
    ['a rail', 'delete from rail'],
    ['whose check of an account it is', "update account_check set rail_id = 'nowhere'"],
    ['the maker of a run', "update batch set maker_person = 'nobody'"],
    ['the outcome of a run', "update batch set state = 'awaiting-approval'"],
  ])('[PAY-6.12-h] %s cannot be changed or removed: %s', async (_what, statement) => {
    await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code: '23001' });
  });

  it.each([
    ['an account', 'update instruction set version_id = gen_random_uuid()'],
    ['a sub-batch', 'update instruction set sub_batch_id = gen_random_uuid()'],
  ])('[PAY-6.12-h] a payment cannot name %s that does not exist: %s', async (_what, statement) => {
    await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code: '23503' });
  });
});

describe('by somebody with every right on the database', () => {
  const unguarded = async (statement: string): Promise<void> => {
    await intruder.query('begin');
    await intruder.query('alter table ledger_transfer disable trigger user');
    await intruder.query(statement);
    await intruder.query('alter table ledger_transfer enable trigger user');
    await intruder.query('commit');
  };

  it.each([
    ['approval', 'approval_append_only'],
    ['instruction_event', 'instruction_event_append_only'],
    ['batch_event', 'batch_event_append_only'],
    ['rail', 'rail_not_removed'],
    ['rail', 'rail_keeps_id'],
    ['account_check', 'account_check_references'],
    ['account_check', 'account_check_keeps_key'],
  ])('[PAY-6.12-h] a guard that is taken away shows: %s, %s', async (table, guard) => {
    await intruder.query(`alter table ${table} disable trigger ${guard}`);
    expect((await brokenBooks(t.node)).join()).toMatch(/guards are in place/);
    await intruder.query(`alter table ${table} enable trigger ${guard}`);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it.each([
    ['amount', 'amount + 100', 'amount - 100'],
    ['created_at', "created_at - interval '1 day'", "created_at + interval '1 day'"],
    ['cause_id', "cause_id || 'x'", 'left(cause_id, -1)'],
    ['instruction_id', "overlay(instruction_id::text placing 'f' from 36)::uuid", undefined],
  ])('[PAY-6.12-h] a sealed transfer whose %s was changed shows', async (column, change, back) => {
    await sealTransfers(db);
    expect(await brokenBooks(t.node)).toEqual([]);
    const { rows } = await intruder.query(
      `select id, ${column}::text as value from ledger_transfer where instruction_id is not null
       and right(instruction_id::text, 1) <> 'f' limit 1`,
    );
    const [{ id, value }] = rows as [{ id: string; value: string }];
    await unguarded(`update ledger_transfer set ${column} = ${change} where id = '${id}'`);
    expect((await brokenBooks(t.node)).join()).toMatch(/no transfer, seal/);
    await unguarded(`update ledger_transfer set ${column} = ${back ?? `'${value}'`} where id = '${id}'`);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.12-h] a sealed transfer that was removed, with all it moved, shows', async () => {
    await sealTransfers(db);
    await intruder.query('create table kept as select * from ledger_transfer order by sequence desc limit 1');
    await unguarded('delete from ledger_transfer t using kept k where t.id = k.id');
    expect((await brokenBooks(t.node)).join()).toMatch(/no transfer, seal/);
    await unguarded('insert into ledger_transfer overriding system value select * from kept');
    await intruder.query('drop table kept');
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-p] a run whose account was exchanged after the approval is held, and nothing of it paid', async () => {
    const [payee = '', , thief = ''] = await payees(t.node, 3);
    const before = await available(t.node);
    const run = await handOver(t.node, [payee], { amount: '77.00', notBefore: 3_600_000 });
    await approve(t.node, run);
    await reaches(t.node, run, 'authorised');
    await pay(t.node, [thief], { amount: '1.00' });
    await intruder.query(
      `update instruction set version_id = (
         select i.version_id from instruction i join mapper_version v on v.id = i.version_id
         where i.batch_id <> $1 order by i.id desc limit 1)
       where batch_id = $1`,
      [run],
    );
    await intruder.query('update batch set next_at = now() where id = $1', [run]);
    expect(await reaches(t.node, run, 'held')).toMatchObject({ reason: 'content-changed-after-approval' });
    const { items } = (await t.admin.listCases({ query: { batchId: run } })).body;
    expect(items.map((one) => one.kind)).toEqual(['content-changed']);
    const personToken = await t.node.token({
      id: 'approver-2',
      roles: ['payment-approver'],
      agency: 'TEST/GOV/BLOCKS',
    });
    await expect(t.admin.resumeBatch({ params: { batchId: run }, personToken })).rejects.toMatchObject({
      status: 409,
    });
    await t.admin.cancelBatch({ params: { batchId: run }, body: { reason: 'Changed' } });
    expect(Number(await available(t.node))).toBeCloseTo(Number(before) - 1, 2);
    expect([...t.bank.credited.values()].some((one) => one.amount === '77.00')).toBe(false);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

it('the certificate of a run counts what was paid through whom, and what came in and went out', async () => {
  const { content } = (await t.admin.getCertificate({ params: { batchId } })).body;
  expect(content.total).toEqual({ count: 4, amount: '50.00' });
  expect(content.byState).toEqual([{ state: 'completed', count: 4, amount: '50.00' }]);
  const rows = await instructionsOf(t.node, batchId);
  for (const line of content.byRail)
    expect(line.count).toBe(rows.filter((row) => row.rail === line.rail).length);
  const reserved = content.accounts.find((one) => one.kind === 'reserved');
  expect(reserved).toMatchObject({ incoming: '50.00', outgoing: '50.00' });
});
