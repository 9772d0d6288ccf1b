import { badRequest, conflict, isServiceId, notFound } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Programme } from '../sources/programme.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import type { PayeeCheck } from './payee-check.ts';

export type VoucherGroup = Selectable<PaymentsTables['voucher_group']>;
export type Denomination = Selectable<PaymentsTables['voucher_denomination']>;

const columns = [
  'source_id',
  'code',
  'programme_id',
  'name',
  'description',
  'validity_seconds',
  'merchant_groups',
  'on_demand',
  'for_runs',
  'variable_amounts',
  'cancel_suspended',
  'payee_check',
  'active',
  'created_at',
  'updated_at',
] as const;

export interface VoucherGroupSettings {
  readonly code: string;
  readonly name: string;
  readonly description: string | undefined;
  /** Seconds from activation to expiry, the same for every voucher of the group. */
  readonly validitySeconds: number;
  /** Groups of merchants that may cash in; empty: any merchant. */
  readonly merchantGroups: readonly string[];
  /** Whether vouchers are made when none is in stock. */
  readonly onDemand: boolean;
  /** Whether payees of the programme's runs who want no account get vouchers of this group; one of a programme. */
  readonly forRuns: boolean;
  /** Whether amounts other than the denominations may be ordered; such vouchers are made on demand. */
  readonly variableAmounts: boolean;
  /** Whether a suspended voucher can be cancelled; otherwise it is reported as suspended (PAY-9.2.4). */
  readonly cancelSuspended: boolean;
  readonly payeeCheck: PayeeCheck | undefined;
  readonly active: boolean;
  /** Fixed values in minor units with the stock below which an alarm is raised. */
  readonly denominations: readonly { readonly amount: bigint; readonly stockThreshold: number }[];
}

/** Sets up a voucher group of a programme, or changes it. It stays with its programme: its vouchers are backed by it. */
export async function putVoucherGroup(
  trx: Trx,
  programme: Programme,
  settings: VoucherGroupSettings,
  actor: string,
): Promise<VoucherGroup> {
  const { payeeCheck, denominations, code } = settings;
  if (payeeCheck && !isServiceId(payeeCheck.service))
    throw badRequest('payeeCheck.service must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  if (settings.variableAmounts && !settings.onDemand)
    throw badRequest('Vouchers of variable amounts are made on demand');
  if (settings.forRuns && !settings.onDemand)
    throw badRequest('Vouchers for runs are made on demand, so that nobody of a run is left without');
  if (new Set(denominations.map((one) => one.amount)).size < denominations.length)
    throw badRequest('Each denomination is named once');
  const values = {
    name: settings.name,
    description: settings.description ?? null,
    validity_seconds: settings.validitySeconds,
    merchant_groups: [...settings.merchantGroups],
    on_demand: settings.onDemand,
    for_runs: settings.forRuns,
    variable_amounts: settings.variableAmounts,
    cancel_suspended: settings.cancelSuspended,
    payee_check: payeeCheck ? JSON.stringify(payeeCheck) : null,
    active: settings.active,
  };
  const row = await trx
    .insertInto('voucher_group')
    .values({ source_id: programme.source_id, code, programme_id: programme.id, ...values })
    .onConflict((clash) =>
      clash.columns(['source_id', 'code']).doUpdateSet({ ...values, updated_at: new Date() }),
    )
    .returning(columns)
    .executeTakeFirstOrThrow()
    .catch((error: unknown) => {
      const { code, constraint } = error as { code?: string; constraint?: string };
      if (code === '23505' && constraint === 'voucher_group_runs')
        throw conflict('Another voucher group of this programme is for runs');
      throw error;
    });
  if (row.programme_id !== programme.id)
    throw conflict('This voucher group belongs to another programme of the source');
  await trx
    .deleteFrom('voucher_denomination')
    .where('source_id', '=', row.source_id)
    .where('group_code', '=', code)
    .where('amount', 'not in', [...denominations.map((one) => one.amount.toString()), '0'])
    .execute();
  for (const { amount, stockThreshold } of denominations)
    await trx
      .insertInto('voucher_denomination')
      .values({
        source_id: row.source_id,
        group_code: code,
        amount: amount.toString(),
        stock_threshold: stockThreshold,
        alarmed_at: null,
      })
      .onConflict((clash) =>
        clash
          .columns(['source_id', 'group_code', 'amount'])
          .doUpdateSet({ stock_threshold: stockThreshold, alarmed_at: null }),
      )
      .execute();
  await audit(trx, {
    component: 'vouchers',
    action: 'put-group',
    subject: `voucher-group/${row.source_id}/${code}`,
    actor,
    detail: {
      ...settings,
      programmeId: programme.id,
      denominations: denominations.map((one) => ({ ...one, amount: one.amount.toString() })),
    },
  });
  return row;
}

export async function readVoucherGroup(db: Db | Trx, sourceId: string, code: string): Promise<VoucherGroup> {
  const row = await db
    .selectFrom('voucher_group')
    .select(columns)
    .where('source_id', '=', sourceId)
    .where('code', '=', code)
    .executeTakeFirst();
  if (!row) throw notFound('Voucher group');
  return row;
}

export interface KnownGroup {
  readonly group: VoucherGroup;
  readonly currency: string;
  readonly denominations: readonly Denomination[];
}

/** Where a group stands in the order of `listVoucherGroups`. */
export const groupCursor = ({ group }: KnownGroup): string => `${group.source_id}/${group.code}`;

/** Groups with their denominations, by source and code, a page after a cursor. */
export async function listVoucherGroups(
  db: Db | Trx,
  filter: {
    readonly sourceId?: string | undefined;
    readonly codes?: readonly string[] | undefined;
    readonly programmeId?: string;
    readonly forRuns?: boolean;
    /** Programmes of this member only. */
    readonly agency?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<KnownGroup[]> {
  const { sourceId, codes, programmeId, forRuns, agency } = filter;
  const [afterSource, afterCode] = filter.after?.split('/') ?? [];
  const groups = await db
    .selectFrom('voucher_group as g')
    .innerJoin('programme as p', (join) =>
      join.onRef('p.source_id', '=', 'g.source_id').onRef('p.id', '=', 'g.programme_id'),
    )
    .select(columns.map((column) => `g.${column}` as const))
    .select('p.currency')
    .$if(sourceId !== undefined, (query) => query.where('g.source_id', '=', sourceId as string))
    .$if(codes !== undefined, (query) => query.where(sql<boolean>`g.code = any (${codes}::text[])`))
    .$if(programmeId !== undefined, (query) => query.where('g.programme_id', '=', programmeId as string))
    .$if(forRuns !== undefined, (query) => query.where('g.for_runs', '=', forRuns as boolean))
    .$if(agency !== undefined, (query) => query.where('p.agency', '=', agency as string))
    .$if(afterCode !== undefined, (query) =>
      query.where(sql<boolean>`(g.source_id, g.code) > (${afterSource}::text, ${afterCode}::text)`),
    )
    .orderBy('g.source_id')
    .orderBy('g.code')
    .limit(filter.limit)
    .execute();
  const { rows } = await sql<Denomination>`
    select d.source_id, d.group_code, d.amount, d.stock_threshold, d.alarmed_at
    from unnest(
      ${groups.map((one) => one.source_id)}::text[],
      ${groups.map((one) => one.code)}::text[]
    ) as g (source_id, code)
    join voucher_denomination d on d.source_id = g.source_id and d.group_code = g.code
    order by d.source_id, d.group_code, d.amount`.execute(db);
  return groups.map(({ currency, ...group }) => ({
    group,
    currency,
    denominations: rows.filter((one) => one.source_id === group.source_id && one.group_code === group.code),
  }));
}
