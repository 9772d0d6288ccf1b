import type { Backend, Bill, BillPayment } from '../backend.ts';
import type { Clients } from './clients.ts';

/** Bills and fees, looked up and paid in the person's own name: whose a bill or a payment is, the payments block knows. */
export function createBills({
  bills,
}: Clients): Pick<
  Backend,
  | 'payerInstitutions'
  | 'lookUpBill'
  | 'bill'
  | 'payBill'
  | 'billPayment'
  | 'billPayments'
  | 'cancelBillPayment'
> {
  type Told = Awaited<ReturnType<typeof bills.getBillPayment>>['body'];

  async function payerInstitutions() {
    const { items } = (await bills.listPaymentInstitutions({})).body;
    return items.map((one) => ({ id: one.payerInstitutionId, name: one.name }));
  }

  async function told(payments: readonly Told[]): Promise<BillPayment[]> {
    const names = new Map((await payerInstitutions()).map((one) => [one.id, one.name]));
    return payments.map((one) => ({
      id: one.paymentId,
      number: one.billId,
      biller: one.billerName,
      institution: names.get(one.payerInstitutionId) ?? one.payerInstitutionId,
      amount: { amount: one.amount, currency: one.currency },
      outcome: one.outcome as BillPayment['outcome'],
      accepted: one.accepted,
      ...(one.paymentReference === undefined ? {} : { reference: one.paymentReference }),
      ...(one.billerAnswer === undefined
        ? {}
        : { billerAnswer: one.billerAnswer as NonNullable<BillPayment['billerAnswer']> }),
      approvedText: one.approvedText,
      approvedAt: one.approvedAt,
      expiresAt: one.expiresAt,
    }));
  }

  return {
    payerInstitutions,

    async lookUpBill(number) {
      return (await bills.lookUpBill({ body: { billId: number } })).body.inquiryId;
    },

    async bill(id, language) {
      const { body } = await bills.getBill({ params: { inquiryId: id }, query: { language } });
      return {
        id: body.inquiryId,
        number: body.billId,
        biller: body.billerName,
        state: body.state as Bill['state'],
        ...(body.amountDue === undefined
          ? {}
          : { amount: { amount: body.amountDue, currency: body.currency } }),
        ...(body.dueAt === undefined ? {} : { dueAt: body.dueAt }),
        ...(body.validUntil === undefined ? {} : { validUntil: body.validUntil }),
        ...(body.consentText === undefined ? {} : { consentText: body.consentText }),
      };
    },

    async payBill({ billId, institution, account, approvedText }) {
      const { body } = await bills.startBillPayment({
        body: {
          inquiryId: billId,
          payerInstitutionId: institution,
          ...(account === undefined ? {} : { financialAddress: account }),
          approvedText,
        },
      });
      return body.paymentId;
    },

    async billPayment(id) {
      const { body } = await bills.getBillPayment({ params: { paymentId: id }, query: {} });
      return (await told([body]))[0] as BillPayment;
    },

    async billPayments(before, limit) {
      const query = { ...(before === undefined ? {} : { before }), limit };
      return told((await bills.listOwnBillPayments({ query })).body.items);
    },

    async cancelBillPayment(id) {
      await bills.cancelBillPayment({ params: { paymentId: id } });
    },
  };
}
