import { type Selectable, sql } from 'kysely';
import { accountId, balances } from '../ledger/accounts.ts';
import type { Db, PaymentsTables } from '../tables.ts';
import { voucherAccounts } from './money.ts';
import type { VoucherState } from './states.ts';
import type { Voucher } from './voucher.ts';

/** Vouchers, newest first, a page before an id. */
export function listVouchers(
  db: Db,
  filter: {
    readonly sourceId?: string;
    readonly groupCode?: string;
    readonly state?: VoucherState;
    readonly before?: string;
    /** Programmes of these members only; undefined: all. */
    readonly agency?: string;
    readonly limit: number;
  },
): Promise<Voucher[]> {
  return db
    .selectFrom('voucher as v')
    .innerJoin('programme as p', (join) =>
      join.onRef('p.source_id', '=', 'v.source_id').onRef('p.id', '=', 'v.programme_id'),
    )
    .selectAll('v')
    .$if(filter.sourceId !== undefined, (query) => query.where('v.source_id', '=', filter.sourceId as string))
    .$if(filter.groupCode !== undefined, (query) =>
      query.where('v.group_code', '=', filter.groupCode as string),
    )
    .$if(filter.state !== undefined, (query) => query.where('v.state', '=', filter.state as VoucherState))
    .$if(filter.agency !== undefined, (query) => query.where('p.agency', '=', filter.agency as string))
    .$if(filter.before !== undefined, (query) => query.where('v.id', '<', filter.before as string))
    .orderBy('v.id', 'desc')
    .limit(filter.limit)
    .execute();
}

export type VoucherEvent = Selectable<PaymentsTables['voucher_event']>;

export const voucherHistory = (db: Db, voucherId: string): Promise<VoucherEvent[]> =>
  db
    .selectFrom('voucher_event')
    .selectAll()
    .where('voucher_id', '=', voucherId)
    .orderBy('id')
    .limit(500)
    .execute();

export interface StockLine {
  readonly source_id: string;
  readonly group_code: string;
  readonly currency: string;
  readonly agency: string;
  /** Minor units; null: vouchers of variable amounts. */
  readonly amount: string | null;
  readonly stock_threshold: number | null;
  readonly states: readonly {
    readonly state: VoucherState;
    readonly count: number;
    readonly value: string;
  }[];
}

/** Vouchers per state, group and denomination, also of denominations that have none (PAY-6.1-w). */
export async function stockReport(db: Db, sourceId?: string): Promise<StockLine[]> {
  const { rows } = await sql<StockLine>`
    with counted as (
      select v.source_id, v.group_code, d.amount, v.state, count(*)::integer as count, sum(v.amount)::text as value
      from voucher v
      left join voucher_denomination d
        on d.source_id = v.source_id and d.group_code = v.group_code and d.amount = v.amount
      group by v.source_id, v.group_code, d.amount, v.state
    ),
    kinds as (
      select source_id, group_code, amount from voucher_denomination
      union
      select source_id, group_code, amount from counted
    )
    select
      k.source_id, k.group_code, p.currency, p.agency, k.amount::text as amount, d.stock_threshold,
      coalesce(
        jsonb_agg(jsonb_build_object('state', c.state, 'count', c.count, 'value', c.value) order by c.state)
          filter (where c.state is not null),
        '[]') as states
    from kinds k
    join voucher_group g on g.source_id = k.source_id and g.code = k.group_code
    join programme p on p.source_id = g.source_id and p.id = g.programme_id
    left join voucher_denomination d
      on d.source_id = k.source_id and d.group_code = k.group_code and d.amount = k.amount
    left join counted c
      on c.source_id = k.source_id and c.group_code = k.group_code and c.amount is not distinct from k.amount
    where ${sourceId ?? null}::text is null or k.source_id = ${sourceId ?? null}
    group by k.source_id, k.group_code, p.currency, p.agency, k.amount, d.stock_threshold
    order by k.source_id, k.group_code, k.amount
    limit 5000`.execute(db);
  return rows;
}

export interface Liability {
  readonly source_id: string;
  readonly programme_id: string;
  readonly currency: string;
  readonly agency: string;
  /** Value of all vouchers that can still be used, minor units. */
  readonly outstanding: bigint;
  /** Of it, promised to merchants. */
  readonly promised: bigint;
}

/** What programmes owe for vouchers, from the books. */
export async function voucherLiability(db: Db, sourceId?: string): Promise<Liability[]> {
  const programmes = await db
    .selectFrom('programme as p')
    .select(['p.source_id', 'p.id', 'p.currency', 'p.agency'])
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('voucher_group as g')
          .select('g.code')
          .whereRef('g.source_id', '=', 'p.source_id')
          .whereRef('g.programme_id', '=', 'p.id'),
      ),
    )
    .$if(sourceId !== undefined, (query) => query.where('p.source_id', '=', sourceId as string))
    .orderBy('p.source_id')
    .orderBy('p.id')
    .limit(1000)
    .execute();
  const keyed = programmes.map(({ id, ...programme }) => {
    const account = accountId(voucherAccounts({ ...programme, programme_id: id }).voucher);
    return { ...programme, programme_id: id, account };
  });
  const found = await balances(
    db,
    keyed.map((one) => one.account),
  );
  return keyed.map(({ account, ...programme }) => {
    const { posted = 0n, free = 0n } = found.get(account) ?? {};
    return { ...programme, outstanding: posted, promised: posted - free };
  });
}
