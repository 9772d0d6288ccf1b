import type { ProblemDetail } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import { InsufficientFunds } from '../ledger/transfers.ts';
import { BadAmount, parseAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { readProgramme } from '../sources/programme.ts';
import type { Source } from '../sources/source.ts';
import type { Trx } from '../tables.ts';
import { type KnownGroup, listVoucherGroups } from './groups.ts';
import { setAside } from './money.ts';
import { type Refusal, VoucherRefused } from './refused.ts';
import { createVouchers, takeFromStock, watchStock } from './stock.ts';
import { moveVouchers, type Voucher } from './voucher.ts';

export interface VoucherOrder {
  /** Id the source gives it; a source gets one voucher for it, ever. */
  readonly instructionId?: string;
  readonly groupCode: string;
  readonly currency: string;
  readonly amount: string | number;
  /** Functional id of the payee; without one the voucher is to bearer. */
  readonly payeeIdentity?: string;
  readonly narration?: string;
}

interface Line extends VoucherOrder {
  readonly minor: bigint;
}

const reject = (faults: readonly { at: number; field: string; reason: Refusal; detail: string }[]): never => {
  const [first] = faults as [(typeof faults)[number]];
  const errors = faults.slice(0, 100).map(
    ({ at, field, detail }): ProblemDetail => ({
      in: 'body',
      pointer: `/voucherInstructions/${at}/${field}`,
      detail,
    }),
  );
  throw new VoucherRefused(first.reason, `${first.field} ${first.detail}`, errors);
};

/** Checks every order against its group and names all that cannot be taken. */
function readOrders(
  payments: Payments,
  groups: ReadonlyMap<string, KnownGroup>,
  programmeId: string | undefined,
  orders: readonly VoucherOrder[],
): Line[] {
  const faults: Parameters<typeof reject>[0][number][] = [];
  const lines = orders.map((order, at): Line => {
    const known = groups.get(order.groupCode);
    const fault = (field: string, reason: Refusal, detail: string): Line => {
      faults.push({ at, field, reason, detail });
      return { ...order, minor: 0n };
    };
    const exponent = payments.currencies(order.currency);
    if (exponent === undefined) return fault('currency', 'bad-currency', 'is not a known currency');
    let minor: bigint;
    try {
      minor = parseAmount(order.amount, exponent);
    } catch (error) {
      if (!(error instanceof BadAmount)) throw error;
      return fault('amount', 'bad-amount', error.message);
    }
    if (!known?.group.active || (programmeId !== undefined && known.group.programme_id !== programmeId))
      return fault('groupCode', 'unknown-group', 'is not a voucher group of this source');
    if (known.currency !== order.currency)
      return fault('currency', 'bad-currency', 'is not the currency of the voucher group');
    if (!known.group.variable_amounts && !known.denominations.some((one) => BigInt(one.amount) === minor))
      return fault('amount', 'bad-amount', 'is not a denomination of the voucher group');
    return { ...order, minor };
  });
  return faults.length > 0 ? reject(faults) : lines;
}

/**
 * Vouchers of one group with these amounts, in their order: out of stock, or made now when the group allows it. One
 * statement for each denomination, and one for all that are made.
 */
export async function supply(
  payments: Payments,
  trx: Trx,
  known: KnownGroup,
  amounts: readonly bigint[],
  actor: string,
): Promise<string[]> {
  const { group, currency, denominations } = known;
  const ids = new Array<string | undefined>(amounts.length);
  for (const { amount } of denominations) {
    const places = amounts.flatMap((one, index) => (one === BigInt(amount) ? [index] : []));
    if (places.length === 0) continue;
    const taken = await takeFromStock(trx, group, BigInt(amount), places.length);
    for (const [position, id] of taken.entries()) ids[places[position] as number] = id;
  }
  const missing = [...ids.keys()].filter((index) => ids[index] === undefined);
  if (missing.length === 0) return ids as string[];
  if (!group.on_demand)
    throw new VoucherRefused('group-exhausted', `Group ${group.code} has no more vouchers of this value`);
  const made = await createVouchers(payments, trx, group, {
    currency,
    amounts: missing.map((index) => amounts[index] as bigint),
    actor,
  });
  for (const [position, index] of missing.entries()) ids[index] = made[position];
  return ids as string[];
}

/** What is written on a voucher that somebody gets. */
interface Assignment {
  readonly id: string;
  readonly instructionId: string | undefined;
  readonly payeeToken: Buffer | undefined;
  readonly payeeCipher: Buffer | undefined;
  readonly narration: string | undefined;
}

/** Writes on vouchers whose they are, and how long they wait to be activated. */
export async function assign(
  payments: Payments,
  trx: Trx,
  given: readonly Assignment[],
  requestId: string | undefined,
): Promise<void> {
  await sql`
    update voucher v
    set request_id = ${requestId ?? null}::uuid,
        instruction_id = r.instruction_id,
        payee_token = r.payee_token,
        payee_cipher = r.payee_cipher,
        narration = r.narration,
        reserved_until = now() + make_interval(secs => ${payments.config.voucherReservationSeconds})
    from unnest(
      ${given.map((one) => one.id)}::uuid[],
      ${given.map((one) => one.instructionId ?? null)}::text[],
      ${given.map((one) => one.payeeToken ?? null)}::bytea[],
      ${given.map((one) => one.payeeCipher ?? null)}::bytea[],
      ${given.map((one) => one.narration ?? null)}::text[]
    ) as r (id, instruction_id, payee_token, payee_cipher, narration)
    where v.id = r.id`.execute(trx);
}

/** Looks after the stock of the denominations that were just taken from. */
export async function watchGroup(
  payments: Payments,
  trx: Trx,
  { group, currency, denominations }: KnownGroup,
  amounts: readonly bigint[],
): Promise<void> {
  for (const amount of denominations.map((one) => BigInt(one.amount)))
    if (amounts.includes(amount)) await watchStock(payments, trx, group, amount, currency);
}

/** A programme's ceiling for a single payment holds for a single voucher as well. */
async function assertCeiling(
  trx: Trx,
  source: Source,
  known: KnownGroup,
  lines: readonly Line[],
): Promise<void> {
  const { maximum_instruction_amount: most } = await readProgramme(trx, source.id, known.group.programme_id);
  if (most === null) return;
  const above = lines.flatMap((line, at) =>
    line.groupCode === known.group.code && line.minor > BigInt(most)
      ? [
          {
            at,
            field: 'amount',
            reason: 'bad-amount' as const,
            detail: 'is above the ceiling of the programme',
          },
        ]
      : [],
  );
  if (above.length > 0) reject(above);
}

/**
 * Pre-activates vouchers for a source, all or none: takes them from stock or makes them, and sets their value aside in
 * the budget of the programme, without which there is no voucher (PAY-5.1.9, PAY-6.1-s). They cannot be used until they
 * are activated, and fall back when nobody activates them in time. Answers them in the order of the orders. Throws
 * `VoucherRefused`; the transaction is then lost.
 */
export async function issueVouchers(
  payments: Payments,
  trx: Trx,
  source: Source,
  orders: readonly VoucherOrder[],
  by: { readonly actor: string; readonly requestId?: string; readonly programmeId?: string | undefined },
): Promise<Voucher[]> {
  const codes = [...new Set(orders.map((one) => one.groupCode))];
  const named = await listVoucherGroups(trx, { sourceId: source.id, codes, limit: codes.length });
  const groups = new Map(named.map((one) => [one.group.code, one]));
  const lines = readOrders(payments, groups, by.programmeId, orders);
  const ids: string[] = new Array(lines.length);
  const byGroup = Map.groupBy(
    lines.map((line, index) => ({ line, index })),
    ({ line }) => line.groupCode,
  );
  for (const code of byGroup.keys()) await assertCeiling(trx, source, groups.get(code) as KnownGroup, lines);
  // In one order, whoever asks: two requests do not wait for each other in a circle.
  for (const [code, members] of [...byGroup].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const amounts = members.map(({ line }) => line.minor);
    const found = await supply(payments, trx, groups.get(code) as KnownGroup, amounts, by.actor);
    for (const [position, { index }] of members.entries()) ids[index] = found[position] as string;
  }
  await assign(
    payments,
    trx,
    lines.map(({ payeeIdentity: payee, ...line }, index) => {
      const id = ids[index] as string;
      return {
        id,
        instructionId: line.instructionId,
        payeeToken: payee === undefined ? undefined : payments.vault.token(payee, `payee/${source.id}`),
        payeeCipher: payee === undefined ? undefined : payments.vault.seal(payee, `voucher-payee/${id}`),
        narration: line.narration,
      };
    }),
    by.requestId,
  );
  const moved = await moveVouchers(payments, trx, ids, ['provisioned'], 'pre-activated', {
    actor: by.actor,
    reason: 'requested',
  });
  try {
    await setAside(trx, moved);
  } catch (error) {
    if (!(error instanceof InsufficientFunds)) throw error;
    throw new VoucherRefused('not-funded', 'The budget of the programme does not cover these vouchers');
  }
  for (const [code, members] of byGroup)
    await watchGroup(
      payments,
      trx,
      groups.get(code) as KnownGroup,
      members.map(({ line }) => line.minor),
    );
  await audit(trx, {
    component: 'vouchers',
    action: 'pre-activate',
    subject: by.requestId === undefined ? `source/${source.id}` : `voucher-request/${by.requestId}`,
    actor: by.actor,
    detail: { count: moved.length, groups: [...new Set(lines.map((line) => line.groupCode))] },
  });
  const byId = new Map(moved.map((one) => [one.id, one]));
  return ids.map((id) => byId.get(id) as Voucher);
}
