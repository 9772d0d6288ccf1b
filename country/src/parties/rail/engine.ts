import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Journal, openJournal } from '../durable/journal.ts';
import { openSigningKey, type SigningKey } from '../durable/signing-key.ts';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { type Delivery, startDelivery } from '../notices/deliver.ts';
import { createAnnouncer } from './announce.ts';
import { type Book, createBook, type Transfer } from './book.ts';
import { fingerprintOf, refuseConflicts } from './conflicts.ts';
import type { RailFaults } from './faults.ts';
import type { BookRecord, NoticeResult, Order } from './records.ts';
import { type Institution, orderRefusal } from './refusal.ts';

export interface FundsSetting {
  readonly account: string;
  readonly currency: string;
  readonly holder: string;
  /** Opening balance in minor units. */
  readonly balance: bigint;
}

export interface RailOptions {
  readonly institution: Institution;
  /** `at-once`: the answer holds the result. `later`: the answer is a receipt, the result comes by notice. */
  readonly settles: { readonly when: 'at-once' } | { readonly when: 'later'; readonly afterMs: number };
  /** Puts a result for a notice into the words of the institution. */
  readonly inOwnWords?: (result: NoticeResult) => NoticeResult;
  readonly funds: readonly FundsSetting[];
  readonly faults: FaultSwitch<RailFaults>;
  readonly data: string | undefined;
  readonly callbackUrl: string | undefined;
  readonly client: string | undefined;
}

export interface Rail {
  readonly book: Book;
  readonly faults: FaultSwitch<RailFaults>;
  readonly institution: Institution;
  readonly key: SigningKey;
  readonly delivery: Delivery;
  /** Takes orders, each reference once: all of them or, when one reference stands for another order, none (409). */
  accept(orders: readonly Order[]): readonly Transfer[];
  record(record: BookRecord): void;
  /** To be awaited before every answer: what it tells is on the disk. */
  durable(): Promise<void>;
  close(): Promise<void>;
}

const now = (): string => new Date().toISOString();
const contradictionDelayMs = 300;

/**
 * The book of a rail and what moves it: orders, their execution, the notices about it. Decisions are synchronous, so no
 * two requests can both credit one reference.
 */
export async function openRail(options: RailOptions): Promise<Rail> {
  const { institution, settles, faults, inOwnWords = (result) => result } = options;
  const book = createBook();
  const path = options.data === undefined ? undefined : join(options.data, 'book.jsonl');
  const journal: Journal<BookRecord> = await openJournal(path, book.apply);
  const key = await openSigningKey(options.data);
  const timers = new Set<NodeJS.Timeout>();
  const record = (entry: BookRecord): void => {
    book.apply(entry);
    journal.append(entry);
  };
  const delivery = startDelivery({
    key,
    destination: { url: options.callbackUrl, client: options.client, form: 'jws' },
    finished: (eventId) => record({ type: 'noticed', eventId }),
  });
  const after = (ms: number, work: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  };

  const { tell, announce, send } = createAnnouncer({
    book,
    faults,
    delivery,
    inOwnWords,
    record,
    durable: journal.durable,
  });

  const mustTell = (reference: string, waited: boolean): boolean =>
    waited && !faults.strikes(faults.current().transfers?.unanswered, 'unanswered', reference);
  const execute = (reference: string): void => {
    const { order, state } = book.transfer(reference) as Transfer;
    if (state !== 'pending' && state !== 'busy') return;
    const reasonCode = orderRefusal(order, book, institution, faults);
    record({
      type: 'outcome',
      reference,
      state: reasonCode === undefined ? 'completed' : 'rejected',
      ...(reasonCode === undefined ? {} : { reasonCode }),
      at: now(),
    });
    if (reasonCode !== undefined) return;
    const { answeredTwice, contradicted } = faults.current().transfers ?? {};
    if (faults.strikes(answeredTwice, 'answered-twice', reference))
      after(contradictionDelayMs, () => tell([reference]));
    if (faults.strikes(contradicted, 'contradicted', reference)) {
      after(contradictionDelayMs, () => {
        const { order: same, railReference } = book.transfer(reference) as Transfer;
        announce(same.service, [{ reference, status: 'failed', railReference, reasonCode: 'NARR' }]);
      });
    }
    mayReturn(reference);
  };
  const mayReturn = (reference: string): void => {
    const returned = faults.current().transfers?.returned;
    if (!returned || !faults.strikes(returned, 'returned', reference)) return;
    after(returned.afterMs, () => {
      if (book.transfer(reference)?.state !== 'completed') return;
      record({ type: 'outcome', reference, state: 'returned', reasonCode: 'AC04', at: now() });
      tell([reference]);
    });
  };
  const executeLater = (references: readonly string[], ms: number): void => {
    if (references.length === 0) return;
    after(ms, () => {
      for (const reference of references) execute(reference);
      tell(references.filter((reference) => mustTell(reference, true)));
    });
  };

  const lateMs = (reference: string): number | undefined => {
    const late = faults.current().transfers?.late;
    return late && faults.strikes(late, 'late', reference) ? late.afterMs : undefined;
  };
  const accept = (orders: readonly Order[]): readonly Transfer[] => {
    refuseConflicts(orders, book);
    const soon: string[] = [];
    const busy: string[] = [];
    for (const order of new Map(orders.map((one) => [one.reference, one])).values()) {
      const { reference } = order;
      const known = book.transfer(reference);
      if (known && known.state !== 'busy') continue;
      if (!known) {
        const railReference = `${institution.code.slice(0, 4)}${randomUUID().replaceAll('-', '').slice(0, 20)}`;
        record({ type: 'order', order, fingerprint: fingerprintOf(order), railReference, at: now() });
      }
      if (faults.strikesAgain(faults.current().transfers?.busy, 'busy', reference)) {
        record({ type: 'outcome', reference, state: 'busy', at: now() });
        busy.push(reference);
        continue;
      }
      const late = lateMs(reference);
      if (known && (late !== undefined || settles.when === 'later')) {
        record({
          type: 'order',
          order,
          fingerprint: known.fingerprint,
          railReference: known.railReference,
          at: now(),
        });
      }
      if (late !== undefined) executeLater([reference], late);
      else if (settles.when === 'later') soon.push(reference);
      else execute(reference);
    }
    if (settles.when === 'later') {
      executeLater(soon, settles.afterMs);
      if (busy.length > 0)
        after(settles.afterMs, () => tell(busy.filter((one) => book.transfer(one)?.state === 'busy')));
    }
    return orders.map(({ reference }) => book.transfer(reference) as Transfer);
  };

  for (const { account, currency, holder, balance } of options.funds) {
    if (!book.funds(account)) record({ type: 'funds', account, currency, holder });
    const reference = `opening-${account}`;
    if (balance > 0n && !book.hasDeposit(reference)) {
      record({ type: 'deposit', reference, account, amount: String(balance), at: now() });
    }
  }
  await journal.durable();
  resume();

  /** Takes up what a stop or a kill interrupted. */
  function resume(): void {
    for (const notice of book.notices()) send(notice);
    const pending: string[] = [];
    const untold: string[] = [];
    for (const { order, state, told } of book.transfers()) {
      const { reference } = order;
      const waited = settles.when === 'later' || lateMs(reference) !== undefined;
      if (state === 'pending') pending.push(reference);
      else if (!told && mustTell(reference, waited)) untold.push(reference);
      if (state === 'completed') mayReturn(reference);
    }
    executeLater(pending, 50);
    tell(untold);
  }

  return {
    book,
    faults,
    institution,
    key,
    delivery,
    accept,
    record,
    durable: journal.durable,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      await delivery.stop();
      await journal.close();
    },
  };
}
