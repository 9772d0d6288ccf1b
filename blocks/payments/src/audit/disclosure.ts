import { conflict, forbidden, newId, notFound, transaction } from '@govstack/platform';
import type { Selectable } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables } from '../tables.ts';
import { audit } from './audit.ts';

export type Disclosure = Selectable<PaymentsTables['audit_disclosure']>;

/** The place an audit entry's values are sealed for: what they are about. */
export const auditContext = (subject: string): string => `audit/${subject}`;

/** Asks to be shown what an entry keeps encrypted (PAY-6.12-j). */
export async function requestDisclosure(
  payments: Payments,
  entryId: string,
  by: { readonly person: string; readonly actor: string; readonly reason: string },
): Promise<Disclosure> {
  return transaction(payments.db, async (trx) => {
    const entry = await trx
      .selectFrom('audit_entry')
      .select(['id', 'key_id'])
      .where('id', '=', entryId)
      .executeTakeFirst();
    if (!entry) throw notFound('Audit entry');
    if (entry.key_id === null) throw conflict('The entry keeps nothing encrypted');
    const row = await trx
      .insertInto('audit_disclosure')
      .values({
        id: newId(),
        entry_id: entryId,
        reason: by.reason,
        requested_by: by.person,
        decision: null,
        decided_by: null,
        decided_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await audit(trx, {
      component: 'audit',
      action: 'disclosure-requested',
      subject: `audit-entry/${entryId}`,
      actor: by.actor,
      detail: { disclosure: row.id, reason: by.reason },
    });
    return row;
  });
}

/** Grants or refuses a disclosure, once, as another person than the one who asked. */
export async function decideDisclosure(
  payments: Payments,
  id: string,
  by: { readonly person: string; readonly actor: string; readonly decision: 'granted' | 'refused' },
): Promise<Disclosure> {
  return transaction(payments.db, async (trx) => {
    const found = await trx
      .selectFrom('audit_disclosure')
      .selectAll()
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (!found) throw notFound('Disclosure');
    if (found.requested_by === by.person) throw forbidden('Another person than the one who asked decides');
    if (found.decision !== null) throw conflict(`The disclosure was ${found.decision} before`);
    const row = await trx
      .updateTable('audit_disclosure')
      .set({ decision: by.decision, decided_by: by.person, decided_at: payments.ctx.now() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await audit(trx, {
      component: 'audit',
      action: `disclosure-${by.decision}`,
      subject: `audit-entry/${row.entry_id}`,
      actor: by.actor,
      detail: { disclosure: id },
    });
    return row;
  });
}

/** What the entry keeps encrypted, for the one who asked, once it was granted. Each look is on record. */
export async function readDisclosed(
  payments: Payments,
  id: string,
  by: { readonly person: string; readonly actor: string },
): Promise<{ readonly entryId: string; readonly content: unknown }> {
  return transaction(payments.db, async (trx) => {
    const found = await trx
      .selectFrom('audit_disclosure')
      .innerJoin('audit_entry', 'audit_entry.id', 'audit_disclosure.entry_id')
      .select(['decision', 'requested_by', 'entry_id', 'subject', 'sealed'])
      .where('audit_disclosure.id', '=', id)
      .executeTakeFirst();
    if (!found || found.requested_by !== by.person) throw notFound('Disclosure');
    if (found.decision !== 'granted' || found.sealed === null)
      throw forbidden('The disclosure was not granted');
    await audit(trx, {
      component: 'audit',
      action: 'disclosure-read',
      subject: `audit-entry/${found.entry_id}`,
      actor: by.actor,
      detail: { disclosure: id },
    });
    const content = JSON.parse(payments.vault.open(found.sealed, auditContext(found.subject))) as unknown;
    return { entryId: found.entry_id, content };
  });
}

/** Disclosures, newest first: all that wait for a decision, or one person's own. */
export const listDisclosures = (
  db: Db,
  filter: {
    readonly requestedBy?: string;
    readonly open?: boolean;
    readonly before?: string;
    readonly limit: number;
  },
): Promise<Disclosure[]> =>
  db
    .selectFrom('audit_disclosure')
    .selectAll()
    .$if(filter.requestedBy !== undefined, (query) =>
      query.where('requested_by', '=', filter.requestedBy as string),
    )
    .$if(filter.open === true, (query) => query.where('decision', 'is', null))
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before as string))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();
