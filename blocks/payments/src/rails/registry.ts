import { badRequest, compileValidator, conflict, isServiceId, Type } from '@govstack/platform';
import { importJWK, type JWK } from 'jose';
import { sql, type Updateable } from 'kysely';
import type { Calendar } from '../api/admin/calendar.ts';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import { bank } from './bank/adapter.ts';
import { byHand } from './by-hand/adapter.ts';
import { assertCalendar } from './calendar.ts';
import { file } from './file/adapter.ts';
import { gsma } from './gsma/adapter.ts';
import { mobileMoney } from './mobile-money/adapter.ts';
import type { Rail, RailAdapter, RailContext } from './port.ts';
import { voucher } from './voucher/adapter.ts';

/** The kinds of rail this block can speak to. A new kind is a folder here and a line below. */
export const adapters: Readonly<Record<string, RailAdapter>> = {
  bank,
  'mobile-money': mobileMoney,
  gsma,
  file,
  'by-hand': byHand,
  voucher,
};

/** Kinds of rail whose institutions look at their payments themselves and report what became of them. */
export const adaptersByHand = Object.keys(adapters).filter((name) => adapters[name]?.byHand === true);

export function adapterOf(rail: Pick<Rail, 'adapter'>): RailAdapter {
  const adapter = Object.hasOwn(adapters, rail.adapter) ? adapters[rail.adapter] : undefined;
  if (!adapter)
    throw badRequest(`adapter must be one of ${Object.keys(adapters).join(', ')}, not ${rail.adapter}`);
  return adapter;
}

const columns = [
  'id',
  'adapter',
  'service',
  'name',
  'modalities',
  'institutions',
  'currencies',
  'is_default',
  'batch_size',
  'concurrency',
  'debtor_account',
  'public_key',
  'active',
  'settings',
  'rank',
  'maximum_amounts',
  'transfers_per_second',
  'calendar',
  'answer_within_seconds',
  'created_at',
  'updated_at',
] as const;

export interface RailSettings {
  readonly id: string;
  readonly adapter: string;
  /** What the adapter needs to know, by its own schema. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where the rail is called. */
  readonly service: string;
  readonly name: string;
  readonly modalities: readonly string[];
  /** Institution codes whose accounts it credits. */
  readonly institutions: readonly string[];
  readonly currencies: readonly string[];
  /** Whether it also takes accounts of its modalities at institutions that no rail lists. */
  readonly isDefault: boolean;
  /** Of several rails that take a payment the one with the lowest rank is chosen. */
  readonly rank: number;
  /** Largest transfer by currency, in minor units; larger ones go to another rail. */
  readonly maximumAmounts: Readonly<Record<string, bigint>>;
  readonly transfersPerSecond: number | undefined;
  readonly calendar: Calendar | undefined;
  /** Seconds after which its silence is a case. */
  readonly answerWithinSeconds: number | undefined;
  readonly batchSize: number;
  /** Calls in flight at the same time. */
  readonly concurrency: number;
  /** Account at the rail that is debited (a wallet float, say); the programme's funding account when absent. */
  readonly debtorAccount: string | undefined;
  /** Key with which its notices must be signed. */
  readonly publicKey: JWK | undefined;
  readonly active: boolean;
}

/** Checks what an adapter must be told by its own schema. */
function assertAdapterSettings(adapter: RailAdapter, settings: object): void {
  const schema = adapter.settings ?? Type.Object({}, { additionalProperties: false });
  const errors = compileValidator(schema, 'body', false)(settings);
  if (errors)
    throw badRequest(
      'The settings are not those of the adapter',
      errors.map((error) => ({ ...error, pointer: `/settings${error.pointer}` })),
    );
}

/** Whether a rail with this adapter takes several payments as one: people who pay by hand see each, a voucher has a value of its own. */
export const combines = (adapter: string): boolean =>
  !adapters[adapter]?.byHand && !adapters[adapter]?.givesVouchers;

/** Whom a rail is and what it debits: only there one can ask what became of what was sent. */
const identity = ['adapter', 'service', 'debtor_account'] as const;

/**
 * Throws a 409 when something is out at the rail: payments sent and not known to be refused, and vouchers being paid out.
 * Another institution would know nothing of them, and they would be paid again.
 */
async function assertNothingOut(trx: Trx, railId: string): Promise<void> {
  const { rows } = await sql<{ payments: number; redemptions: number }>`
    select
      (select count(*)::integer
        from sub_batch s
        join instruction i
          on i.batch_id = s.batch_id
          and i.position between s.first_position and s.last_position
          and i.sub_batch_id = s.id
        where s.rail_id = ${railId}
          and s.state <> 'settled'
          and s.sends > 0
          and i.state in ('submitted', 'unknown')
          and exists (
            select from attempt a where a.instruction_id = i.id and a.state <> 'refused'
          )) as payments,
      (select count(*)::integer
        from voucher_redemption
        where rail_id = ${railId} and state in ('sent', 'unknown')) as redemptions`.execute(trx);
  const { payments = 0, redemptions = 0 } = rows[0] ?? {};
  if (payments + redemptions > 0)
    throw conflict(
      `Adapter, service and debtorAccount stay as they are while something is out at the rail: ${payments} payments, ${redemptions} vouchers`,
    );
}

/** Throws a 409 while payments wait that are to leave as one: people who pay by hand see each alone, and so do vouchers. */
async function assertNoneCombined(trx: Trx, railId: string): Promise<void> {
  const { rows } = await sql`
    select
    from combined_instruction k
    join instruction i on i.id = k.instruction_id
    where i.rail_id = ${railId} and i.state in ('validated', 'queued')
    limit 1`.execute(trx);
  if (rows.length > 0)
    throw conflict(
      'Payments that are to leave as one wait for this rail; it cannot become one that takes each alone',
    );
}

/** Changes a rail under its lock: nothing is sent there, and no voucher is presented, meanwhile. */
async function changeRail(trx: Trx, id: string, values: Updateable<PaymentsTables['rail']>): Promise<Rail> {
  const known = await trx
    .selectFrom('rail')
    .select(identity)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (identity.some((column) => known[column] !== values[column])) await assertNothingOut(trx, id);
  if (known.adapter !== values.adapter && !combines(values.adapter as string))
    await assertNoneCombined(trx, id);
  return trx
    .updateTable('rail')
    .set({ ...values, updated_at: new Date() })
    .where('id', '=', id)
    .returning(columns)
    .executeTakeFirstOrThrow();
}

/**
 * Registers a payer rail or changes it. Repeating the same settings changes nothing. While something is out at it, it
 * cannot become another one (409).
 */
export async function putRail(
  payments: Payments,
  trx: Trx,
  settings: RailSettings,
  actor: string,
): Promise<Rail> {
  const adapter = adapterOf(settings);
  assertAdapterSettings(adapter, settings.settings);
  const inVouchers = settings.modalities.every((one) => one === '02');
  if (adapter.givesVouchers ? !inVouchers : settings.modalities.includes('02'))
    throw badRequest('Modality 02 is for a rail with the adapter voucher, which has no other');
  if (settings.calendar) assertCalendar(settings.calendar);
  if (!isServiceId(settings.service))
    throw badRequest('service must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  for (const currency of settings.currencies) {
    if (payments.currencies(currency) === undefined) throw badRequest(`${currency} is not a known currency`);
  }
  if (settings.publicKey) {
    if (!adapter.signedNotices) throw badRequest(`Notices of a ${settings.adapter} rail are not signed`);
    if ('d' in settings.publicKey) throw badRequest('publicKey must not contain the private key');
    await importJWK(settings.publicKey).catch(() => {
      throw badRequest('publicKey is not a usable JSON Web Key');
    });
  }
  const maximumAmounts = Object.fromEntries(
    Object.entries(settings.maximumAmounts).map(([currency, amount]) => [currency, amount.toString()]),
  );
  const values = {
    adapter: settings.adapter,
    service: settings.service,
    name: settings.name,
    modalities: [...settings.modalities],
    institutions: [...settings.institutions],
    currencies: [...settings.currencies],
    is_default: settings.isDefault,
    // A call carries what the rate lets through in a second, so that it is kept from second to second.
    batch_size: Math.min(settings.batchSize, adapter.largestBatch, settings.transfersPerSecond ?? 1000),
    concurrency: settings.concurrency,
    debtor_account: settings.debtorAccount ?? null,
    public_key: settings.publicKey ? JSON.stringify(settings.publicKey) : null,
    active: settings.active,
    settings: JSON.stringify(settings.settings),
    rank: settings.rank,
    maximum_amounts: JSON.stringify(maximumAmounts),
    transfers_per_second: settings.transfersPerSecond ?? null,
    calendar: settings.calendar ? JSON.stringify(settings.calendar) : null,
    answer_within_seconds: settings.answerWithinSeconds ?? adapter.answerWithinSeconds ?? null,
  };
  const inserted = await trx
    .insertInto('rail')
    .values({ id: settings.id, ...values })
    .onConflict((clash) => clash.column('id').doNothing())
    .returning(columns)
    .executeTakeFirst();
  const row = inserted ?? (await changeRail(trx, settings.id, values));
  await audit(trx, {
    component: 'settings',
    action: 'put',
    subject: `rail/${settings.id}`,
    actor,
    detail: { ...settings, maximumAmounts },
  });
  await trx
    .insertInto('rail_traffic')
    .values({ rail_id: settings.id })
    .onConflict((clash) => clash.column('rail_id').doNothing())
    .execute();
  return row;
}

export const listRails = (db: Db | Trx): Promise<Rail[]> =>
  db.selectFrom('rail').select(columns).orderBy('id').limit(1000).execute();

/** Whether payments of a rail are vouchers. */
export const givesVouchers = async (db: Db | Trx, id: string): Promise<boolean> => {
  const row = await db.selectFrom('rail').select('adapter').where('id', '=', id).executeTakeFirst();
  return row !== undefined && adapterOf(row).givesVouchers === true;
};

export const findRail = (db: Db | Trx, id: string): Promise<Rail | undefined> =>
  db.selectFrom('rail').select(columns).where('id', '=', id).executeTakeFirst();

/** A rail that stays the same one until the transaction ends. */
export const railInUse = (trx: Trx, id: string): Promise<Rail> =>
  trx.selectFrom('rail').select(columns).where('id', '=', id).forKeyShare().executeTakeFirstOrThrow();

/** Seconds after which the sending of so many transfers is over, whatever the rail does: each of its calls has an end. */
export const sendingSeconds = (
  payments: Payments,
  rail: Pick<Rail, 'adapter' | 'concurrency'>,
  transfers: number,
): number =>
  (adapterOf(rail).callsInTurn?.(transfers, rail.concurrency) ?? 1) *
  payments.config.railTimeoutSeconds *
  1.1;

/** What an adapter needs to reach its rail. */
export const railContext = (payments: Payments, rail: Rail): RailContext => ({
  mediation: payments.ctx.mediation,
  rail,
  application: payments.ctx.application,
  timeoutMs: payments.config.railTimeoutSeconds * 1000,
  db: payments.db,
  vault: payments.vault,
  currencies: payments.currencies,
  now: () => payments.ctx.now(),
});
