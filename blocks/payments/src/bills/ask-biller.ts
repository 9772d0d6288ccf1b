import { CallFailed, newContext, transaction, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { type Biller, readBiller } from '../billers/biller.ts';
import { billerService } from '../billers/contract.ts';
import type { Payments } from '../payments-context.ts';
import { type BillAnswer, readBillAnswer, UnusableAnswer } from './biller-answer.ts';
import { finishInquiry, type Inquiry } from './inquiry.ts';
import { outgoing } from './wire.ts';

/** A biller is asked, and when nothing comes within its deadline, asked once more. */
const mostAttempts = 2;

/** Takes the next inquiry that is due. Its deadline is set in the same statement, so a crash leads to the next try. */
async function claim(payments: Payments): Promise<Inquiry | undefined> {
  const { rows } = await sql<Inquiry>`
    update bill_inquiry i
    set attempts = i.attempts + 1,
        next_at = now() + make_interval(secs => b.inquiry_timeout_seconds)
    from biller b
    where b.id = i.biller_id
      and i.id = (
        select w.id
        from bill_inquiry w
        where w.state = 'asking' and w.next_at <= now()
        order by w.next_at
        limit 1
        for update skip locked
      )
    returning i.*`.execute(payments.db);
  return rows[0];
}

/** What the biller says at once; undefined: it answers later. */
async function ask(payments: Payments, biller: Biller, inquiry: Inquiry): Promise<BillAnswer | undefined> {
  try {
    const { status, body } = await payments.ctx.mediation.client(billerService, biller.service).getBill({
      params: { billId: inquiry.bill_id },
      query: { fields: 'inquiry', requestId: inquiry.biller_request_id },
      headers: {
        ...outgoing(inquiry),
        'x-correlationid': inquiry.biller_request_id,
        ...(inquiry.payer_id === null ? {} : { 'x-payerfi-id': inquiry.payer_id }),
      },
      personToken: null,
      timeout: biller.inquiry_timeout_seconds * 1000,
    });
    return status === 202 ? undefined : readBillAnswer(payments, biller, inquiry.bill_id, body);
  } catch (error) {
    if (error instanceof CallFailed && error.mediatorError === undefined && error.status === 404)
      return { outcome: 'unknown' };
    throw error;
  }
}

/** Asks a biller about one bill that is due. Answers whether there was one. */
export async function askBillerNext(payments: Payments): Promise<boolean> {
  const inquiry = await claim(payments);
  if (!inquiry) return false;
  const finish = (answer: Parameters<typeof finishInquiry>[3]) =>
    transaction(payments.db, (trx) => finishInquiry(payments, trx, inquiry.id, answer));
  if (inquiry.attempts > mostAttempts) {
    await finish({ outcome: 'biller-down' });
    payments.wake();
    return true;
  }
  const biller = await readBiller(payments.db, inquiry.biller_id);
  try {
    const answer = await withContext(newContext(), () => ask(payments, biller, inquiry));
    if (answer) await finish(answer);
  } catch (error) {
    if (!(error instanceof CallFailed || error instanceof UnusableAnswer || isTimeout(error))) throw error;
    payments.ctx.log.warn({ reason: error.message, biller: biller.id }, 'a biller gave no usable answer');
    if (inquiry.attempts >= mostAttempts) await finish({ outcome: 'biller-down' });
    else
      await payments.db
        .updateTable('bill_inquiry')
        .set({ next_at: sql`now()` })
        .where('id', '=', inquiry.id)
        .where('state', '=', 'asking')
        .execute();
  }
  payments.wake();
  return true;
}

const isTimeout = (error: unknown): error is Error =>
  error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');

/** Takes the answer a biller sends by itself; one that comes too late, or again, changes nothing. */
export async function takeBillAnswer(
  payments: Payments,
  billers: readonly Biller[],
  message: { readonly requestId: string; readonly billId: string; readonly body: unknown },
): Promise<boolean> {
  const taken = await transaction(payments.db, async (trx) => {
    const inquiry = await trx
      .selectFrom('bill_inquiry')
      .selectAll()
      .where('biller_request_id', '=', message.requestId)
      .where('bill_id', '=', message.billId)
      .executeTakeFirst();
    const biller = billers.find((one) => one.id === inquiry?.biller_id);
    if (!inquiry || !biller) return undefined;
    if (inquiry.state === 'asking')
      await finishInquiry(
        payments,
        trx,
        inquiry.id,
        readBillAnswer(payments, biller, message.billId, message.body),
      );
    return true;
  });
  payments.wake();
  return taken === true;
}
