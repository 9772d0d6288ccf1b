import { badRequest, isServiceId } from '@govstack/platform';
import { importJWK, type JWK } from 'jose';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';
import { bank } from './bank/adapter.ts';
import { byHand } from './by-hand/adapter.ts';
import { mobileMoney } from './mobile-money/adapter.ts';
import type { Rail, RailAdapter, RailContext } from './port.ts';

/** The kinds of rail this block can speak to. A new kind is a folder here and a line below. */
const known = { bank, 'mobile-money': mobileMoney, 'by-hand': byHand } as const satisfies Record<
  string,
  RailAdapter
>;
export type AdapterName = keyof typeof known;
export const adapters: Readonly<Record<AdapterName, RailAdapter>> = known;

export const adapterOf = (rail: Rail): RailAdapter => adapters[rail.adapter as AdapterName];

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
  'created_at',
  'updated_at',
] as const;

export interface RailSettings {
  readonly id: string;
  readonly adapter: AdapterName;
  /** Where the rail is called. */
  readonly service: string;
  readonly name: string;
  readonly modalities: readonly string[];
  /** Institution codes whose accounts it credits. */
  readonly institutions: readonly string[];
  readonly currencies: readonly string[];
  /** Whether it also takes accounts of its modalities at institutions that no rail lists. */
  readonly isDefault: boolean;
  readonly batchSize: number;
  /** Calls in flight at the same time. */
  readonly concurrency: number;
  /** Account at the rail that is debited (a wallet float, say); the programme's funding account when absent. */
  readonly debtorAccount: string | undefined;
  /** Key with which its notices must be signed. */
  readonly publicKey: JWK | undefined;
  readonly active: boolean;
}

/** Registers a payer rail or changes it. Repeating the same settings changes nothing. */
export async function putRail(
  payments: Payments,
  trx: Trx,
  settings: RailSettings,
  actor: string,
): Promise<Rail> {
  if (!isServiceId(settings.service))
    throw badRequest('service must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  for (const currency of settings.currencies) {
    if (payments.currencies(currency) === undefined) throw badRequest(`${currency} is not a known currency`);
  }
  if (settings.publicKey) {
    if ('d' in settings.publicKey) throw badRequest('publicKey must not contain the private key');
    await importJWK(settings.publicKey).catch(() => {
      throw badRequest('publicKey is not a usable JSON Web Key');
    });
  }
  const values = {
    adapter: settings.adapter,
    service: settings.service,
    name: settings.name,
    modalities: [...settings.modalities],
    institutions: [...settings.institutions],
    currencies: [...settings.currencies],
    is_default: settings.isDefault,
    batch_size: Math.min(settings.batchSize, adapters[settings.adapter].largestBatch),
    concurrency: settings.concurrency,
    debtor_account: settings.debtorAccount ?? null,
    public_key: settings.publicKey ? JSON.stringify(settings.publicKey) : null,
    active: settings.active,
  };
  const row = await trx
    .insertInto('rail')
    .values({ id: settings.id, ...values })
    .onConflict((clash) => clash.column('id').doUpdateSet({ ...values, updated_at: new Date() }))
    .returning(columns)
    .executeTakeFirstOrThrow();
  await audit(trx, {
    component: 'settings',
    action: 'put',
    subject: `rail/${settings.id}`,
    actor,
    detail: settings,
  });
  return row;
}

export const listRails = (db: Db | Trx): Promise<Rail[]> =>
  db.selectFrom('rail').select(columns).orderBy('id').limit(1000).execute();

export const findRail = (db: Db | Trx, id: string): Promise<Rail | undefined> =>
  db.selectFrom('rail').select(columns).where('id', '=', id).executeTakeFirst();

/** What an adapter needs to reach its rail. */
export const railContext = (payments: Payments, rail: Rail): RailContext => ({
  mediation: payments.ctx.mediation,
  rail,
  callbackService: `${payments.ctx.application}/payments-rail-callback-v1`,
  timeoutMs: payments.config.railTimeoutSeconds * 1000,
});
