import { setTimeout as pause } from 'node:timers/promises';
import { conflict, currentContext, newContext, newId, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import { applyResults } from '../dispatch/apply-results.ts';
import { reportsItself } from '../institutions/institution.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Rail } from '../rails/port.ts';
import { findRail, railContext } from '../rails/registry.ts';
import { railFor } from '../rails/routing.ts';
import { type Programme, readProgramme } from '../sources/programme.ts';
import type { Trx } from '../tables.ts';
import { readVoucherGroup, type VoucherGroup } from './groups.ts';
import { locateVoucher, type Presented } from './locate.ts';
import { promiseValue } from './money.ts';
import { authenticatePayee } from './payee-check.ts';
import { findRedemption, type Redemption } from './redemption.ts';
import { type Refusal, VoucherRefused } from './refused.ts';
import { askAgain, sendRedemption } from './send.ts';
import type { VoucherState } from './states.ts';
import { findVoucher, moveVouchers, type Voucher } from './voucher.ts';

/** Who gets the money. */
export interface RedemptionPayee {
  /** Kind and id, unique in this block: `merchant/12`, `biller/water`. Request ids are unique for it. */
  readonly key: string;
  /** Merchant groups it belongs to. */
  readonly groups: readonly string[];
  readonly modality: string;
  readonly institution: string | undefined;
  /** Account or wallet, in the clear: it is kept sealed. */
  readonly address: string;
}

export interface RedemptionOrder {
  readonly presented: Presented;
  readonly payee: RedemptionPayee;
  /** Of the one who asks, at most 100 characters: the same again gets the same answer and moves nothing. */
  readonly requestId: string;
  /** Application that asks. */
  readonly caller: string;
  /** Who asks, for the log. */
  readonly actor: string;
  /** Only vouchers of this source; others are as unknown. */
  readonly sourceId?: string | undefined;
  /** Who presents the voucher, as far as that is verified: wrong numbers are counted for it. */
  readonly presenter: string;
  /** Whether what is to be paid still waits for the voucher: asked, and locked, in the transaction that reserves it. */
  readonly stillWanted?: ((trx: Trx) => Promise<boolean>) | undefined;
  /** What the voucher must be worth to the cent, a bill say; checked before anything is reserved. */
  readonly expected?: { readonly amount: bigint; readonly currency: string } | undefined;
  /** Skips the check of merchant groups and no other. The caller makes sure that it may be asked for; it is audited. */
  readonly override?: boolean | undefined;
  /** What the payee shows to be authenticated, for groups that ask for it. */
  readonly evidence?: Readonly<Record<string, string>> | undefined;
}

export interface RedemptionOutcome {
  /** `redeemed`: the payee is paid. `in-progress`: nobody can tell yet; asking again with the same request id tells. */
  readonly state: 'redeemed' | 'in-progress';
  readonly redemptionId: string;
  readonly serial: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
  readonly at: string;
}

/** Why a voucher in this state cannot be redeemed. */
const unusable: Readonly<Record<VoucherState, Refusal>> = {
  provisioned: 'unknown-number',
  'pre-activated': 'not-active',
  activated: 'expired',
  suspended: 'suspended',
  blocked: 'blocked',
  redeeming: 'already-used',
  redeemed: 'already-used',
  cancelled: 'cancelled',
  expired: 'expired',
  purged: 'unknown-number',
};

/** A rail that says a funding account is short (ISO 20022 external code). */
export const refusalOfReason = (reasonCode: string | null | undefined): Refusal =>
  reasonCode === 'AM04' ? 'not-funded' : 'cannot-credit';

const answerOf = (voucher: Voucher, redemption: Redemption): RedemptionOutcome => {
  if (redemption.state === 'failed') throw new VoucherRefused(refusalOfReason(redemption.reason_code));
  return {
    state: ['succeeded', 'returned'].includes(redemption.state) ? 'redeemed' : 'in-progress',
    redemptionId: redemption.id,
    serial: voucher.serial,
    amount: BigInt(redemption.amount),
    currency: redemption.currency,
    at: redemption.answered_at ?? redemption.sent_at,
  };
};

/** The answer to a request of this payee that was made before; other content under its id is refused. */
function answeredBefore(voucher: Voucher, known: Redemption | undefined): RedemptionOutcome | undefined {
  if (!known) return undefined;
  if (known.voucher_id !== voucher.id) throw conflict('This request id was used before for another voucher');
  return answerOf(voucher, known);
}

/** Asks the rails, before anything is reserved, whether the payee can be credited and the funding account covers it. */
async function checkMoney(
  payments: Payments,
  voucher: Voucher,
  payee: RedemptionPayee,
  rail: Rail,
  programme: Programme,
): Promise<void> {
  const amount = formatAmount(voucher.amount, payments.currencies(voucher.currency) ?? 2);
  const { currency } = voucher;
  // A question, not a payment: its id is new each time.
  const question = newId();
  const silent = (error: unknown): never => {
    payments.ctx.log.warn({ err: error }, 'a rail does not answer about a redemption');
    throw new VoucherRefused('no-answer', 'The rail does not answer; nothing was redeemed');
  };
  if (payments.config.validateAccounts) {
    const { institution, address } = payee;
    const failures = await payments
      .payoutAdapter(rail)
      .validate(railContext(payments, rail), {
        batchId: question,
        currency,
        accounts: [{ reference: question, address, institution, amount }],
      })
      .catch(silent);
    const reason = failures.get(question);
    if (reason !== undefined) throw new VoucherRefused(refusalOfReason(reason));
  }
  const payerRail =
    programme.payer_rail === null ? undefined : await findRail(payments.db, programme.payer_rail);
  const authorise = payerRail && payments.payoutAdapter(payerRail).authorise;
  if (!payerRail || !authorise) return;
  const { authorised } = await authorise(railContext(payments, payerRail), {
    batchId: question,
    payerAccount: programme.funding_account,
    currency,
    amount,
  }).catch(silent);
  if (!authorised) throw new VoucherRefused('not-funded');
}

const refuseUnusable = (voucher: Voucher): void => {
  const over = voucher.expires_at !== null && Date.parse(voucher.expires_at) <= Date.now();
  if (voucher.state !== 'activated' || over) throw new VoucherRefused(unusable[voucher.state]);
};

/**
 * Takes the voucher out of everybody else's reach and writes down, committed before anything is sent, that its value is
 * on its way to the payee. Of several who try at once, and of whoever cancels, suspends or expires it at that moment,
 * one succeeds. Answers undefined when it was not this one.
 */
async function reserve(
  payments: Payments,
  voucher: Voucher,
  order: RedemptionOrder,
  rail: Rail,
  overridden: boolean,
): Promise<Redemption | undefined> {
  return transaction(payments.db, async (trx) => {
    if (order.stillWanted && !(await order.stillWanted(trx))) throw new VoucherRefused('no-answer');
    const { rows } = await sql<{ id: string }>`
      select id
      from voucher
      where id = ${voucher.id} and state = 'activated' and expires_at > now()
      for update`.execute(trx);
    const [taken] = await moveVouchers(
      payments,
      trx,
      rows.map((row) => row.id),
      ['activated'],
      'redeeming',
      { actor: order.actor, reason: 'presented' },
    );
    if (!taken) return undefined;
    const id = newId();
    const redemption = await trx
      .insertInto('voucher_redemption')
      .values({
        id,
        voucher_id: voucher.id,
        payee: order.payee.key,
        request_id: order.requestId,
        caller: order.caller,
        overridden,
        rail_id: rail.id,
        institution_code: order.payee.institution ?? null,
        address_cipher: payments.vault.seal(order.payee.address, `redemption/${id}`),
        amount: voucher.amount,
        currency: voucher.currency,
        reason_code: null,
        rail_reference: null,
        next_check_at: sql`now() + make_interval(secs => ${payments.config.lostAfterSeconds})`,
        correlation_id: (currentContext() ?? newContext()).correlationId,
        answered_at: null,
        answered_by: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await promiseValue(trx, { ...voucher, redemptionId: id, railId: rail.id });
    await audit(trx, {
      component: 'vouchers',
      action: overridden ? 'redeem-override' : 'redeem',
      subject: `voucher/${voucher.serial}`,
      actor: order.actor,
      detail: { redemptionId: id, payee: order.payee.key, rail: rail.id },
    });
    return redemption;
  });
}

/** Waits a little for a rail that takes transfers now and tells later what became of them. */
async function settled(payments: Payments, redemption: Redemption, waiting: boolean): Promise<Redemption> {
  const until = performance.now() + payments.config.redemptionWaitSeconds * 1000;
  for (let wait = 20; ; wait = Math.min(wait * 2, 1000)) {
    const now = (await findRedemption(payments.db, redemption.payee, redemption.request_id)) ?? redemption;
    if (!waiting || now.state !== 'sent' || performance.now() + wait > until) return now;
    await pause(wait);
    const results = await askAgain(payments, now);
    await applyResults(payments, now.rail_id, results, 'poll');
  }
}

const groupRefusal = (group: VoucherGroup, payee: RedemptionPayee): boolean =>
  group.merchant_groups.length > 0 && !group.merchant_groups.some((one) => payee.groups.includes(one));

async function redeem(payments: Payments, order: RedemptionOrder): Promise<RedemptionOutcome> {
  const { db } = payments;
  const { payee } = order;
  const asked = () => findRedemption(db, payee.key, order.requestId);
  const voucher = await locateVoucher(payments, order.presented, {
    scope: order.presenter,
    knows: ({ source_id }) => order.sourceId === undefined || source_id === order.sourceId,
    mayUse: async (trx, { source_id, group_code }) =>
      order.override === true || !groupRefusal(await readVoucherGroup(trx, source_id, group_code), payee),
    repeated: (await asked())?.voucher_id,
  });
  const before = answeredBefore(voucher, await asked());
  if (before) return before;
  const group = await readVoucherGroup(db, voucher.source_id, voucher.group_code);
  const wrongGroup = groupRefusal(group, payee);
  if (wrongGroup && order.override !== true) throw new VoucherRefused('wrong-group');
  const { expected } = order;
  if (expected && (expected.currency !== voucher.currency || expected.amount !== BigInt(voucher.amount)))
    throw new VoucherRefused('value-differs', 'A voucher is redeemed whole: its value must be what is due');
  const { currency } = voucher;
  const rail = await railFor(db, { ...payee, currency, amount: BigInt(voucher.amount) });
  if (!rail) throw new VoucherRefused('cannot-credit');
  const byHand = payments.payoutAdapter(rail).byHand === true;
  if (byHand && !(await reportsItself(db, payee.institution)))
    throw new VoucherRefused(
      'institution-unknown',
      'The institution of this account is not registered; nobody could report the payment',
    );
  const programme = await readProgramme(db, voucher.source_id, voucher.programme_id);
  await checkMoney(payments, voucher, payee, rail, programme);
  refuseUnusable(voucher);
  if (group.payee_check) {
    const { payee_cipher: sealed, id } = voucher;
    const identity = sealed === null ? undefined : payments.vault.open(sealed, `voucher-payee/${id}`);
    const holder = voucher.payee_token?.toString('hex') ?? `voucher/${id}`;
    await authenticatePayee(payments, group.payee_check, {
      scope: `payee/${voucher.source_id}/${holder}`,
      issuedTo: identity,
      presented: order.evidence ?? {},
    });
  }
  const redemption = await reserve(payments, voucher, order, rail, wrongGroup).catch((error: unknown) => {
    // Two requests of one id at the same moment: the other one has it.
    const { code, constraint } = error as { code?: string; constraint?: string };
    if (code === '23505' && constraint === 'voucher_redemption_request_key') return undefined;
    throw error;
  });
  if (!redemption) {
    const now = (await findVoucher(db, voucher.serial)) ?? voucher;
    const other = answeredBefore(now, await asked());
    if (other) return other;
    throw new VoucherRefused(unusable[now.state]);
  }
  const outcome = await sendRedemption(payments, redemption);
  payments.wake();
  return answerOf(voucher, await settled(payments, redemption, outcome === 'pending' && !byHand));
}

/**
 * Redeems a voucher, whole and once: finds it by what is presented, checks payee, value and funding, takes it out of
 * everybody's reach, pays the payee through a rail, and only then lets it be used up. Shared by merchants, agents, and
 * whoever pays a bill with a voucher (`expected` and the biller as `payee`).
 *
 * Throws `VoucherRefused` with the voucher unchanged: in particular `cannot-credit` and `not-funded` when the rail
 * refused, after which it can be presented again under a new request id. A rail that does not answer leaves the voucher
 * reserved, `in-progress`, until it is known what became of the payment; then it is used up, or usable again. The event
 * `payments.voucher-redeemed.v1` tells of success. `conflict` (409): the request id was used for another voucher.
 */
export async function redeemVoucher(payments: Payments, order: RedemptionOrder): Promise<RedemptionOutcome> {
  try {
    return await redeem(payments, order);
  } catch (error) {
    if (!(error instanceof VoucherRefused)) throw error;
    const { serial } = order.presented;
    // What is no serial number here is not written down: it may be a secret number.
    const named = serial === undefined ? undefined : await findVoucher(payments.db, serial);
    await audit(payments.db, {
      component: 'vouchers',
      action: 'redeem',
      subject: named ? `voucher/${named.serial}` : order.payee.key,
      actor: order.actor,
      outcome: 'refused',
      detail: { reason: error.reason, payee: order.payee.key },
    });
    throw error;
  }
}
