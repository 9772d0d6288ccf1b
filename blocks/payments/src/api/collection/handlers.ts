import { type Caller, currentContext, forbidden, type Handlers, newContext, newId } from '@govstack/platform';
import { readBiller } from '../../billers/biller.ts';
import { amountDue, type Inquiry, inquiryOfPerson, startInquiry } from '../../bills/inquiry.ts';
import { listPayers } from '../../payers/payer.ts';
import type { Payments } from '../../payments-context.ts';
import {
  type ConsentLanguage,
  consentText,
  outcomeFor,
  requestOfPerson,
  requestsOfPerson,
  startBillPayment,
} from '../../requests-to-pay/collection.ts';
import type { RequestToPay } from '../../requests-to-pay/request.ts';
import { withdraw } from '../../requests-to-pay/respond.ts';
import { money, present } from '../admin/views.ts';
import type { collection } from './operations.ts';

const lookAgainMs = 250;

/** Bills of people, through the applications that the block's settings name. */
export function collectionHandlers(payments: Payments): Handlers<typeof collection.operations> {
  const { db } = payments;
  const assertPortal = (caller: Caller): void => {
    if (!payments.config.collectionPortals.includes(caller.application))
      throw forbidden('People do not look up bills through this application');
  };
  const correlationId = (): string => (currentContext() ?? newContext()).correlationId;

  const billView = async (inquiry: Inquiry, language: ConsentLanguage = 'en') => {
    const biller = await readBiller(db, inquiry.biller_id);
    const open = inquiry.outcome === 'unpaid';
    return {
      inquiryId: inquiry.id,
      billId: inquiry.bill_id,
      billerName: biller.name,
      state: inquiry.outcome ?? 'asking',
      currency: inquiry.currency,
      ...(open
        ? {
            amountDue: money(payments, amountDue(inquiry, payments.ctx.now()), inquiry.currency),
            consentText: consentText(payments, inquiry, biller, language),
          }
        : {}),
      ...present('dueAt', inquiry.due_at),
      ...present('disclaimer', biller.disclaimer),
      ...present('validUntil', inquiry.valid_until),
    };
  };

  const paymentView = async (request: RequestToPay) => {
    const biller = await readBiller(db, request.biller_id);
    const payment =
      request.payment_reference === null
        ? undefined
        : await db
            .selectFrom('bill_payment')
            .select('state')
            .where('payer_id', '=', request.payer_id)
            .where('payment_reference', '=', request.payment_reference)
            .executeTakeFirst();
    return {
      paymentId: request.id,
      billId: request.bill_id,
      billerName: biller.name,
      payerInstitutionId: request.payer_id,
      amount: money(payments, request.amount, request.currency),
      currency: request.currency,
      outcome: outcomeFor(request),
      accepted: request.accepted_at !== null,
      ...present('paymentReference', request.payment_reference),
      ...present('billerAnswer', payment?.state),
      approvedText: request.approval?.text ?? '',
      approvedAt: request.approval?.at ?? request.created_at,
      expiresAt: request.expires_at,
      createdAt: request.created_at,
    };
  };

  return {
    async listPaymentInstitutions({ caller }) {
      assertPortal(caller);
      const items = (await listPayers(db))
        .filter((payer) => payer.active && payer.service !== null)
        .map((payer) => ({ payerInstitutionId: payer.id, name: payer.name }));
      return { status: 200, body: { items } };
    },

    async lookUpBill({ body, caller, person }) {
      assertPortal(caller);
      const inquiry = await startInquiry(
        payments,
        { personId: person.id, application: caller.application },
        { requestId: newId(), billId: body.billId, correlationId: correlationId(), tenantId: undefined },
      );
      return { status: 202, body: await billView(inquiry) };
    },

    async getBill({ params, query, caller, person }) {
      assertPortal(caller);
      const inquiry = await inquiryOfPerson(db, person.id, params.inquiryId);
      return { status: 200, body: await billView(inquiry, query.language) };
    },

    async startBillPayment({ body, caller, person }) {
      assertPortal(caller);
      const request = await startBillPayment(payments, person, {
        inquiryId: body.inquiryId,
        payerId: body.payerInstitutionId,
        financialAddress: body.financialAddress,
        approvedText: body.approvedText,
        correlationId: correlationId(),
      });
      return { status: 202, body: await paymentView(request) };
    },

    async getBillPayment({ params, query, caller, person, signal }) {
      assertPortal(caller);
      const until = performance.now() + (query.waitSeconds ?? 0) * 1000;
      for (;;) {
        const request = await requestOfPerson(db, person.id, params.paymentId);
        if (request.state !== 'PND' || performance.now() >= until || signal.aborted)
          return { status: 200, body: await paymentView(request) };
        await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
      }
    },

    async listOwnBillPayments({ query, caller, person }) {
      assertPortal(caller);
      const rows = await requestsOfPerson(db, person.id, { before: query.before, limit: query.limit ?? 50 });
      return { status: 200, body: { items: await Promise.all(rows.map(paymentView)) } };
    },

    async cancelBillPayment({ params, caller, person }) {
      assertPortal(caller);
      const found = await requestOfPerson(db, person.id, params.paymentId);
      return { status: 200, body: await paymentView(await withdraw(payments, found, 'withdrawn-by-payer')) };
    },
  };
}
