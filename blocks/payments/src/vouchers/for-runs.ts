import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import { engineActor } from '../batches/move.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import type { CallbackTarget } from '../callbacks/target.ts';
import type { AccountKey } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { detailsOf, recipientKey } from './details.ts';
import { type KnownGroup, listVoucherGroups } from './groups.ts';
import { assign, supply, watchGroup } from './issue.ts';
import { voucherAccounts } from './money.ts';
import { moveVouchers, type Voucher } from './voucher.ts';

/** What a payee of a run got. */
export interface Given {
  readonly serial: string;
  /** Where the voucher's value lies until it is redeemed. */
  readonly account: AccountKey;
}

interface Payee {
  id: string;
  batch_id: string;
  client_id: string;
  payee_token: Buffer;
  payee_cipher: Buffer;
  amount: string;
  narration: string | null;
}

interface Run {
  id: string;
  source_id: string;
  programme_id: string;
  currency: string;
  maker_application: string;
  callback_target: CallbackTarget | null;
  correlation_id: string;
}

/** The request under which the source reads the vouchers of a run: its request id is the id of the run. */
async function requestOf(trx: Trx, run: Run, count: number): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into voucher_request (id, source_id, operation, request_id, content_hash, voucher_count, caller)
    values (${derivedId('run-vouchers', run.id)}, ${run.source_id}, 'create', ${run.id}, 'run', ${count},
      ${run.maker_application})
    on conflict on constraint voucher_request_key do update
      set voucher_count = voucher_request.voucher_count + excluded.voucher_count
    returning id`.execute(trx);
  return (rows[0] as { id: string }).id;
}

async function giveTo(
  payments: Payments,
  trx: Trx,
  run: Run,
  known: KnownGroup,
  payees: readonly Payee[],
): Promise<Voucher[]> {
  const amounts = payees.map((one) => BigInt(one.amount));
  const requestId = await requestOf(trx, run, payees.length);
  const ids = await supply(payments, trx, known, amounts, engineActor);
  await assign(
    payments,
    trx,
    payees.map((one, index) => {
      const id = ids[index] as string;
      const payee = payments.vault.open(one.payee_cipher, `instruction/${one.id}`);
      return {
        id,
        instructionId: one.client_id,
        payeeToken: one.payee_token,
        payeeCipher: payments.vault.seal(payee, `voucher-payee/${id}`),
        narration: one.narration ?? undefined,
      };
    }),
    requestId,
  );
  const moved = await moveVouchers(payments, trx, ids, ['provisioned'], 'pre-activated', {
    actor: engineActor,
    reason: 'run',
  });
  await watchGroup(payments, trx, known, amounts);
  await audit(trx, {
    component: 'vouchers',
    action: 'pre-activate',
    subject: `voucher-request/${requestId}`,
    actor: engineActor,
    detail: { count: moved.length, groups: [known.group.code], batchId: run.id },
  });
  const byId = new Map(moved.map((one) => [one.id, one]));
  return ids.map((id) => byId.get(id) as Voucher);
}

/** Tells the source of the vouchers of its payees, where it told us of a place: encrypted, or inside the mediator. */
async function tell(payments: Payments, trx: Trx, run: Run, vouchers: readonly Voucher[]): Promise<void> {
  const { callback_target: target, source_id: sourceId } = run;
  if (target === null) return;
  if (target.kind === 'url' && (await recipientKey(trx, sourceId)) === undefined) return;
  await enqueueCallback(payments, trx, {
    sourceId,
    kind: 'voucher-details',
    target,
    body: await detailsOf(
      payments,
      trx,
      { source_id: sourceId, request_id: run.id, batch_id: null },
      vouchers,
    ),
    correlationId: run.correlation_id,
  });
}

/**
 * Gives payees of runs their vouchers, in the transaction that completes the payments: the value, which the run has
 * reserved, goes to the programme's vouchers. They cannot be used until the source has handed them over and activates
 * them; what is cancelled or expires goes back to the programme, as with any voucher. Answers them by instruction.
 */
export async function giveVouchers(
  payments: Payments,
  trx: Trx,
  instructionIds: readonly string[],
): Promise<ReadonlyMap<string, Given>> {
  const { rows: payees } = await sql<Payee>`
    select i.id, i.batch_id, i.client_id, i.payee_token, i.payee_cipher, i.amount, i.narration
    from instruction i
    where i.id = any (${instructionIds}::uuid[])
    order by i.batch_id, i.position`.execute(trx);
  const { rows: runs } = await sql<Run>`
    select b.id, b.source_id, b.programme_id, b.currency, b.maker_application, b.callback_target, b.correlation_id
    from batch b
    where b.id = any (${[...new Set(payees.map((one) => one.batch_id))]}::uuid[])
    order by b.id`.execute(trx);
  const given = new Map<string, Given>();
  for (const run of runs) {
    const [known] = await listVoucherGroups(trx, {
      sourceId: run.source_id,
      programmeId: run.programme_id,
      forRuns: true,
      limit: 1,
    });
    if (!known?.group.active) throw new Error(`no vouchers are offered any more for run ${run.id}`);
    const its = payees.filter((one) => one.batch_id === run.id);
    const vouchers = await giveTo(payments, trx, run, known, its);
    await tell(payments, trx, run, vouchers);
    const { voucher: account } = voucherAccounts(run);
    for (const [index, { serial }] of vouchers.entries())
      given.set((its[index] as Payee).id, { serial, account });
  }
  return given;
}
