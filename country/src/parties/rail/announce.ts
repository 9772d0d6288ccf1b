import { randomUUID } from 'node:crypto';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import type { Delivery } from '../notices/deliver.ts';
import type { Book, PendingNotice, Transfer } from './book.ts';
import type { RailFaults } from './faults.ts';
import type { BookRecord, NoticeResult } from './records.ts';

export interface AnnouncerOptions {
  readonly book: Book;
  readonly faults: FaultSwitch<RailFaults>;
  readonly delivery: Delivery;
  /** Puts a result into the words of the institution. */
  readonly inOwnWords: (result: NoticeResult) => NoticeResult;
  readonly record: (record: BookRecord) => void;
  readonly durable: () => Promise<void>;
}

/** Tells results to the services that wait for them. A notice is in the book before it leaves. */
export interface Announcer {
  /** Tells the results of transfers as the book has them. */
  tell(references: readonly string[]): void;
  /** Tells results that the book does not have. */
  announce(service: string | undefined, results: readonly NoticeResult[]): void;
  /** Sends a notice of the book that nobody has taken yet. */
  send(notice: PendingNotice): void;
}

const largestNotice = 1_000;

function resultOf({ order, state, railReference, reasonCode }: Transfer): NoticeResult {
  if (state === 'pending') throw new Error(`${order.reference} has no result yet`);
  return {
    reference: order.reference,
    status: state === 'rejected' ? 'failed' : state,
    railReference,
    ...(reasonCode === undefined ? {} : { reasonCode }),
  };
}

export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { book, faults, delivery, inOwnWords, record, durable } = options;
  const send = ({ eventId, service, results }: PendingNotice): void => {
    const { repeated, late } = faults.current().notices ?? {};
    delivery.send(
      { eventId, service, content: { eventId, results } },
      {
        repeated: faults.strikes(repeated, 'notice-repeated', eventId),
        delayMs: late && faults.strikes(late, 'notice-late', eventId) ? late.delayMs : 0,
      },
    );
  };
  const announce: Announcer['announce'] = (service, results) => {
    for (let at = 0; at < results.length; at += largestNotice) {
      const notice: PendingNotice = {
        eventId: randomUUID(),
        ...(service === undefined ? {} : { service }),
        results: results.slice(at, at + largestNotice).map(inOwnWords),
      };
      record({ type: 'notice', ...notice });
      void durable().then(() => send(notice));
    }
  };
  return {
    send,
    announce,
    tell(references) {
      const byService = new Map<string | undefined, NoticeResult[]>();
      for (const reference of references) {
        const transfer = book.transfer(reference) as Transfer;
        const results = byService.get(transfer.order.service) ?? [];
        results.push(resultOf(transfer));
        byService.set(transfer.order.service, results);
      }
      for (const [service, results] of byService) announce(service, results);
    },
  };
}
