import { join } from 'node:path';
import { Type } from 'typebox';
import { currency } from '../../lumora/republic.ts';
import { type Journal, openJournal } from '../durable/journal.ts';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { type Operation, operation, Refusal } from '../http/operation.ts';
import { withRequestFaults } from '../rail/request-faults.ts';
import type { BillFaults } from './faults.ts';
import { taxBill } from './tax-bill.ts';

interface Paid {
  readonly billId: string;
  readonly reference: string;
  readonly payer: string;
}

/** Which bills were paid under which reference; survives a restart. */
export interface TaxOffice {
  readonly journal: Journal<Paid>;
  readonly byBill: Map<string, Paid>;
}

export async function openTaxOffice(data: string | undefined): Promise<TaxOffice> {
  const byBill = new Map<string, Paid>();
  const journal = await openJournal<Paid>(data && join(data, 'paid.jsonl'), (paid) => {
    byBill.set(paid.billId, paid);
  });
  return { journal, byBill };
}

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Anything = Type.Object({});

/** What the revenue authority offers to whoever collects its taxes: the published P2G messages on the biller's side. */
export function revenueOperations(office: TaxOffice, faults: FaultSwitch<BillFaults>): Operation[] {
  const answerTo = (billId: string, reference: string): { status: 'ACK' | 'RJC'; rejectReason?: string } => {
    const bill = taxBill(billId);
    if (!bill) return { status: 'RJC', rejectReason: 'Und' };
    const paid = office.byBill.get(billId);
    if (paid)
      return paid.reference === reference ? { status: 'ACK' } : { status: 'RJC', rejectReason: 'Dup' };
    const { rejected } = faults.current();
    if (rejected && faults.strikes(rejected, 'rejected', billId))
      return { status: 'RJC', rejectReason: rejected.reason };
    return { status: 'ACK' };
  };
  const acknowledge = (id: string, path: string, summary: string): Operation =>
    operation({
      id,
      method: 'POST',
      path,
      summary,
      body: Anything,
      responses: { 200: Type.Object({ responseCode: Type.String() }) },
      handle: async () => ({ status: 200, body: { responseCode: '00' } }),
    });

  return [
    operation({
      id: 'getBill',
      method: 'GET',
      path: '/bills/{billId}',
      summary: 'A property tax bill; 404 when it was never issued',
      params: Type.Object({ billId: Text(20) }),
      responses: {
        200: Type.Object({
          code: Type.String(),
          reason: Type.String(),
          billId: Type.String(),
          billDetails: Type.Object({
            billStatus: Type.String(),
            dueDate: Type.String(),
            amountonDueDate: Type.Number(),
            amountAfterDueDate: Type.Number(),
            currency: Type.String(),
          }),
        }),
      },
      handle: ({ params: { billId } }) =>
        withRequestFaults(faults, `bill:${billId}`, async () => {
          const bill = taxBill(billId);
          if (!bill) throw new Refusal(404, 'This bill was never issued');
          return {
            status: 200,
            body: {
              code: '00',
              reason: 'found',
              billId,
              billDetails: {
                billStatus: office.byBill.has(billId) ? 'PAID' : bill.status,
                dueDate: bill.dueDate,
                amountonDueDate: bill.amountOnDueDate / 100,
                amountAfterDueDate: bill.amountAfterDueDate / 100,
                currency: currency.code,
              },
            },
          };
        }),
    }),
    operation({
      id: 'markBillPaid',
      method: 'POST',
      path: '/billTransferRequests',
      summary: 'Mark a bill as paid: ACK, or RJC and why; the same reference again is ACK again',
      body: Type.Object({
        requestID: Text(12),
        billId: Text(20),
        PaymentReferenceID: Text(36),
        amount: Type.Optional(Text(24)),
        currency: Type.Optional(Text(3)),
      }),
      responses: {
        200: Type.Object({
          requestId: Type.String(),
          billId: Type.String(),
          status: Type.Union([Type.Literal('ACK'), Type.Literal('RJC')]),
          rejectReason: Type.Optional(Type.String()),
        }),
      },
      handle: ({ body: { requestID, billId, PaymentReferenceID: reference }, headers }) =>
        withRequestFaults(faults, reference, async () => {
          const answer = answerTo(billId, reference);
          if (answer.status === 'ACK' && !office.byBill.has(billId)) {
            const payer = headers['x-payerfi-id'];
            const paid = { billId, reference, payer: typeof payer === 'string' ? payer : '' };
            office.byBill.set(billId, paid);
            office.journal.append(paid);
          }
          await office.journal.durable();
          return { status: 200, body: { requestId: requestID, billId, ...answer } };
        }),
    }),
    acknowledge('rtpUpdate', '/rtpUpdate', 'What a payer said to a request to pay'),
    operation({
      id: 'requestToPayStatus',
      method: 'POST',
      path: '/transferRequests/{transferRequestId}',
      summary: 'Where a request to pay stands',
      params: Type.Object({ transferRequestId: Text(20) }),
      body: Anything,
      responses: { 202: Type.Object({ ResponseCode: Type.String() }) },
      handle: async () => ({ status: 202, body: { ResponseCode: '00' } }),
    }),
  ];
}
