import { announce, conflict, newId } from '@govstack/platform';
import { sql } from 'kysely';
import { voucherStockLow } from '../api/event-operations.ts';
import { audit } from '../audit/audit.ts';
import { openCases } from '../cases/cases.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import type { VoucherGroup } from './groups.ts';
import { numberToken, voucherKeys } from './keys.ts';
import { newNumber, nextSerials } from './numbers.ts';
import { VoucherRefused } from './refused.ts';
import type { Voucher } from './voucher.ts';

/** Serial and secret number of a voucher that has them already, from another system say. */
export interface VoucherIdentity {
  readonly serial: string;
  readonly number: string;
}

/**
 * Makes vouchers and puts them in stock: worth nothing until their value is set aside. A number that exists already is
 * drawn anew. Answers their ids in the order of the amounts, which is that of their serial numbers.
 */
export async function createVouchers(
  payments: Payments,
  trx: Trx,
  group: Pick<VoucherGroup, 'source_id' | 'programme_id' | 'code'>,
  of: {
    readonly currency: string;
    /** What each is worth. */
    readonly amounts: readonly bigint[];
    readonly stockBatchId?: string;
    readonly actor: string;
    readonly identities?: readonly VoucherIdentity[];
  },
): Promise<string[]> {
  const [key, ...older] = await voucherKeys(payments, trx);
  const serials = of.identities?.map((one) => one.serial) ?? (await nextSerials(trx, of.amounts.length));
  const ids = new Map<string, string>();
  let waiting = serials.map((serial, index) => ({
    serial,
    number: of.identities?.[index]?.number,
    amount: of.amounts[index] as bigint,
  }));
  while (waiting.length > 0) {
    const drawn = waiting.map(({ number = newNumber(), ...one }) => ({ ...one, id: newId(), number }));
    const { rows } = await sql<{ id: string; serial: string }>`
      insert into voucher
        (id, serial, number_token, number_cipher, key_id, source_id, programme_id, group_code, currency, amount,
         stock_batch_id, state, actor)
      select
        r.id, r.serial, r.token, r.cipher, ${key.id}, ${group.source_id}, ${group.programme_id}, ${group.code},
        ${of.currency}, r.amount, ${of.stockBatchId ?? null}::uuid, 'provisioned', ${of.actor}
      from unnest(
        ${drawn.map((one) => one.id)}::uuid[],
        ${drawn.map((one) => one.serial)}::text[],
        ${drawn.map((one) => numberToken(key, one.number))}::bytea[],
        ${drawn.map((one) => key.vault.seal(one.number, `voucher/${one.id}`))}::bytea[],
        ${drawn.map((one) => one.amount.toString())}::bigint[]
      ) as r (id, serial, token, cipher, amount)
      where not exists (
        select
        from voucher known
        where known.number_token = any (
          array(select t from unnest(${older.flatMap((old) =>
            drawn.map((one) => numberToken(old, one.number)),
          )}::bytea[], ${older.flatMap(() => drawn.map((one) => one.id))}::uuid[]) as o (t, id)
            where o.id = r.id))
      )
      on conflict on constraint voucher_number_key do nothing
      returning id, serial`.execute(trx);
    for (const { serial, id } of rows) ids.set(serial, id);
    waiting = waiting.filter((one) => !ids.has(one.serial));
    if (of.identities && waiting.length > 0) throw conflict('A voucher with such a number exists');
  }
  return serials.map((serial) => ids.get(serial) as string);
}

/**
 * Provisions a batch of vouchers into stock. The reference makes it safe to repeat: the same again makes nothing more,
 * the same with other content is refused. Answers whether it was made now.
 */
export async function provisionVouchers(
  payments: Payments,
  trx: Trx,
  group: VoucherGroup,
  batch: {
    readonly reference: string;
    readonly currency: string;
    readonly amount: bigint;
    readonly count: number;
    readonly actor: string;
  },
): Promise<boolean> {
  const { reference, amount, count, actor } = batch;
  const { rows } = await sql<{ alarmed_at: string | null }>`
    select alarmed_at
    from voucher_denomination
    where source_id = ${group.source_id} and group_code = ${group.code} and amount = ${amount.toString()}
    for update`.execute(trx);
  if (rows.length === 0) throw new VoucherRefused('bad-amount', 'This is no denomination of the group');
  const id = newId();
  const inserted = await trx
    .insertInto('voucher_stock_batch')
    .values({
      id,
      source_id: group.source_id,
      group_code: group.code,
      reference,
      amount: amount.toString(),
      voucher_count: count,
      actor,
    })
    .onConflict((clash) => clash.constraint('voucher_stock_batch_key').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!inserted) {
    const known = await trx
      .selectFrom('voucher_stock_batch')
      .select(['amount', 'voucher_count'])
      .where('source_id', '=', group.source_id)
      .where('group_code', '=', group.code)
      .where('reference', '=', reference)
      .executeTakeFirstOrThrow();
    if (BigInt(known.amount) !== amount || known.voucher_count !== count)
      throw conflict('A batch with this reference was provisioned with other content');
    return false;
  }
  await createVouchers(payments, trx, group, {
    currency: batch.currency,
    amounts: new Array<bigint>(count).fill(amount),
    stockBatchId: id,
    actor,
  });
  await sql`
    update voucher_denomination d
    set alarmed_at = null
    where d.source_id = ${group.source_id} and d.group_code = ${group.code} and d.amount = ${amount.toString()}
      and (select count(*) from voucher v
        where v.source_id = d.source_id and v.group_code = d.group_code and v.amount = d.amount
          and v.state = 'provisioned') >= d.stock_threshold`.execute(trx);
  await audit(trx, {
    component: 'vouchers',
    action: 'provision',
    subject: `voucher-group/${group.source_id}/${group.code}`,
    actor,
    detail: { reference, amount: amount.toString(), currency: batch.currency, count },
  });
  return true;
}

/** Takes so many vouchers out of stock, oldest serial first; fewer when there are not so many. They stay locked. */
export async function takeFromStock(
  trx: Trx,
  group: VoucherGroup,
  amount: bigint,
  count: number,
): Promise<string[]> {
  const { rows } = await sql<Pick<Voucher, 'id'>>`
    select id
    from voucher
    where source_id = ${group.source_id}
      and group_code = ${group.code}
      and amount = ${amount.toString()}
      and state = 'provisioned'
    order by serial
    limit ${count}
    for update skip locked`.execute(trx);
  return rows.map((row) => row.id);
}

/** Raises an alarm when the stock of a denomination is below its threshold: a case, and a request to restock (PAY-6.1-w). */
export async function watchStock(
  payments: Payments,
  trx: Trx,
  group: VoucherGroup,
  amount: bigint,
  currency: string,
): Promise<void> {
  const denominationOf = sql`d.source_id = ${group.source_id}
    and d.group_code = ${group.code}
    and d.amount = ${amount.toString()}`;
  const watched = await sql<{ threshold: number }>`
    select d.stock_threshold as threshold
    from voucher_denomination d
    where ${denominationOf} and d.alarmed_at is null and d.stock_threshold > 0`.execute(trx);
  const { threshold } = watched.rows[0] ?? {};
  if (threshold === undefined) return;
  // Counted no further than the threshold: a large stock costs no more than a small one.
  const { rows } = await sql<{ stock: number }>`
    select count(*)::integer as stock
    from (
      select
      from voucher v
      where v.source_id = ${group.source_id}
        and v.group_code = ${group.code}
        and v.amount = ${amount.toString()}
        and v.state = 'provisioned'
      limit ${threshold}
    ) counted`.execute(trx);
  const stock = rows[0]?.stock ?? 0;
  if (stock >= threshold) return;
  const raised = await sql<{ alarm: string }>`
    update voucher_denomination d
    set alarmed_at = now()
    where ${denominationOf} and d.alarmed_at is null
    returning d.alarmed_at as alarm`.execute(trx);
  const [first] = raised.rows;
  if (!first) return;
  const denomination = formatAmount(amount, payments.currencies(currency) ?? 2);
  await openCases(trx, [
    {
      kind: 'voucher-stock-low',
      key: `${group.source_id}/${group.code}/${denomination}/${first.alarm}`,
      detail: `${stock} vouchers of ${denomination} ${currency} are left in group ${group.code} of ${group.source_id}; at least ${threshold} should be`,
    },
  ]);
  await announce(trx, voucherStockLow, {
    subject: `${group.source_id}/${group.code}`,
    data: {
      sourceId: group.source_id,
      programmeId: group.programme_id,
      groupCode: group.code,
      currency,
      denomination,
      stock,
      threshold,
    },
  });
}
