import { badRequest, conflict, forbidden, isApplicationId, isServiceId, notFound } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Source = Selectable<PaymentsTables['source_system']>;

const columns = [
  'id',
  'application',
  'name',
  'institution_id',
  'callback_service',
  'callback_path',
  'callback_urls',
  'auto_approve_limit',
  'auto_approve_currency',
  'active',
  'created_at',
  'updated_at',
] as const;

export interface SourceSettings {
  /** SourceBBID: the short id by which the official messages name the source. */
  readonly id: string;
  readonly application: string;
  readonly name: string;
  readonly institutionId: string;
  readonly callbackService: string | undefined;
  readonly callbackPath: string | undefined;
  readonly callbackUrls: readonly string[];
  readonly active: boolean;
}

function assertSettings(settings: SourceSettings): void {
  if (!isApplicationId(settings.application))
    throw badRequest('application must be INSTANCE/CLASS/MEMBER/APPLICATION');
  if (settings.callbackService !== undefined && !isServiceId(settings.callbackService))
    throw badRequest('callbackService must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  for (const text of settings.callbackUrls) {
    const url = URL.parse(text);
    const local = url?.hostname === 'localhost' || url?.hostname === '127.0.0.1' || url?.hostname === '[::1]';
    if (!url || !(url.protocol === 'https:' || (url.protocol === 'http:' && local)) || url.username !== '')
      throw badRequest('callbackUrls must be https addresses without credentials');
  }
}

const otherSource = () => conflict('This application is registered as a source under another id');

/** Registers a source system, or changes it. Repeating the same settings changes nothing. */
export async function putSource(trx: Trx, settings: SourceSettings, actor: string): Promise<Source> {
  assertSettings(settings);
  const other = await trx
    .selectFrom('source_system')
    .select('id')
    .where('application', '=', settings.application)
    .where('id', '<>', settings.id)
    .executeTakeFirst();
  if (other) throw otherSource();
  const values = {
    application: settings.application,
    name: settings.name,
    institution_id: settings.institutionId,
    callback_service: settings.callbackService ?? null,
    callback_path: settings.callbackPath ?? null,
    callback_urls: [...settings.callbackUrls],
    active: settings.active,
  };
  const row = await trx
    .insertInto('source_system')
    .values({ id: settings.id, ...values })
    .onConflict((clash) => clash.column('id').doUpdateSet({ ...values, updated_at: new Date() }))
    .returning(columns)
    .executeTakeFirstOrThrow()
    .catch((error: unknown) => {
      const clash = (error as { constraint?: string }).constraint === 'source_system_application_key';
      throw clash ? otherSource() : error;
    });
  await audit(trx, {
    component: 'settings',
    action: 'put',
    subject: `source/${settings.id}`,
    actor,
    detail: settings,
  });
  return row;
}

/** The source a caller is; calls of any other application are refused (PAY-9.1.1-b). */
export async function sourceOfCaller(db: Db | Trx, application: string): Promise<Source> {
  const row = await db
    .selectFrom('source_system')
    .select(columns)
    .where('application', '=', application)
    .executeTakeFirst();
  if (!row) throw forbidden('This application is not registered as a source of payments');
  if (!row.active) throw forbidden('This source of payments is not active');
  return row;
}

export async function readSource(db: Db | Trx, id: string): Promise<Source> {
  const row = await db.selectFrom('source_system').select(columns).where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('Source');
  return row;
}

export const listSources = (db: Db): Promise<Source[]> =>
  db.selectFrom('source_system').select(columns).orderBy('id').limit(1000).execute();
