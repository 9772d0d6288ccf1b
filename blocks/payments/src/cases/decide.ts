import { type Caller, conflict, notFound, type Person } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import { actorOf } from '../sources/access.ts';
import { openCases } from './cases.ts';
import { type Case, resolveCase } from './resolve.ts';

interface Out {
  state: string;
  batch_id: string;
  rail_id: string;
  old: boolean;
}

/**
 * Decides on evidence what became of a payment that nobody can tell about, without waiting for its case to open. Only
 * one that is unknown, or silent for longer than its rail may be (409 otherwise). What was decided stays as a case.
 */
export async function decideUnknown(
  payments: Payments,
  instructionId: string,
  finding: {
    readonly outcome: 'paid' | 'not-paid';
    readonly evidence: string;
    readonly caller: Caller;
    readonly person: Person;
  },
): Promise<Case> {
  const { db, config } = payments;
  const { rows } = await sql<Out>`
    select
      i.state, i.batch_id, i.rail_id,
      exists (
        select from attempt a
        where a.instruction_id = coalesce(
            (select k.leader_id from combined_instruction k where k.instruction_id = i.id), i.id)
          and a.sent_at < now() - make_interval(
            secs => coalesce(r.answer_within_seconds::float8, ${config.escalateAfterSeconds}::float8))
      ) as old
    from instruction i
    join rail r on r.id = i.rail_id
    where i.id = ${instructionId} and i.purpose = 'payment'`.execute(db);
  const [found] = rows;
  if (!found) throw notFound('Instruction');
  if (!(found.state === 'unknown' || (found.state === 'submitted' && found.old)))
    throw conflict(`The payment is ${found.state}; only one of unknown outcome is decided`);
  const open = () =>
    db
      .selectFrom('payment_case')
      .select('id')
      .where('kind', '=', 'unknown-too-long')
      .where('instruction_id', '=', instructionId)
      .where('state', '=', 'open')
      .executeTakeFirst();
  if (!(await open()))
    await openCases(db, [
      {
        kind: 'unknown-too-long',
        key: `${instructionId}/decision`,
        batchId: found.batch_id,
        instructionId,
        railId: found.rail_id,
        detail: 'The outcome of this payment was found out outside and decided',
      },
    ]);
  const known = await open();
  if (!known) throw conflict('This payment was decided before');
  await audit(db, {
    component: 'runs',
    action: 'decide-unknown',
    subject: `instruction/${instructionId}`,
    actor: actorOf(finding.caller, finding.person),
    detail: { outcome: finding.outcome },
  });
  return resolveCase(payments, known.id, { ...finding, note: finding.evidence });
}
