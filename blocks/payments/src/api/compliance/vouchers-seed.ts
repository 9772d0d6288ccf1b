import { memberOf, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../../payments-context.ts';
import { releaseBudget } from '../../sources/budget.ts';
import { putProgramme } from '../../sources/programme.ts';
import { putSource } from '../../sources/source.ts';
import type { Trx } from '../../tables.ts';
import { activateVouchers } from '../../vouchers/activate.ts';
import { cancelVouchers } from '../../vouchers/cancel.ts';
import { controlVoucher } from '../../vouchers/control.ts';
import { expireVouchers } from '../../vouchers/due.ts';
import { putVoucherGroup, readVoucherGroup } from '../../vouchers/groups.ts';
import { setAside } from '../../vouchers/money.ts';
import { createVouchers } from '../../vouchers/stock.ts';
import { findVoucher, moveVouchers } from '../../vouchers/voucher.ts';
import { merchants, seeds, sources, type VoucherSeed } from './vouchers-fixtures.ts';
import { redeemForSuite } from './vouchers-redeem.ts';

export const suiteRailId = 'vouchers-suite';
const actor = 'compliance-seed';
const currency = 'AED';
const programmeId = 'vouchers';

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 36);

async function seedSource(payments: Payments, trx: Trx, id: string): Promise<void> {
  const application = `${memberOf(payments.ctx.application)}/${slug(id)}`;
  await putSource(
    trx,
    {
      id,
      application,
      name: id,
      institutionId: id,
      callbackService: undefined,
      callbackPath: undefined,
      callbackUrls: [],
      active: true,
    },
    actor,
  );
  const programme = await putProgramme(
    payments,
    trx,
    {
      sourceId: id,
      id: programmeId,
      name: 'Vouchers',
      agency: memberOf(payments.ctx.application),
      currency,
      fundingAccount: `SUITE-${slug(id)}`,
      payerRail: undefined,
      maximumInstructionAmount: undefined,
      maximumRunAmount: undefined,
    },
    actor,
  );
  await releaseBudget(trx, programme, { reference: 'seed', amount: 100_000_000_00n, actor });
  for (const code of ['string', 'Payment Voucher'])
    await putVoucherGroup(
      trx,
      programme,
      {
        code,
        name: code,
        description: undefined,
        validitySeconds: 365 * 86_400,
        merchantGroups: [],
        onDemand: true,
        forRuns: false,
        variableAmounts: true,
        cancelSuspended: false,
        payeeCheck: undefined,
        active: true,
        denominations: [],
      },
      actor,
    );
}

/** Takes a voucher the same way as any other to the state in which the suite expects it. */
async function seedVoucher(payments: Payments, trx: Trx, seed: VoucherSeed): Promise<void> {
  const { serial, number, source, state } = seed;
  const group = await readVoucherGroup(trx, source, 'Payment Voucher');
  const made = { currency, amounts: [1000_00n], actor, identities: [{ serial, number }] };
  const ids = await createVouchers(payments, trx, group, made);
  if (state === 'provisioned') return;
  const reserved = sql`reserved_until = now() + interval '10 years'`;
  const moved = await moveVouchers(payments, trx, ids, ['provisioned'], 'pre-activated', { actor }, reserved);
  await setAside(trx, moved);
  if (state === 'pre-activated') return;
  await activateVouchers(payments, trx, source, [serial], { actor });
  if (state === 'blocked') await controlVoucher(payments, trx, serial, 'block', { actor, reason: 'seed' });
  if (state === 'expired') await expireVouchers(payments, trx, ids, { actor, reason: 'seed' });
  if (state === 'cancelled' || state === 'purged')
    await cancelVouchers(payments, trx, source, [serial], { actor });
  if (state === 'purged') await controlVoucher(payments, trx, serial, 'purge', { actor, reason: 'seed' });
}

/**
 * What the suite expects to find: sources, groups with a budget, merchants, and vouchers in given states. What is there
 * already stays as it is: vouchers are never set back, so a suite that consumed them needs another database.
 */
export async function seedVouchers(payments: Payments): Promise<void> {
  if (await findVoucher(payments.db, (seeds[0] as VoucherSeed).serial)) return;
  await transaction(payments.db, async (trx) => {
    await sql`
      insert into rail
        (id, adapter, service, name, modalities, institutions, currencies, is_default, batch_size, concurrency)
      values
        (${suiteRailId}, 'suite', ${payments.ctx.application}, 'Banks of the suite', '{04}', '{SUITE}',
         ${[currency]}::text[], false, 1000, 4)`.execute(trx);
    for (const id of sources) await seedSource(payments, trx, id);
    for (const merchant of merchants)
      await trx
        .insertInto('merchant')
        .values({
          id: slug(merchant.name),
          name: merchant.name,
          application: payments.ctx.application,
          voucher_groups: [merchant.group],
          modality: '04',
          institution_code: 'SUITE',
          active: true,
          address_cipher: payments.vault.seal(merchant.bank, `merchant/${slug(merchant.name)}`),
        })
        .execute();
    for (const seed of seeds) await seedVoucher(payments, trx, seed);
  });
  for (const { number, source, state } of seeds)
    if (state === 'redeemed')
      await redeemForSuite(payments, { number, sourceId: source, merchant: merchants[1], override: false });
}
