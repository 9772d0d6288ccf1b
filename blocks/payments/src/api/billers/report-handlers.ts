import { badRequest, type Caller, forbidden, type Handlers, memberOf, type Person } from '@govstack/platform';
import {
  activity,
  listBillPayments,
  paymentTotals,
  type ReportFilter,
  type ReportScope,
} from '../../bills/reports.ts';
import { findPayerOf } from '../../payers/payer.ts';
import type { Payments } from '../../payments-context.ts';
import { money, present } from '../admin/views.ts';
import type { paymentsBillers } from './operations.ts';
import { billPaymentView } from './views.ts';

type ReportHandlers = Pick<
  Handlers<typeof paymentsBillers.operations>,
  'listBillPayments' | 'reportBillPayments' | 'reportBillActivity'
>;

const mostLines = 10_000;
const readers = ['biller-manager', 'programme-manager', 'payment-approver', 'administrator', 'auditor'];

interface Period {
  readonly from: string;
  readonly to: string;
  readonly billerId?: string;
  readonly aggregatorId?: string;
  readonly payerId?: string;
  readonly currency?: string;
  readonly state?: string;
}

function filterOf(query: Period): ReportFilter {
  const from = new Date(query.from);
  const to = new Date(query.to);
  if (to <= from || to.getTime() - from.getTime() > 366 * 86_400_000)
    throw badRequest('The period must end after it begins, at most 366 days later');
  return { ...query, from, to };
}

/** Reports of billers, aggregators and payer institutions; each sees its own transactions only. */
export function reportHandlers(payments: Payments): ReportHandlers {
  const { db } = payments;

  /** A person sees what their agency may see, an application what it takes part in. */
  const scopeOf = async (caller: Caller, person: Person | undefined): Promise<ReportScope> => {
    if (person) {
      if (person.agency === undefined || !readers.some((role) => person.roles.includes(role)))
        throw forbidden('Reports are for officers of the treasury or of the biller’s agency');
      return person.agency === payments.treasury
        ? { of: 'everybody' }
        : { of: 'agency', agency: person.agency };
    }
    if (memberOf(caller.application) === payments.treasury) return { of: 'everybody' };
    const payer = await findPayerOf(db, caller.application);
    if (payer) return { of: 'payer', payerId: payer.id };
    const biller = await db
      .selectFrom('biller')
      .select('id')
      .where('application', '=', caller.application)
      .limit(1)
      .executeTakeFirst();
    if (!biller) throw forbidden('Reports are for billers, aggregators and payer institutions');
    return { of: 'application', application: caller.application };
  };

  return {
    async listBillPayments({ query, caller, person }) {
      const { before, limit, ...period } = query;
      const scope = await scopeOf(caller, person);
      const items = await listBillPayments(db, scope, filterOf(period), { before, limit: limit ?? 100 });
      return { status: 200, body: { items: items.map((payment) => billPaymentView(payments, payment)) } };
    },

    async reportBillPayments({ query, caller, person }) {
      const lines = await paymentTotals(db, await scopeOf(caller, person), filterOf(query), mostLines);
      const totals = Map.groupBy(lines, (line) => `${line.state} ${line.currency}`);
      return {
        status: 200,
        body: {
          lines: lines.map((line) => ({
            billerId: line.biller_id,
            ...present('aggregatorId', line.aggregator_id),
            payerId: line.payer_id ?? '',
            state: line.state,
            currency: line.currency,
            count: Number(line.count),
            amount: money(payments, line.amount, line.currency),
          })),
          totals: [...totals.values()].map((group) => {
            const { state = '', currency = '' } = group[0] ?? {};
            return {
              state,
              currency,
              count: group.reduce((sum, line) => sum + Number(line.count), 0),
              amount: money(
                payments,
                group.reduce((sum, line) => sum + BigInt(line.amount), 0n),
                currency,
              ),
            };
          }),
        },
      };
    },

    async reportBillActivity({ query, caller, person }) {
      const lines = await activity(db, await scopeOf(caller, person), filterOf(query), mostLines);
      return {
        status: 200,
        body: {
          lines: lines.map((line) => ({
            activity: line.activity,
            billerId: line.biller_id,
            ...present('payerId', line.payer_id),
            result: line.result,
            count: Number(line.count),
          })),
        },
      };
    },
  };
}
