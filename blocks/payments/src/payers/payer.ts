import { badRequest, conflict, forbidden, isApplicationId, isServiceId, notFound } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

/** An institution whose customers pay bills: it identifies and debits them, and tells this block. */
export type Payer = Selectable<PaymentsTables['payer_institution']>;

export interface PayerSettings {
  /** PayerFI-Id of the published messages. */
  readonly id: string;
  readonly application: string;
  readonly name: string;
  readonly bic: string | undefined;
  readonly service: string | undefined;
  readonly active: boolean;
}

/** Registers a payer institution or changes it. Repeating the same settings changes nothing. */
export async function putPayer(trx: Trx, settings: PayerSettings, actor: string): Promise<Payer> {
  if (!isApplicationId(settings.application))
    throw badRequest('application must be INSTANCE/CLASS/MEMBER/APPLICATION');
  if (settings.service !== undefined && !isServiceId(settings.service))
    throw badRequest('service must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  const other = await trx
    .selectFrom('payer_institution')
    .select('id')
    .where('id', '<>', settings.id)
    .where((where) =>
      where.or([
        where('application', '=', settings.application),
        ...(settings.bic === undefined ? [] : [where('bic', '=', settings.bic)]),
      ]),
    )
    .executeTakeFirst();
  if (other) throw conflict('This application or BIC is registered as another payer institution');
  const values = {
    application: settings.application,
    name: settings.name,
    bic: settings.bic ?? null,
    service: settings.service ?? null,
    active: settings.active,
  };
  const row = await trx
    .insertInto('payer_institution')
    .values({ id: settings.id, ...values })
    .onConflict((clash) => clash.column('id').doUpdateSet({ ...values, updated_at: new Date() }))
    .returningAll()
    .executeTakeFirstOrThrow();
  await audit(trx, {
    component: 'billers',
    action: 'put',
    subject: `payer-institution/${settings.id}`,
    actor,
    detail: settings,
  });
  return row;
}

/** The payer institution a caller is; any other application is refused. */
export async function payerOfCaller(db: Db | Trx, application: string): Promise<Payer> {
  const row = await findPayerOf(db, application);
  if (!row) throw forbidden('This application is not registered as a payer institution');
  if (!row.active) throw forbidden('This payer institution is not active');
  return row;
}

export const findPayerOf = (db: Db | Trx, application: string): Promise<Payer | undefined> =>
  db.selectFrom('payer_institution').selectAll().where('application', '=', application).executeTakeFirst();

export async function readPayer(db: Db | Trx, id: string): Promise<Payer> {
  const row = await db.selectFrom('payer_institution').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('Payer institution');
  return row;
}

export const findPayerByBic = (db: Db | Trx, bic: string): Promise<Payer | undefined> =>
  db.selectFrom('payer_institution').selectAll().where('bic', '=', bic).executeTakeFirst();

export const listPayers = (db: Db): Promise<Payer[]> =>
  db.selectFrom('payer_institution').selectAll().orderBy('id').limit(1000).execute();
