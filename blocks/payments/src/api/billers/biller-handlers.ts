import {
  type Caller,
  forbidden,
  type Handlers,
  memberOf,
  notFound,
  type Person,
  transaction,
} from '@govstack/platform';
import { maySeeProposal } from '../../billers/access.ts';
import {
  decideAggregator,
  listAggregatorProposals,
  listAggregators,
  proposeAggregator,
} from '../../billers/aggregator.ts';
import { type Biller, listBillers, readBiller, speaksFor } from '../../billers/biller.ts';
import {
  decideProposal,
  listProposals,
  type Proposal,
  proposeBiller,
  suspendBiller,
} from '../../billers/proposal.ts';
import { findPayerOf, listPayers, putPayer } from '../../payers/payer.ts';
import type { Payments } from '../../payments-context.ts';
import { actorOf, assertAdministers, assertOperates } from '../../sources/access.ts';
import type { paymentsBillers } from './operations.ts';
import {
  aggregatorProposalView,
  aggregatorView,
  billerView,
  payerView,
  proposalView,
  tableLine,
} from './views.ts';

type BillerHandlers = Omit<
  Handlers<typeof paymentsBillers.operations>,
  'listBillPayments' | 'reportBillPayments' | 'reportBillActivity'
>;

/** Billers, aggregators and payer institutions: who lets them in, and who may look. */
export function billerHandlers(payments: Payments): BillerHandlers {
  const { db } = payments;
  const viewOf = async (proposal: Proposal) => {
    const prefix =
      proposal.state === 'approved' && proposal.biller_id !== null
        ? (await readBiller(db, proposal.biller_id)).prefix
        : undefined;
    return proposalView(payments, proposal, prefix);
  };
  const isOverseer = (caller: Caller, person: Person | undefined): boolean =>
    person
      ? maySeeProposal(payments, { agency: payments.treasury }, person)
      : memberOf(caller.application) === payments.treasury;
  const maySee = (biller: Biller, caller: Caller, person: Person | undefined): boolean =>
    person
      ? maySeeProposal(payments, biller, person)
      : isOverseer(caller, undefined) || speaksFor(biller, caller.application);

  const setSuspended = async (
    billerId: string,
    suspended: boolean,
    reason: string,
    caller: Caller,
    person: Person | undefined,
  ) => {
    assertOperates(payments, caller, person);
    const biller = await suspendBiller(payments, billerId, suspended, actorOf(caller, person), reason);
    return { status: 200 as const, body: billerView(payments, biller) };
  };

  return {
    async putPayerInstitution({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const payer = await transaction(db, (trx) =>
        putPayer(
          trx,
          {
            id: params.payerId,
            application: body.application,
            name: body.name,
            bic: body.bic,
            service: body.service,
            active: body.active ?? true,
          },
          actorOf(caller, person),
        ),
      );
      return { status: 200, body: payerView(payer) };
    },

    async listPayerInstitutions({ caller, person }) {
      if (!isOverseer(caller, person)) throw forbidden('Only the treasury sees all payer institutions');
      return { status: 200, body: { items: (await listPayers(db)).map(payerView) } };
    },

    async proposeAggregator({ body, caller, person }) {
      const { aggregatorId, ...settings } = body;
      const active = settings.active ?? true;
      const proposal = await proposeAggregator(
        payments,
        aggregatorId,
        { ...settings, active },
        { caller, person },
      );
      return { status: 201, body: aggregatorProposalView(proposal) };
    },

    async listAggregatorProposals({ query, caller, person }) {
      if (!isOverseer(caller, person)) throw forbidden('Only the treasury sees proposals of aggregators');
      const items = await listAggregatorProposals(db, {
        state: query.state,
        before: query.before,
        limit: query.limit ?? 100,
      });
      return { status: 200, body: { items: items.map(aggregatorProposalView) } };
    },

    async approveAggregatorProposal({ params, caller, person }) {
      const decision = { id: params.proposalId, kind: 'approved' } as const;
      const decided = await decideAggregator(payments, decision, { caller, person });
      return { status: 200, body: aggregatorProposalView(decided) };
    },

    async rejectAggregatorProposal({ params, body, caller, person }) {
      const decision = { id: params.proposalId, kind: 'rejected', reason: body.reason } as const;
      const decided = await decideAggregator(payments, decision, { caller, person });
      return { status: 200, body: aggregatorProposalView(decided) };
    },

    async listAggregators({ caller, person }) {
      if (!isOverseer(caller, person)) throw forbidden('Only the treasury sees all aggregators');
      return { status: 200, body: { items: (await listAggregators(db)).map(aggregatorView) } };
    },

    async proposeBiller({ body, caller, person }) {
      const { billerId, application, service, ...wanted } = body;
      const proposal = await proposeBiller(payments, { ...wanted, application, service }, billerId, {
        caller,
        person,
      });
      return { status: 201, body: await viewOf(proposal) };
    },

    async listBillerProposals({ query, person }) {
      if (!maySeeProposal(payments, { agency: person.agency ?? '' }, person))
        throw forbidden('Only officers of the treasury or of a biller’s agency see its proposals');
      const items = await listProposals(db, {
        agency: person.agency === payments.treasury ? undefined : person.agency,
        state: query.state,
        before: query.before,
        limit: query.limit ?? 100,
      });
      return { status: 200, body: { items: await Promise.all(items.map(viewOf)) } };
    },

    async getBillerProposal({ params, person }) {
      const proposal = await db
        .selectFrom('biller_proposal')
        .selectAll()
        .where('id', '=', params.proposalId)
        .executeTakeFirst();
      if (!proposal || !maySeeProposal(payments, proposal, person)) throw notFound('Proposal');
      return { status: 200, body: await viewOf(proposal) };
    },

    async approveBillerProposal({ params, caller, person }) {
      const decision = { id: params.proposalId, kind: 'approved' } as const;
      return {
        status: 200,
        body: await viewOf(await decideProposal(payments, decision, { caller, person })),
      };
    },

    async rejectBillerProposal({ params, body, caller, person }) {
      const decision = { id: params.proposalId, kind: 'rejected', reason: body.reason } as const;
      return {
        status: 200,
        body: await viewOf(await decideProposal(payments, decision, { caller, person })),
      };
    },

    async listBillers({ query, caller, person }) {
      if (!isOverseer(caller, person)) throw forbidden('Only the treasury sees all billers');
      const items = await listBillers(db, { after: query.after, limit: query.limit ?? 100 });
      return { status: 200, body: { items: items.map((biller) => billerView(payments, biller)) } };
    },

    async getBiller({ params, caller, person }) {
      const biller = await readBiller(db, params.billerId);
      if (!maySee(biller, caller, person)) throw notFound('Biller');
      return { status: 200, body: billerView(payments, biller) };
    },

    suspendBiller: ({ params, body, caller, person }) =>
      setSuspended(params.billerId, true, body.reason, caller, person),
    resumeBiller: ({ params, body, caller, person }) =>
      setSuspended(params.billerId, false, body.reason, caller, person),

    async getBillerTable({ query, caller, person }) {
      const payer = person ? undefined : await findPayerOf(db, caller.application);
      if (!payer?.active && !isOverseer(caller, person))
        throw forbidden('Only payer institutions get the billers table');
      const items = await listBillers(db, { after: query.after, limit: query.limit ?? 100 });
      return { status: 200, body: { items: items.map((biller) => tableLine(payments, biller)) } };
    },
  };
}
