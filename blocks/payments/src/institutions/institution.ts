import { badRequest, type Caller, memberOf, notFound, type Person } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Institution = Selectable<PaymentsTables['institution']>;

const memberPattern = /^[^/\s]{1,100}\/[^/\s]{1,100}\/[^/\s]{1,100}$/;

/** Registers an institution that may process payments of its customers, or changes it (PAY-6.6-g). */
export async function putInstitution(
  trx: Trx,
  settings: Pick<Institution, 'code' | 'name' | 'member' | 'active'>,
  actor: string,
): Promise<Institution> {
  if (!memberPattern.test(settings.member)) throw badRequest('member must be INSTANCE/CLASS/MEMBER');
  const { code, ...values } = settings;
  const row = await trx
    .insertInto('institution')
    .values(settings)
    .onConflict((clash) => clash.column('code').doUpdateSet({ ...values, updated_at: new Date() }))
    .returningAll()
    .executeTakeFirstOrThrow();
  await audit(trx, {
    component: 'settings',
    action: 'put',
    subject: `institution/${code}`,
    actor,
    detail: settings,
  });
  return row;
}

export const listInstitutions = (db: Db): Promise<Institution[]> =>
  db.selectFrom('institution').selectAll().orderBy('code').limit(1000).execute();

/** Whether somebody is entitled to report what became of payments to customers of an institution. */
export async function reportsItself(db: Db, code: string | undefined): Promise<boolean> {
  if (code === undefined) return false;
  const row = await db.selectFrom('institution').select('active').where('code', '=', code).executeTakeFirst();
  return row?.active === true;
}

/**
 * The institution a caller acts for (PAY-6.6-h): an officer of its member with the role, or an application of its member.
 * For anybody else it does not exist.
 */
export async function institutionOfCaller(
  db: Db,
  code: string,
  caller: Caller,
  person: Person | undefined,
): Promise<Institution> {
  const row = await db.selectFrom('institution').selectAll().where('code', '=', code).executeTakeFirst();
  const own = person
    ? person.agency === row?.member && person.roles.includes('fsp-officer')
    : memberOf(caller.application) === row?.member;
  if (!row?.active || !own) throw notFound('Institution');
  return row;
}
