import { type RawBuilder, sql } from 'kysely';
import type { Trx } from '../tables.ts';

/** Why money moved: every transfer names one (invariant I9). */
export type Cause =
  | 'budget-release'
  | 'run-approved'
  | 'payout'
  | 'payout-cleared'
  | 'run-closed'
  | 'return'
  | 'return-released'
  | 'voucher-issued'
  | 'voucher-released'
  | 'voucher-redeemed'
  | 'voucher-cleared'
  | 'fee'
  | 'fee-settled'
  | 'statement';

interface Traced {
  /** Made by the caller; the same id again books nothing. */
  readonly id: string;
  readonly cause: Cause;
  readonly causeId: string;
  readonly batchId?: string;
  readonly instructionId?: string;
}

export type TransferRequest =
  | (Traced & {
      readonly type: 'post' | 'pending';
      readonly debit: string;
      readonly credit: string;
      /** Minor units, more than zero. */
      readonly amount: bigint;
    })
  | (Traced & {
      /** Makes a pending transfer final, or takes it back; accounts and amount are those of the pending one. */
      readonly type: 'post-pending' | 'void-pending';
      readonly pendingId: string;
    });

export type TransferOutcome = 'created' | 'exists';

/** An account that must not go below zero would have. Nothing was booked. */
export class InsufficientFunds extends Error {
  constructor() {
    super('an account does not hold enough for these transfers');
    this.name = 'InsufficientFunds';
  }
}

/** A transfer contradicts what is booked already: other fields under the same id, or a reservation resolved before. */
export class TransferConflict extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'TransferConflict';
  }
}

const shortRun = 8;

/** A list as SQL; where one value stands many times in a row, it is sent once. */
function list(type: 'uuid' | 'text' | 'bigint', values: readonly (string | null)[]): RawBuilder<unknown> {
  const of = sql.raw(type);
  const pieces: RawBuilder<unknown>[] = [];
  let plain: (string | null)[] = [];
  const endPlain = (): void => {
    if (plain.length > 0) pieces.push(sql`${plain}::${of}[]`);
    plain = [];
  };
  for (let from = 0; from < values.length; ) {
    const value = values[from] as string | null;
    let to = from + 1;
    while (to < values.length && values[to] === value) to += 1;
    if (to - from < shortRun) plain.push(...values.slice(from, to));
    else {
      endPlain();
      pieces.push(sql`array_fill(${value}::${of}, array[${to - from}::integer])`);
    }
    from = to;
  }
  endPlain();
  return sql.join(pieces, sql` || `);
}

const domainError = (error: unknown): unknown => {
  const { code, constraint } = error as { code?: string; constraint?: string };
  if (code === '23514' && constraint === 'ledger_account_funds_check') return new InsufficientFunds();
  if (code === '23505' && constraint === 'ledger_transfer_resolved_once')
    return new TransferConflict('a reservation is resolved only once');
  if (code === '23505' && constraint === 'ledger_transfer_paid_once')
    return new TransferConflict('an instruction is paid only once');
  return error;
};

/**
 * Books transfers, all or none, in one statement whatever their number. Answers per transfer whether it was created
 * now or existed already with the same content. Throws `InsufficientFunds` or `TransferConflict`; the transaction is
 * then lost and must be rolled back.
 */
export async function createTransfers(
  trx: Trx,
  transfers: readonly TransferRequest[],
): Promise<TransferOutcome[]> {
  if (transfers.length === 0) return [];
  const column = (
    type: 'uuid' | 'text' | 'bigint',
    pick: (transfer: TransferRequest) => string | undefined,
  ): RawBuilder<unknown> =>
    list(
      type,
      transfers.map((transfer) => pick(transfer) ?? null),
    );
  const direct = (transfer: TransferRequest) =>
    transfer.type === 'post' || transfer.type === 'pending' ? transfer : undefined;
  const resolving = (transfer: TransferRequest) =>
    transfer.type === 'post-pending' || transfer.type === 'void-pending' ? transfer : undefined;
  try {
    const { rows } = await sql<{ transfer_id: string; outcome: string }>`
      select transfer_id, outcome
      from ledger_apply(
        ${column('uuid', (one) => one.id)},
        ${column('text', (one) => one.type)},
        ${column('uuid', (one) => direct(one)?.debit)},
        ${column('uuid', (one) => direct(one)?.credit)},
        ${column('bigint', (one) => direct(one)?.amount.toString())},
        ${column('uuid', (one) => resolving(one)?.pendingId)},
        ${column('text', (one) => one.cause)},
        ${column('text', (one) => one.causeId)},
        ${column('uuid', (one) => one.batchId)},
        ${column('uuid', (one) => one.instructionId)})
      where outcome <> 'created'`.execute(trx);
    const known = new Map(rows.map((row) => [row.transfer_id, row.outcome]));
    return transfers.map(({ id }) => {
      const outcome = known.get(id) ?? 'created';
      if (outcome !== 'created' && outcome !== 'exists')
        throw new TransferConflict(`transfer ${id} exists with other content`);
      return outcome;
    });
  } catch (error) {
    throw domainError(error);
  }
}
