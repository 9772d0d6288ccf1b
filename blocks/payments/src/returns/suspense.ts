import { announce, badRequest, conflict, notFound, transaction } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { returnReleased } from '../api/event-operations.ts';
import { audit } from '../audit/audit.ts';
import { openAccounts } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import { createTransfers } from '../ledger/transfers.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { actorOf } from '../sources/access.ts';
import { retryHeld } from '../sources/budget.ts';
import { programmeAccounts, readProgramme } from '../sources/programme.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import { assertOfficer, assertOther, mayDecideAlone, type Officer } from './four-eyes.ts';
import { tellSource } from './hold.ts';

export type SuspenseEntry = Selectable<PaymentsTables['suspense_entry']>;

/** What lies in suspense, the longest first; a page after an entry. Released money only when asked for. */
export const listSuspense = (
  db: Db,
  filter: {
    readonly state?: SuspenseEntry['state'];
    readonly currency?: string;
    readonly batchId?: string;
    readonly after?: string;
    readonly limit: number;
  },
): Promise<SuspenseEntry[]> =>
  db
    .selectFrom('suspense_entry')
    .selectAll()
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state as 'held'))
    .$if(filter.state === undefined, (query) => query.where('state', '<>', 'released'))
    .$if(filter.currency !== undefined, (query) => query.where('currency', '=', filter.currency as string))
    .$if(filter.batchId !== undefined, (query) => query.where('batch_id', '=', filter.batchId as string))
    .$if(filter.after !== undefined, (query) => query.where('id', '>', filter.after as string))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

async function lock(trx: Trx, id: string): Promise<SuspenseEntry> {
  const row = await trx
    .selectFrom('suspense_entry')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw notFound('Entry in suspense');
  return row;
}

async function tell(payments: Payments, trx: Trx, entry: SuspenseEntry): Promise<void> {
  if (entry.kind !== 'return' || entry.instruction_id === null || entry.batch_id === null) return;
  const row = await trx
    .selectFrom('instruction')
    .innerJoin('batch', 'batch.id', 'instruction.batch_id')
    .select(['instruction.client_id', 'batch.client_batch_id'])
    .where('instruction.id', '=', entry.instruction_id)
    .executeTakeFirstOrThrow();
  await announce(trx, returnReleased, {
    subject: entry.instruction_id,
    data: {
      instructionId: entry.instruction_id,
      requestId: row.client_id,
      batchId: entry.batch_id,
      clientBatchId: row.client_batch_id,
      sourceId: entry.source_id ?? '',
      programmeId: entry.programme_id ?? '',
      currency: entry.currency,
      amount: formatAmount(entry.amount, payments.currencies(entry.currency) ?? 2),
    },
  });
  await tellSource(payments, trx, entry.batch_id, 'return-released');
}

/** Suspense → available. Runs held for lack of budget are tried again. */
async function book(
  payments: Payments,
  trx: Trx,
  entry: SuspenseEntry,
  officer: Officer,
): Promise<SuspenseEntry> {
  const programme = await readProgramme(trx, entry.source_id as string, entry.programme_id as string);
  const [available = ''] = await openAccounts(trx, [programmeAccounts(programme).available]);
  await createTransfers(trx, [
    {
      id: derivedId('return-released', entry.id),
      type: 'post',
      debit: entry.account_id,
      credit: available,
      amount: BigInt(entry.amount),
      cause: 'return-released',
      causeId: entry.id,
      ...(entry.batch_id === null ? {} : { batchId: entry.batch_id }),
    },
  ]);
  const actor = actorOf(officer.caller, officer.person);
  const released = await trx
    .updateTable('suspense_entry')
    .set({ state: 'released', released_by: actor, released_at: payments.ctx.now() })
    .where('id', '=', entry.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await retryHeld(trx, programme, actor);
  await tell(payments, trx, released);
  return released;
}

const record = (trx: Trx, action: string, entry: SuspenseEntry, officer: Officer, note: string | undefined) =>
  audit(trx, {
    component: 'reconciliation',
    action,
    subject: `suspense/${entry.id}`,
    actor: actorOf(officer.caller, officer.person),
    detail: {
      programme: `${entry.source_id}/${entry.programme_id}`,
      amount: entry.amount,
      currency: entry.currency,
      note,
    },
  });

/**
 * Proposes to give money in suspense back: what a payment returned to the programme that paid it, anything else to the
 * programme that is named. Small amounts go at once, others when a second person agrees.
 */
export async function proposeRelease(
  payments: Payments,
  id: string,
  officer: Officer,
  wish: { readonly sourceId?: string; readonly programmeId?: string; readonly note: string },
): Promise<SuspenseEntry> {
  assertOfficer(payments, officer);
  const entry = await transaction(payments.db, async (trx) => {
    const found = await lock(trx, id);
    if (found.state === 'released') throw conflict('The money was given back before');
    if (found.state === 'proposed') throw conflict('It is proposed already; a second person decides');
    const sourceId = found.kind === 'return' ? found.source_id : wish.sourceId;
    const programmeId = found.kind === 'return' ? found.programme_id : wish.programmeId;
    if (!sourceId || !programmeId) throw badRequest('Name the programme to which the money belongs');
    const programme = await readProgramme(trx, sourceId, programmeId);
    if (programme.currency !== found.currency)
      throw badRequest(`The programme pays in ${programme.currency}, not in ${found.currency}`);
    const proposed = await trx
      .updateTable('suspense_entry')
      .set({
        state: 'proposed',
        source_id: sourceId,
        programme_id: programmeId,
        proposed_by: officer.person.id,
        proposed_at: payments.ctx.now(),
        note: wish.note,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await record(trx, 'propose-release', proposed, officer, wish.note);
    if (!(await mayDecideAlone(trx, found.currency, BigInt(found.amount), officer))) return proposed;
    return book(payments, trx, proposed, officer);
  });
  payments.wake();
  return entry;
}

/** A second person agrees, and the money goes; or does not, and it stays. */
export async function decideRelease(
  payments: Payments,
  id: string,
  officer: Officer,
  decision: { readonly accept: boolean; readonly note?: string },
): Promise<SuspenseEntry> {
  assertOfficer(payments, officer);
  const entry = await transaction(payments.db, async (trx) => {
    const found = await lock(trx, id);
    if (found.state !== 'proposed') throw conflict(`The entry is ${found.state}; nothing is proposed`);
    if (decision.accept) assertOther(found.proposed_by, officer);
    await record(trx, decision.accept ? 'agree-release' : 'decline-release', found, officer, decision.note);
    if (decision.accept) return book(payments, trx, found, officer);
    return trx
      .updateTable('suspense_entry')
      .set({ state: 'held', proposed_by: null, proposed_at: null, note: decision.note ?? null })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
  payments.wake();
  return entry;
}
