import {
  badRequest,
  type Caller,
  forbidden,
  type Handlers,
  memberOf,
  notFound,
  type Person,
} from '@govstack/platform';
import { sql } from 'kysely';
import { scopeOf } from '../../audit/access.ts';
import type { Instruction } from '../../batches/read.ts';
import {
  assignDispute,
  commentDispute,
  type Dispute,
  entriesOf,
  hasOpened,
  listDisputes,
  moveDispute,
  type Opener,
  openDispute,
  readDispute,
} from '../../disputes/dispute.ts';
import { type DisputeParty, disputeStates } from '../../disputes/states.ts';
import type { Payments } from '../../payments-context.ts';
import { findRail } from '../../rails/registry.ts';
import { assertSignedBySource } from '../../signatures/verify.ts';
import { actorOf, assertMayManage, maySee } from '../../sources/access.ts';
import { present } from '../admin/views.ts';
import { disputeOperations } from './dispute-operations.ts';
import { isApplication, isPayee, type Owner, paymentOf } from './owner.ts';
import { pageOf } from './shapes.ts';

const openerOf = (caller: Caller, person: Person | undefined): Opener => ({
  application: caller.application,
  person: person?.id,
});

/** Disputes of partners and payees, and the officers who settle them. */
export function disputeHandlers(payments: Payments): Handlers<typeof disputeOperations> {
  const { db } = payments;

  const view = (row: Dispute) => ({
    disputeId: row.id,
    clientId: row.client_id,
    instructionId: row.instruction_id,
    batchId: row.batch_id,
    sourceId: row.source_id,
    openedByParty: row.opened_by_party,
    openedBy: row.opened_by,
    reason: row.reason,
    state: row.state,
    ...present('outcome', row.outcome),
    ...present('assignedTo', row.assigned_to),
    ...present('caseId', row.case_id),
    openedAt: row.opened_at,
    deadline: row.deadline,
    overdue: row.closed_at === null && Date.parse(row.deadline) < payments.ctx.now().getTime(),
    ...present('closedAt', row.closed_at),
  });

  const ofInstitution = async (
    instruction: Instruction,
    caller: Caller,
    person: Person | undefined,
  ): Promise<boolean> => {
    const member = person
      ? person.roles.includes('fsp-officer')
        ? person.agency
        : undefined
      : memberOf(caller.application);
    if (member === undefined) return false;
    const { rows } = await sql`
      select
      from mapper_version v
      join institution n on n.code = v.institution_code
      where v.id = ${instruction.version_id} and n.active and n.member = ${member}`.execute(db);
    return rows.length > 0;
  };

  /** As what somebody may dispute a payment; for anybody else it does not exist. */
  const partyTo = async (
    instruction: Instruction,
    owner: Owner,
    caller: Caller,
    person: Person | undefined,
    forPayee: boolean,
  ): Promise<DisputeParty> => {
    if (isPayee(payments, instruction, person)) return 'payee';
    if (isApplication(owner.application, caller, person)) return forPayee ? 'payee' : 'source';
    if (person && maySee(payments, owner, caller, person)) {
      assertMayManage(payments, owner, caller, person);
      return 'officer';
    }
    if (await ofInstitution(instruction, caller, person)) return 'institution';
    const rail = instruction.rail_id === null ? undefined : await findRail(db, instruction.rail_id);
    if (rail && person === undefined && rail.service.startsWith(`${caller.application}/`)) return 'rail';
    throw notFound('Payment');
  };

  /** Partners and payees, who see what they have opened themselves. */
  const mayHaveOpened = async (caller: Caller, person: Person | undefined): Promise<boolean> => {
    if (person) return person.agency === undefined || person.roles.includes('fsp-officer');
    const { rows } = await sql`
      select from rail where starts_with(service, ${`${caller.application}/`})
      union all
      select from institution where member = ${memberOf(caller.application)}
      limit 1`.execute(db);
    return rows.length > 0 && memberOf(caller.application) !== payments.treasury;
  };

  const seen = async (
    id: string,
    caller: Caller,
    person: Person | undefined,
  ): Promise<{ dispute: Dispute; owner: Owner; opener: boolean }> => {
    const dispute = await readDispute(db, id);
    const { instruction, owner } = await paymentOf(db, dispute.instruction_id);
    const opener =
      hasOpened(dispute, openerOf(caller, person)) ||
      (dispute.opened_by_party === 'payee' && isPayee(payments, instruction, person));
    if (!opener && !maySee(payments, owner, caller, person)) throw notFound('Dispute');
    return { dispute, owner, opener };
  };

  return {
    async openDispute(asking) {
      const { body, caller, person } = asking;
      const { instruction, owner } = await paymentOf(db, body.instructionId);
      const party = await partyTo(instruction, owner, caller, person, body.forPayee === true);
      const source = { id: instruction.source_id, ...owner };
      await assertSignedBySource(payments, source, disputeOperations.openDispute, asking);
      if (body.caseId !== undefined) {
        const { rows } = await sql`
          select from payment_case
          where id = ${body.caseId}
            and (instruction_id = ${instruction.id} or batch_id = ${instruction.batch_id})`.execute(db);
        if (rows.length === 0) throw badRequest('caseId is not a case about this payment');
      }
      const { dispute, repeated } = await openDispute(payments, {
        instruction,
        party,
        actor: actorOf(caller, person),
        application: caller.application,
        clientId: body.clientId,
        reason: body.reason,
        text: body.text,
        references: body.references ?? [],
        caseId: body.caseId,
      });
      payments.wake();
      return { status: 200, body: { dispute: view(dispute), repeated } };
    },

    async listDisputes({ query, caller, person }) {
      const state = disputeStates.find((one) => one === query.state);
      if (query.state !== undefined && state === undefined)
        throw badRequest(`state must be one of ${disputeStates.join(', ')}`);
      const scope = (await mayHaveOpened(caller, person))
        ? { opener: openerOf(caller, person) }
        : await scopeOf(payments, caller, person);
      const own = query.mine === true ? { opener: openerOf(caller, person) } : {};
      const limit = query.limit ?? 100;
      const rows = await listDisputes(db, {
        ...scope,
        ...own,
        ...(state === undefined ? {} : { state }),
        ...(query.instructionId === undefined ? {} : { instructionId: query.instructionId }),
        ...(query.overdue === undefined ? {} : { overdue: query.overdue }),
        ...(query.before === undefined ? {} : { before: query.before }),
        limit: limit + 1,
      });
      const { items, next } = pageOf(rows, limit, (row) => row.id);
      return { status: 200, body: { items: items.map(view), ...next } };
    },

    async getDispute({ params, caller, person }) {
      const { dispute } = await seen(params.disputeId, caller, person);
      const entries = await entriesOf(payments, dispute.id);
      return {
        status: 200,
        body: {
          ...view(dispute),
          entries: entries.map((entry) => ({
            kind: entry.kind,
            ...present('from', entry.from),
            ...present('to', entry.to),
            actor: entry.actor,
            ...present('text', entry.text),
            references: [...entry.references],
            at: entry.at,
          })),
        },
      };
    },

    async commentDispute(asking) {
      const { params, body, caller, person } = asking;
      const { dispute: known, owner, opener } = await seen(params.disputeId, caller, person);
      if (!opener) assertMayManage(payments, owner, caller, person);
      const source = { id: known.source_id, ...owner };
      await assertSignedBySource(payments, source, disputeOperations.commentDispute, asking);
      const dispute = await commentDispute(payments, params.disputeId, {
        actor: actorOf(caller, person),
        text: body.text,
        references: body.references ?? [],
      });
      return { status: 200, body: view(dispute) };
    },

    async assignDispute({ params, body, caller, person }) {
      const { owner } = await seen(params.disputeId, caller, person);
      assertMayManage(payments, owner, caller, person);
      const dispute = await assignDispute(payments, params.disputeId, {
        actor: actorOf(caller, person),
        assignee: body.assignee,
      });
      payments.wake();
      return { status: 200, body: view(dispute) };
    },

    async moveDispute(asking) {
      const { params, body, caller, person } = asking;
      const { dispute: known, owner, opener } = await seen(params.disputeId, caller, person);
      const source = { id: known.source_id, ...owner };
      await assertSignedBySource(payments, source, disputeOperations.moveDispute, asking);
      if (!(body.to === 'withdrawn' && opener)) {
        if (!person) throw forbidden('A person settles a dispute');
        assertMayManage(payments, owner, caller, person);
        if (opener && body.to === 'resolved')
          throw forbidden('A dispute is resolved by another person than the one who opened it');
      }
      const dispute = await moveDispute(payments, params.disputeId, {
        actor: actorOf(caller, person),
        to: body.to,
        outcome: body.outcome,
        text: body.text,
      });
      payments.wake();
      return { status: 200, body: view(dispute) };
    },
  };
}
