import { join } from 'node:path';
import { Type } from 'typebox';
import { isAccountNumber, standingOf } from '../../lumora/account-number.ts';
import { type Journal, openJournal } from '../durable/journal.ts';
import { openSigningKey, type SigningKey } from '../durable/signing-key.ts';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { type Operation, operation } from '../http/operation.ts';
import { type Delivery, startDelivery } from '../notices/deliver.ts';
import { withRequestFaults } from '../rail/request-faults.ts';
import type { BillFaults } from './faults.ts';

interface Asked {
  readonly type: 'asked';
  readonly txnId: string;
  readonly billId: string;
  readonly account?: string;
}
type Entry = Asked | { readonly type: 'told'; readonly txnId: string };

/** Requests to pay that reached the bank's customers, and their answers; survives a restart. */
export interface Desk {
  readonly key: SigningKey;
  readonly delivery: Delivery;
  readonly journal: Journal<Entry>;
  ask(request: Asked): Promise<void>;
  close(): Promise<void>;
}

export interface DeskOptions {
  readonly data: string | undefined;
  readonly callbackUrl: string | undefined;
  readonly client: string | undefined;
  readonly faults: FaultSwitch<BillFaults>;
  /** How long customers think. */
  readonly answerMs: number;
}

/**
 * Opens the desk. Customers approve in the bank's own application, which is left to the imagination: every request is
 * approved after a moment, the account debited and the payment told in the same answer, except where the account does
 * not exist or a fault says otherwise.
 */
export async function openDesk(options: DeskOptions): Promise<Desk> {
  const { data, faults } = options;
  const asked = new Map<string, Asked>();
  const told = new Set<string>();
  const journal = await openJournal<Entry>(data && join(data, 'requests.jsonl'), (entry) => {
    if (entry.type === 'asked') asked.set(entry.txnId, entry);
    else told.add(entry.txnId);
  });
  const key = await openSigningKey(data);
  const delivery = startDelivery({
    key,
    destination: {
      url: options.callbackUrl,
      form: 'detached',
      ...(options.client === undefined ? {} : { client: options.client }),
    },
    finished: (txnId) => {
      told.add(txnId);
      journal.append({ type: 'told', txnId });
    },
  });
  const refusalOf = ({ txnId, account }: Asked): string | undefined => {
    if (account !== undefined && (!isAccountNumber(account) || standingOf(account) !== 'open')) return 'CRED';
    const { rejected } = faults.current();
    return rejected && faults.strikes(rejected, 'rejected', txnId) ? rejected.reason : undefined;
  };
  const answer = (request: Asked): void => {
    const { txnId, billId } = request;
    const { late, ignored } = faults.current();
    if (faults.strikes(ignored, 'ignored', txnId)) return;
    const reason = refusalOf(request);
    delivery.send(
      {
        eventId: txnId,
        content: {
          RequestId: `R-${txnId}`,
          txnId,
          billId,
          ...(reason === undefined
            ? { rtpStatus: '00', paymentReferenceID: `FNB-${txnId}` }
            : { rtpStatus: '01', rejectReason: reason }),
        },
      },
      { delayMs: late && faults.strikes(late, 'late', txnId) ? late.afterMs : options.answerMs },
    );
  };
  for (const request of asked.values()) if (!told.has(request.txnId)) answer(request);
  return {
    key,
    delivery,
    journal,
    async ask(request) {
      if (asked.has(request.txnId)) return;
      asked.set(request.txnId, request);
      journal.append(request);
      await journal.durable();
      answer(request);
    },
    async close() {
      await delivery.stop();
      await journal.close();
    },
  };
}

const Acknowledged = Type.Object({ responseCode: Type.String() });
const done = { status: 200, body: { responseCode: '00' } } as const;

/** What the bank offers to whoever sends its customers bills: the published P2G messages on the payer's side. */
export function deskOperations(desk: Desk, faults: FaultSwitch<BillFaults>): Operation[] {
  const acknowledge = (id: string, path: string, summary: string): Operation =>
    operation({
      id,
      method: 'POST',
      path,
      summary,
      body: Type.Object({}),
      responses: { 200: Acknowledged },
      handle: async () => done,
    });
  return [
    operation({
      id: 'billInquiryResponse',
      method: 'POST',
      path: '/bills/{billId}',
      summary: 'The answer to a bill inquiry',
      params: Type.Object({ billId: Type.String({ maxLength: 20 }) }),
      body: Type.Object({}),
      responses: { 200: Acknowledged },
      handle: async () => done,
    }),
    acknowledge('billPaymentResponse', '/billTransferRequests', 'What a biller made of a payment'),
    acknowledge('rtpUpdate', '/rtpUpdate', 'A request to pay is over without a payment'),
    operation({
      id: 'rtpRequest',
      method: 'POST',
      path: '/rtpRequest',
      summary: 'Ask a customer to pay a bill; the answer is sent to POST /rtpResponse',
      body: Type.Object({
        TxnID: Type.String({ minLength: 1, maxLength: 12 }),
        rTPID: Type.Integer(),
        billDetails: Type.Object({ 'Bill ID': Type.String({ minLength: 1, maxLength: 20 }) }),
        payerFiDetails: Type.Optional(
          Type.Object({ financialAddress: Type.Optional(Type.String({ maxLength: 40 })) }),
        ),
      }),
      responses: { 200: Acknowledged },
      handle: ({ body: { TxnID: txnId, billDetails, payerFiDetails } }) =>
        withRequestFaults(faults, txnId, async () => {
          const account = payerFiDetails?.financialAddress;
          await desk.ask({
            type: 'asked',
            txnId,
            billId: billDetails['Bill ID'],
            ...(account === undefined ? {} : { account }),
          });
          return done;
        }),
    }),
  ];
}
