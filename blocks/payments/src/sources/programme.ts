import { badRequest, conflict, notFound } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { audit } from '../audit/audit.ts';
import { accountId, balances, openAccounts } from '../ledger/accounts.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Programme = Selectable<PaymentsTables['programme']>;

const columns = [
  'source_id',
  'id',
  'name',
  'agency',
  'currency',
  'funding_account',
  'payer_rail',
  'maximum_instruction_amount',
  'maximum_run_amount',
  'combine_payments',
  'stagger_payees',
  'stagger_seconds',
  'created_at',
  'updated_at',
] as const;

export interface ProgrammeSettings {
  readonly sourceId: string;
  readonly id: string;
  readonly name: string;
  /** Member whose officers oversee the programme. */
  readonly agency: string;
  readonly currency: string;
  /** Account at the payer bank that holds the funds. */
  readonly fundingAccount: string;
  /** Rail of the payer bank, asked to authorise each run; none: not asked. */
  readonly payerRail: string | undefined;
  readonly maximumInstructionAmount: bigint | undefined;
  readonly maximumRunAmount: bigint | undefined;
  /** Payments of a run to one payee leave as one transfer. */
  readonly combinePayments?: boolean | undefined;
  /** So many payees of a run are paid at each rail, then so many seconds pass; none: as fast as rails take them. */
  readonly stagger?: { readonly payees: number; readonly seconds: number } | undefined;
}

const ownerOf = (programme: { source_id: string; id: string }): string =>
  `${programme.source_id}/${programme.id}`;

/** Ledger accounts of a programme: the mirror of its bank account, what it may spend, and the value of its vouchers. */
export const programmeAccounts = (
  programme: Pick<Programme, 'source_id' | 'id' | 'funding_account' | 'currency'>,
) => ({
  funding: { kind: 'funding', owner: programme.funding_account, currency: programme.currency } as const,
  available: { kind: 'available', owner: ownerOf(programme), currency: programme.currency } as const,
  voucher: { kind: 'voucher', owner: ownerOf(programme), currency: programme.currency } as const,
});

/** Sets up a programme with its budget account, or changes it. Its currency stays what it was. */
export async function putProgramme(
  payments: Payments,
  trx: Trx,
  settings: ProgrammeSettings,
  actor: string,
): Promise<Programme> {
  if (payments.currencies(settings.currency) === undefined)
    throw badRequest(`${settings.currency} is not a known currency`);
  if (settings.payerRail !== undefined) {
    const rail = await trx
      .selectFrom('rail')
      .select('id')
      .where('id', '=', settings.payerRail)
      .executeTakeFirst();
    if (!rail) throw badRequest('payerRail is not a registered rail');
  }
  const values = {
    name: settings.name,
    agency: settings.agency,
    currency: settings.currency,
    funding_account: settings.fundingAccount,
    payer_rail: settings.payerRail ?? null,
    maximum_instruction_amount: settings.maximumInstructionAmount?.toString() ?? null,
    maximum_run_amount: settings.maximumRunAmount?.toString() ?? null,
    combine_payments: settings.combinePayments ?? false,
    stagger_payees: settings.stagger?.payees ?? null,
    stagger_seconds: settings.stagger?.seconds ?? null,
  };
  const inserted = await trx
    .insertInto('programme')
    .values({ source_id: settings.sourceId, id: settings.id, ...values })
    .onConflict((clash) => clash.columns(['source_id', 'id']).doNothing())
    .returning(columns)
    .executeTakeFirst();
  const row =
    inserted ??
    (await trx
      .updateTable('programme')
      .set({ ...values, updated_at: new Date() })
      .where('source_id', '=', settings.sourceId)
      .where('id', '=', settings.id)
      .where('currency', '=', settings.currency)
      .returning(columns)
      .executeTakeFirst());
  if (!row) throw conflict('The currency of a programme cannot change; set up another programme');
  const accounts = programmeAccounts(row);
  await openAccounts(trx, [accounts.funding, accounts.available]);
  await audit(trx, {
    component: 'settings',
    action: 'put',
    subject: `programme/${ownerOf(row)}`,
    actor,
    detail: {
      ...settings,
      maximumInstructionAmount: settings.maximumInstructionAmount?.toString(),
      maximumRunAmount: settings.maximumRunAmount?.toString(),
    },
  });
  return row;
}

export async function readProgramme(db: Db | Trx, sourceId: string, id: string): Promise<Programme> {
  const row = await db
    .selectFrom('programme')
    .select(columns)
    .where('source_id', '=', sourceId)
    .where('id', '=', id)
    .executeTakeFirst();
  if (!row) throw notFound('Programme');
  return row;
}

/** The programme a source names; a source with a single programme need not name it (the payer follows from it). */
export async function programmeFor(
  db: Db | Trx,
  sourceId: string,
  id: string | undefined,
): Promise<Programme> {
  const rows = await db
    .selectFrom('programme')
    .select(columns)
    .where('source_id', '=', sourceId)
    .$if(id !== undefined, (query) => query.where('id', '=', id as string))
    .limit(2)
    .execute();
  const [row] = rows;
  if (!row)
    throw badRequest(id === undefined ? 'This source has no programme' : 'This source has no such programme');
  if (rows.length > 1) throw badRequest('Name the programme in X-Program-Id: this source has several');
  return row;
}

export const listProgrammes = (db: Db, sourceId: string): Promise<Programme[]> =>
  db
    .selectFrom('programme')
    .select(columns)
    .where('source_id', '=', sourceId)
    .orderBy('id')
    .limit(1000)
    .execute();

/** What a programme may still spend, in minor units. */
export async function availableOf(db: Db | Trx, programme: Programme): Promise<bigint> {
  const id = accountId(programmeAccounts(programme).available);
  return (await balances(db, [id])).get(id)?.free ?? 0n;
}
