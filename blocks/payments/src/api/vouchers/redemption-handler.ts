import { forbidden, type Person } from '@govstack/platform';
import type { OperationSpec } from '@govstack/platform/operation';
import { formatAmount } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import { assertSigned, type SignedInput } from '../../signatures/verify.ts';
import { actorOf } from '../../sources/access.ts';
import { mayAdminister } from '../../vouchers/access.ts';
import { findMerchant } from '../../vouchers/merchants.ts';
import { type RedemptionOutcome, redeemVoucher } from '../../vouchers/redeem.ts';
import { refusals, VoucherRefused } from '../../vouchers/refused.ts';
import { readMessage } from './message.ts';

export const activeSource = async (payments: Payments, application: string): Promise<string | undefined> =>
  (
    await payments.db
      .selectFrom('source_system')
      .select('id')
      .where('application', '=', application)
      .where('active', '=', true)
      .executeTakeFirst()
  )?.id;

/** Refusals that are not an answer about the voucher but about asking. */
const notAnswers = ['too-many-tries', 'no-answer'];

const redeemed = (payments: Payments, outcome: RedemptionOutcome) => {
  const body = {
    serialNumber: outcome.serial,
    value: Number(formatAmount(outcome.amount, payments.currencies(outcome.currency) ?? 2)),
    currency: outcome.currency,
    timestamp: outcome.at,
    // Twelve characters are published; the rest of the id is the time.
    transactionId: outcome.redemptionId.slice(-12),
  };
  return outcome.state === 'redeemed'
    ? { status: 200 as const, body: { status: 1 as const, message: 'Redeemed', ...body } }
    : { status: 202 as const, body: { status: 0 as const, message: 'In progress', ...body } };
};

/**
 * Redeems a voucher at a merchant or agent. The application of the merchant may do so, and a source for vouchers of its
 * own. The check of groups is skipped for a source, or a voucher administrator of the treasury, that asks for it.
 */
export async function redeemAtMerchant(
  payments: Payments,
  spec: OperationSpec,
  asking: SignedInput & { readonly person: Person | undefined; readonly body: unknown },
) {
  const { caller, person } = asking;
  const sourceId = await activeSource(payments, caller.application);
  if (sourceId !== undefined) await assertSigned(payments, { id: sourceId }, spec, asking);
  const message = readMessage('redeeming', asking.body);
  const agent = await findMerchant(payments, message.agentid);
  const its = agent?.application === caller.application;
  if (!its && sourceId === undefined)
    throw forbidden('Only the application of a merchant, or a source of payments, redeems vouchers');
  const { override = false } = message;
  const mayOverride = person
    ? mayAdminister(payments, undefined, caller, person)
    : !its && sourceId !== undefined;
  if (override && !mayOverride) throw forbidden('The check of merchant groups may not be skipped here');
  const refuse = (reason: keyof typeof refusals) => ({
    status: 200 as const,
    body: {
      status: 0 as const,
      message: refusals[reason].text,
      timestamp: payments.ctx.now().toISOString(),
      ...(message.voucherserialnumber === undefined
        ? {}
        : { serialNumber: String(message.voucherserialnumber) }),
    },
  });
  if (!agent) return refuse('cannot-credit');
  try {
    const outcome = await redeemVoucher(payments, {
      presented: {
        number: String(message.vouchersecretnumber),
        serial: message.voucherserialnumber === undefined ? undefined : String(message.voucherserialnumber),
      },
      payee: agent.payee,
      presenter: its ? agent.payee.key : `source/${sourceId}`,
      requestId: message.requestid,
      caller: caller.application,
      actor: actorOf(caller, person),
      sourceId: its ? undefined : sourceId,
      override,
      evidence: message.evidence,
    });
    return redeemed(payments, outcome);
  } catch (error) {
    if (!(error instanceof VoucherRefused) || notAnswers.includes(error.reason)) throw error;
    return refuse(error.reason);
  }
}
