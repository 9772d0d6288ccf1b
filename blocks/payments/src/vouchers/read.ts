import { type Selectable, sql } from 'kysely';
import { accountId, balances } from '../ledger/accounts.ts';
import type { Db, PaymentsTables } from '../tables.ts';
import type { KnownGroup } from './groups.ts';
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
  /** Minor units; null: vouchers of variable amounts. */
  readonly amount: string | null;
  readonly stock_threshold: number | null;
  readonly states: readonly {
    readonly state: VoucherState;
    readonly count: number;
    readonly value: string;
  }[];
}

/** Vouchers of some groups per state, group and denomination, also of denominations that have none (PAY-6.1-w). */
export async function stockReport(db: Db, groups: readonly KnownGroup[]): Promise<StockLine[]> {
  const { rows } = await sql<StockLine>`
    with wanted as (
      select * from unnest(
        ${groups.map(({ group }) => group.source_id)}::text[],
        ${groups.map(({ group }) => group.code)}::text[],
        ${groups.map((one) => one.currency)}::text[]
      ) as w (source_id, group_code, currency)
    ),
    counted as (
      select w.source_id, w.group_code, d.amount, v.state, count(*)::integer as count, sum(v.amount)::text as value
      from wanted w
      join voucher v on v.source_id = w.source_id and v.group_code = w.group_code
      left join voucher_denomination d
        on d.source_id = v.source_id and d.group_code = v.group_code and d.amount = v.amount
      group by w.source_id, w.group_code, d.amount, v.state
    ),
    kinds as (
      select d.source_id, d.group_code, d.amount
      from wanted w
      join voucher_denomination d on d.source_id = w.source_id and d.group_code = w.group_code
      union
      select source_id, group_code, amount from counted
    )
    select
      w.source_id, w.group_code, w.currency, k.amount::text as amount, d.stock_threshold,
      coalesce(
        jsonb_agg(jsonb_build_object('state', c.state, 'count', c.count, 'value', c.value) order by c.state)
          filter (where c.state is not null),
        '[]') as states
    from kinds k
    join wanted w on w.source_id = k.source_id and w.group_code = k.group_code
    left join voucher_denomination d
      on d.source_id = k.source_id and d.group_code = k.group_code and d.amount = k.amount
    left join counted c
      on c.source_id = k.source_id and c.group_code = k.group_code and c.amount is not distinct from k.amount
    group by w.source_id, w.group_code, w.currency, k.amount, d.stock_threshold
    order by w.source_id, w.group_code, k.amount`.execute(db);
  return rows;
}

export interface Liability {
  readonly source_id: string;
  readonly programme_id: string;
  readonly currency: string;
  /** Value of all vouchers that can still be used, minor units. */
  readonly outstanding: bigint;
  /** Of it, promised to merchants. */
  readonly promised: bigint;
}

/** What the programmes of some groups owe for vouchers, from the books. */
export async function voucherLiability(db: Db, groups: readonly KnownGroup[]): Promise<Liability[]> {
  const programmes = new Map(
    groups.map(({ group: { source_id, programme_id }, currency }) => {
      const one = { source_id, programme_id, currency };
      return [accountId(voucherAccounts(one).voucher), one];
    }),
  );
  const found = await balances(db, [...programmes.keys()]);
  return [...programmes].map(([account, one]) => {
    const { posted = 0n, free = 0n } = found.get(account) ?? {};
    return { ...one, outstanding: posted, promised: posted - free };
  });
}
