import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import type { VoucherState } from './states.ts';
import type { VoucherFailure } from './tables.ts';
import { lockVouchers, type Mover, moveVouchers } from './voucher.ts';

/** Why a voucher in this state cannot be activated. */
const reasons: Readonly<Record<VoucherState, string>> = {
  provisioned: 'Not existing',
  'pre-activated': 'Expired',
  activated: 'Already activated',
  suspended: 'Suspended',
  blocked: 'Blocked',
  redeeming: 'Already used',
  redeemed: 'Already used',
  cancelled: 'Cancelled',
  expired: 'Expired',
  purged: 'Not existing',
};

/**
 * Activates pre-activated vouchers of a source by serial number: they are in the payees' hands and can be used from now
 * on, for as long as their group says (PAY-6.1-t, PAY-6.2.1-b). Each on its own; answers those that could not be.
 */
export async function activateVouchers(
  payments: Payments,
  trx: Trx,
  sourceId: string,
  serials: readonly string[],
  by: Mover,
): Promise<VoucherFailure[]> {
  const found = (await lockVouchers(trx, serials)).filter((one) => one.source_id === sourceId);
  const { rows: groups } = await sql<{ code: string; validity_seconds: number }>`
    select code, validity_seconds
    from voucher_group
    where source_id = ${sourceId} and code = any (${found.map((one) => one.group_code)}::text[])`.execute(
    trx,
  );
  const moved = new Set<string>();
  for (const { code, validity_seconds } of groups) {
    const ids = found.filter((one) => one.group_code === code).map((one) => one.id);
    const { rows: inTime } = await sql<{ id: string }>`
      select id from voucher where id = any (${ids}::uuid[]) and reserved_until > now()`.execute(trx);
    const set = sql`activated_at = now(), expires_at = now() + make_interval(secs => ${validity_seconds})`;
    const activated = await moveVouchers(
      payments,
      trx,
      inTime.map((one) => one.id),
      ['pre-activated'],
      'activated',
      by,
      set,
    );
    for (const one of activated) moved.add(one.serial);
  }
  await audit(trx, {
    component: 'vouchers',
    action: 'activate',
    subject: found.length === 1 ? `voucher/${found[0]?.serial}` : `source/${sourceId}`,
    actor: by.actor,
    outcome: moved.size > 0 ? 'succeeded' : 'refused',
    detail: { asked: serials.length, activated: moved.size },
  });
  const states = new Map(found.map((one) => [one.serial, one.state]));
  return [...new Set(serials)]
    .filter((serial) => !moved.has(serial))
    .map((serialNumber) => ({
      serialNumber,
      failureReason: reasons[states.get(serialNumber) ?? 'purged'],
    }));
}
