import { createHash } from 'node:crypto';
import { announce, conflict, newId, notFound, transaction } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { disputeChanged } from '../api/event-operations.ts';
import { audit } from '../audit/audit.ts';
import type { Instruction } from '../batches/read.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import { callbackTarget } from '../callbacks/target.ts';
import type { Payments } from '../payments-context.ts';
import { readSource } from '../sources/source.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import type { DisputeParty, DisputeReason, DisputeState } from './states.ts';

export type Dispute = Selectable<PaymentsTables['dispute']>;

export interface DisputeEntry {
  readonly kind: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly actor: string;
  readonly text: string | undefined;
  readonly references: readonly string[];
  readonly at: string;
}

/** Who opens disputes: a person, through whatever application, or an application for itself. */
export interface Opener {
  readonly application: string;
  readonly person: string | undefined;
}

export const hasOpened = (dispute: Dispute, { application, person }: Opener): boolean =>
  person === undefined ? dispute.opened_by === application : dispute.opened_by_person === person;

interface NewEntry {
  readonly kind: 'opened' | 'comment' | 'assigned' | 'moved';
  readonly actor: string;
  readonly text?: string | undefined;
  readonly references?: readonly string[];
  readonly from?: DisputeState;
  readonly to?: DisputeState;
}

async function write(payments: Payments, trx: Trx, disputeId: string, entry: NewEntry): Promise<void> {
  const id = newId();
  await trx
    .insertInto('dispute_entry')
    .values({
      id,
      dispute_id: disputeId,
      kind: entry.kind,
      from_state: entry.from ?? null,
      to_state: entry.to ?? null,
      actor: entry.actor,
      text_cipher: entry.text === undefined ? null : payments.vault.seal(entry.text, `dispute-entry/${id}`),
      refs: [...(entry.references ?? [])],
    })
    .execute();
  await audit(trx, {
    component: 'disputes',
    action: entry.to ?? entry.kind,
    subject: `dispute/${disputeId}`,
    actor: entry.actor,
    ...(entry.from === undefined ? {} : { detail: { from: entry.from, to: entry.to } }),
  });
}

/** Tells who opened it: the source by a callback, everybody who subscribes by an event. Without personal data. */
async function tell(payments: Payments, trx: Trx, dispute: Dispute): Promise<void> {
  const data = {
    disputeId: dispute.id,
    clientId: dispute.client_id,
    instructionId: dispute.instruction_id,
    sourceId: dispute.source_id,
    openedBy: dispute.opened_by_party,
    openedByApplication: dispute.opened_by_application,
    state: dispute.state,
    ...(dispute.outcome === null ? {} : { outcome: dispute.outcome }),
  };
  await announce(trx, disputeChanged, { subject: dispute.id, data });
  const source = await readSource(trx, dispute.source_id);
  const target = callbackTarget(source, undefined);
  if (target && dispute.opened_by_application === source.application)
    await enqueueCallback(payments, trx, { sourceId: source.id, kind: 'dispute-status', target, body: data });
}

export interface Complaint {
  readonly instruction: Instruction;
  readonly party: DisputeParty;
  readonly actor: string;
  readonly application: string;
  readonly clientId: string;
  readonly reason: DisputeReason;
  readonly text: string;
  readonly references: readonly string[];
  readonly caseId: string | undefined;
}

/**
 * Opens a dispute on a payment, with a deadline (PAY-5.3.3-c). The opener's own id makes it safe to repeat; other content
 * under the same id is refused. A dispute changes nothing about the payment.
 */
export async function openDispute(
  payments: Payments,
  complaint: Complaint,
): Promise<{ readonly dispute: Dispute; readonly repeated: boolean }> {
  const { instruction } = complaint;
  const contentHash = createHash('sha256')
    .update(
      JSON.stringify([
        instruction.id,
        complaint.party,
        complaint.reason,
        complaint.text,
        complaint.references,
        complaint.caseId,
      ]),
    )
    .digest('hex');
  return transaction(payments.db, async (trx) => {
    const dispute = await trx
      .insertInto('dispute')
      .values({
        id: newId(),
        instruction_id: instruction.id,
        source_id: instruction.source_id,
        batch_id: instruction.batch_id,
        opened_by_party: complaint.party,
        opened_by: complaint.actor,
        opened_by_application: complaint.application,
        client_id: complaint.clientId,
        content_hash: contentHash,
        reason: complaint.reason,
        outcome: null,
        assigned_to: null,
        case_id: complaint.caseId ?? null,
        deadline: new Date(payments.ctx.now().getTime() + payments.config.disputeDays * 86_400_000),
        closed_at: null,
      })
      .onConflict((clash) => clash.constraint('dispute_client_key').doNothing())
      .returningAll()
      .executeTakeFirst();
    if (!dispute) {
      const known = await trx
        .selectFrom('dispute')
        .selectAll()
        .where('opened_by', '=', complaint.actor)
        .where('client_id', '=', complaint.clientId)
        .executeTakeFirstOrThrow();
      if (known.content_hash !== contentHash)
        throw conflict('A dispute with this id and other content was opened before');
      return { dispute: known, repeated: true };
    }
    const { actor, text, references } = complaint;
    await write(payments, trx, dispute.id, { kind: 'opened', actor, text, references });
    await tell(payments, trx, dispute);
    return { dispute, repeated: false };
  });
}

export async function readDispute(db: Db | Trx, id: string): Promise<Dispute> {
  const row = await db.selectFrom('dispute').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('Dispute');
  return row;
}

const locked = async (trx: Trx, id: string): Promise<Dispute> => {
  await sql`select from dispute where id = ${id} for update`.execute(trx);
  return readDispute(trx, id);
};

/** Says something about a dispute that is not closed. */
export const commentDispute = (
  payments: Payments,
  id: string,
  by: { readonly actor: string; readonly text: string; readonly references: readonly string[] },
): Promise<Dispute> =>
  transaction(payments.db, async (trx) => {
    const dispute = await locked(trx, id);
    if (dispute.closed_at !== null) throw conflict(`The dispute is ${dispute.state}`);
    await write(payments, trx, id, { kind: 'comment', ...by });
    return dispute;
  });

/** Gives a dispute to a person; an open one is under review from then on. */
export const assignDispute = (
  payments: Payments,
  id: string,
  by: { readonly actor: string; readonly assignee: string },
): Promise<Dispute> =>
  transaction(payments.db, async (trx) => {
    const before = await locked(trx, id);
    if (before.closed_at !== null) throw conflict(`The dispute is ${before.state}`);
    const dispute = await trx
      .updateTable('dispute')
      .set({
        assigned_to: by.assignee,
        state: before.state === 'open' ? 'in-review' : before.state,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await write(payments, trx, id, {
      kind: 'assigned',
      actor: by.actor,
      from: before.state,
      to: dispute.state,
    });
    if (dispute.state !== before.state) await tell(payments, trx, dispute);
    return dispute;
  });

/** Takes a dispute into another state; a resolved one has an outcome. A move that is not in the table is refused. */
export async function moveDispute(
  payments: Payments,
  id: string,
  by: {
    readonly actor: string;
    readonly to: Exclude<DisputeState, 'open'>;
    readonly outcome?: 'upheld' | 'rejected' | undefined;
    readonly text?: string | undefined;
  },
): Promise<Dispute> {
  return transaction(payments.db, async (trx) => {
    const before = await locked(trx, id);
    const { rows } = await sql`
      select from dispute_move where from_state = ${before.state} and to_state = ${by.to}`.execute(trx);
    if (rows.length === 0) throw conflict(`A dispute that is ${before.state} cannot become ${by.to}`);
    if ((by.to === 'resolved') !== (by.outcome !== undefined))
      throw conflict('An outcome belongs to a resolved dispute, and to no other');
    const closed = by.to === 'resolved' || by.to === 'withdrawn';
    const dispute = await trx
      .updateTable('dispute')
      .set({
        state: by.to,
        outcome: by.outcome ?? null,
        closed_at: closed ? payments.ctx.now() : null,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const { actor, text } = by;
    await write(payments, trx, id, { kind: 'moved', actor, text, from: before.state, to: by.to });
    await tell(payments, trx, dispute);
    return dispute;
  });
}

/** What was said and done about a dispute, in order. */
export async function entriesOf(payments: Payments, id: string): Promise<DisputeEntry[]> {
  const rows = await payments.db
    .selectFrom('dispute_entry')
    .selectAll()
    .where('dispute_id', '=', id)
    .orderBy('id')
    .limit(1000)
    .execute();
  return rows.map((row) => ({
    kind: row.kind,
    from: row.from_state,
    to: row.to_state,
    actor: row.actor,
    text:
      row.text_cipher === null ? undefined : payments.vault.open(row.text_cipher, `dispute-entry/${row.id}`),
    references: row.refs,
    at: row.at,
  }));
}

/** Disputes, newest first: of everybody, of one source or agency, or opened by one person or application. */
export const listDisputes = (
  db: Db,
  filter: {
    readonly sourceId?: string;
    readonly agency?: string;
    readonly opener?: Opener;
    readonly instructionId?: string;
    readonly state?: DisputeState;
    readonly overdue?: boolean;
    readonly before?: string;
    readonly limit: number;
  },
): Promise<Dispute[]> =>
  db
    .selectFrom('dispute')
    .selectAll()
    .$if(filter.sourceId !== undefined, (query) => query.where('source_id', '=', filter.sourceId as string))
    .$if(filter.agency !== undefined, (query) =>
      query.where(
        sql<boolean>`exists (
          select from batch b
          join programme p on p.source_id = b.source_id and p.id = b.programme_id
          where b.id = dispute.batch_id and p.agency = ${filter.agency as string})`,
      ),
    )
    .$if(filter.opener !== undefined, (query) => {
      const { application, person } = filter.opener as Opener;
      return person === undefined
        ? query.where('opened_by', '=', application)
        : query.where('opened_by_person', '=', person);
    })
    .$if(filter.instructionId !== undefined, (query) =>
      query.where('instruction_id', '=', filter.instructionId as string),
    )
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state as DisputeState))
    .$if(filter.overdue === true, (query) =>
      query.where('closed_at', 'is', null).where('deadline', '<', sql<string>`now()`),
    )
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before as string))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();
