import { type Standing, standingOf } from '../../lumora/account-number.ts';
import type { BookRecord, NoticeResult, Order, TransferState } from './records.ts';

export interface Transfer {
  readonly order: Order;
  readonly fingerprint: string;
  readonly railReference: string;
  readonly acceptedAt: string;
  readonly state: TransferState;
  readonly reasonCode?: string;
  readonly finalAt?: string;
  /** Whether a notice told its state. */
  readonly told: boolean;
}

/** A movement on a funding account. */
export interface Entry {
  readonly entry: number;
  readonly bookedAt: string;
  readonly direction: 'credit' | 'debit';
  readonly reference: string;
  readonly railReference: string;
  readonly counterparty: string;
  readonly amount: bigint;
  readonly balance: bigint;
}

/** An account of the payer: only these have a balance and a statement here. */
export interface Funds {
  readonly account: string;
  readonly currency: string;
  readonly holder: string;
  balance: bigint;
  readonly entries: Entry[];
}

export interface PendingNotice {
  readonly eventId: string;
  readonly service?: string;
  readonly results: readonly NoticeResult[];
}

/** What a rail knows: built only from records, so that the journal brings it back exactly. */
export interface Book {
  apply(record: BookRecord): void;
  transfer(reference: string): Transfer | undefined;
  transfers(): IterableIterator<Transfer>;
  funds(account?: string): Funds | undefined;
  hasDeposit(reference: string): boolean;
  payee(number: string): { readonly standing: Standing; readonly holder?: string };
  notices(): IterableIterator<PendingNotice>;
}

export function createBook(): Book {
  const transfers = new Map<string, Transfer>();
  const funds = new Map<string, Funds>();
  const deposits = new Set<string>();
  const payees = new Map<string, { standing: Standing; holder?: string }>();
  const notices = new Map<string, PendingNotice>();

  const post = (
    account: string,
    change: bigint,
    entry: Omit<Entry, 'entry' | 'amount' | 'balance' | 'direction'>,
  ): void => {
    const owner = funds.get(account);
    if (!owner) return;
    owner.balance += change;
    owner.entries.push({
      ...entry,
      entry: owner.entries.length + 1,
      direction: change < 0n ? 'debit' : 'credit',
      amount: change < 0n ? -change : change,
      balance: owner.balance,
    });
  };
  const settle = (record: Extract<BookRecord, { type: 'outcome' }>): void => {
    const before = transfers.get(record.reference);
    if (!before) throw new Error(`an outcome of ${record.reference}, which was never ordered`);
    const { order, railReference } = before;
    transfers.set(record.reference, {
      ...before,
      state: record.state,
      reasonCode: record.reasonCode,
      finalAt: record.at,
      told: false,
    });
    const entry = {
      bookedAt: record.at,
      reference: record.reference,
      railReference,
      counterparty: order.creditor,
    };
    if (record.state === 'completed') post(order.debtor, -BigInt(order.amount), entry);
    if (record.state === 'returned') post(order.debtor, BigInt(order.amount), entry);
  };
  return {
    apply(record) {
      switch (record.type) {
        case 'funds':
          if (!funds.has(record.account)) {
            const { account, currency, holder } = record;
            funds.set(account, { account, currency, holder, balance: 0n, entries: [] });
          }
          break;
        case 'deposit':
          if (deposits.has(record.reference)) break;
          deposits.add(record.reference);
          post(record.account, BigInt(record.amount), {
            bookedAt: record.at,
            reference: record.reference,
            railReference: record.reference,
            counterparty: 'deposit',
          });
          break;
        case 'payee':
          payees.set(record.number, {
            standing: record.standing,
            ...(record.holder === undefined ? {} : { holder: record.holder }),
          });
          break;
        case 'order':
          transfers.set(record.order.reference, {
            order: record.order,
            fingerprint: record.fingerprint,
            railReference: record.railReference,
            acceptedAt: record.at,
            state: 'pending',
            told: false,
          });
          break;
        case 'outcome':
          settle(record);
          break;
        case 'notice':
          notices.set(record.eventId, record);
          for (const { reference } of record.results) {
            const told = transfers.get(reference);
            if (told) transfers.set(reference, { ...told, told: true });
          }
          break;
        case 'noticed':
          notices.delete(record.eventId);
          break;
      }
    },
    transfer: (reference) => transfers.get(reference),
    transfers: () => transfers.values(),
    funds: (account) => (account === undefined ? funds.values().next().value : funds.get(account)),
    hasDeposit: (reference) => deposits.has(reference),
    payee: (number) => payees.get(number) ?? { standing: standingOf(number) },
    notices: () => notices.values(),
  };
}
