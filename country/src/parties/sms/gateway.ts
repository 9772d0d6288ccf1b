import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openJournal } from '../durable/journal.ts';
import { openSigningKey, type SigningKey } from '../durable/signing-key.ts';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { Refusal } from '../http/operation.ts';
import { type Delivery, startDelivery } from '../notices/deliver.ts';
import type { SmsFaults } from './faults.ts';
import { segmentsOf } from './segments.ts';

export interface TextMessage {
  readonly id: string;
  readonly to: string;
  readonly text: string;
  readonly reference: string;
  readonly segments: number;
  readonly acceptedAt: string;
  readonly status: 'accepted' | 'delivered' | 'failed';
  readonly code?: string;
  readonly statusAt?: string;
}

type SmsRecord =
  | { readonly type: 'message'; readonly message: TextMessage }
  | {
      readonly type: 'fate';
      readonly id: string;
      readonly status: 'delivered' | 'failed';
      readonly code?: string;
      readonly at: string;
    }
  | { readonly type: 'receipted'; readonly id: string };

export interface SmsGateway {
  readonly key: SigningKey;
  readonly delivery: Delivery;
  /** Takes a message, each reference once: the same one again is the same message, another one is refused (409). */
  accept(message: Pick<TextMessage, 'to' | 'text' | 'reference'>): TextMessage;
  message(id: string): TextMessage | undefined;
  /** Newest first; all numbers when none is given. */
  messages(to: string | undefined, limit: number): TextMessage[];
  /** Numbers that received something, the latest first. */
  numbers(limit: number): { readonly number: string; readonly count: number }[];
  durable(): Promise<void>;
  close(): Promise<void>;
}

export interface SmsGatewayOptions {
  readonly data: string | undefined;
  readonly callbackUrl: string | undefined;
  readonly client: string | undefined;
  readonly faults: FaultSwitch<SmsFaults>;
  /** How long a message is on its way. */
  readonly deliverMs: number;
}

const largestSegments = 10;

/** The messages of the gateway, what becomes of them, and the receipts about it. */
export async function openSmsGateway(options: SmsGatewayOptions): Promise<SmsGateway> {
  const { faults, deliverMs } = options;
  const messages = new Map<string, TextMessage>();
  const byReference = new Map<string, string>();
  const byNumber = new Map<string, string[]>();
  const receipted = new Set<string>();

  const apply = (record: SmsRecord): void => {
    if (record.type === 'message') {
      const { message } = record;
      messages.set(message.id, message);
      byReference.set(message.reference, message.id);
      const ids = byNumber.get(message.to) ?? [];
      ids.push(message.id);
      byNumber.delete(message.to);
      byNumber.set(message.to, ids);
    } else if (record.type === 'fate') {
      const { id, status, code, at } = record;
      messages.set(id, { ...(messages.get(id) as TextMessage), status, code, statusAt: at });
    } else receipted.add(record.id);
  };
  const path = options.data === undefined ? undefined : join(options.data, 'messages.jsonl');
  const journal = await openJournal<SmsRecord>(path, apply);
  const record = (entry: SmsRecord): void => {
    apply(entry);
    journal.append(entry);
  };
  const key = await openSigningKey(options.data);
  const delivery = startDelivery({
    key,
    destination: { url: options.callbackUrl, client: options.client, form: 'detached' },
    finished: (id) => record({ type: 'receipted', id }),
  });
  const timers = new Set<NodeJS.Timeout>();

  /** How often the receipt about a message is sent, by the faults of this moment. */
  const receiptsOf = (reference: string): 0 | 1 | 2 => {
    const { unreceipted, receiptRepeated } = faults.current();
    if (faults.strikes(unreceipted, 'unreceipted', reference)) return 0;
    return faults.strikes(receiptRepeated, 'receipt-repeated', reference) ? 2 : 1;
  };
  const sendReceipt = (
    { id, reference, status, code, statusAt }: TextMessage,
    times = receiptsOf(reference),
  ): void => {
    if (times === 0) return;
    delivery.send(
      {
        eventId: id,
        content: { eventId: id, id, reference, status, at: statusAt, ...(code ? { code } : {}) },
      },
      { repeated: times === 2 },
    );
  };
  const carry = ({ id, reference }: TextMessage): void => {
    const { late, undeliverable } = faults.current();
    const delay = late && faults.strikes(late, 'late', reference) ? late.delayMs : deliverMs;
    const timer = setTimeout(() => {
      timers.delete(timer);
      const failed = faults.strikes(undeliverable, 'undeliverable', reference);
      // Whoever sees the message delivered and then changes the faults must not change this receipt.
      const times = receiptsOf(reference);
      record({
        type: 'fate',
        id,
        status: failed ? 'failed' : 'delivered',
        ...(failed ? { code: 'absent-subscriber' } : {}),
        at: new Date().toISOString(),
      });
      void journal.durable().then(() => sendReceipt(messages.get(id) as TextMessage, times));
    }, delay);
    timers.add(timer);
  };
  for (const message of messages.values()) {
    if (message.status === 'accepted') carry(message);
    else if (!receipted.has(message.id)) sendReceipt(message);
  }

  return {
    key,
    delivery,
    accept({ to, text, reference }) {
      const known = messages.get(byReference.get(reference) ?? '');
      if (known) {
        if (known.to === to && known.text === text) return known;
        throw new Refusal(409, 'The reference was used for another message');
      }
      if (faults.current().refused?.some((beginning) => to.startsWith(beginning))) {
        throw new Refusal(422, 'The number is refused', {
          errors: [{ pointer: '/to', detail: 'is not in service' }],
        });
      }
      if (faults.strikesAgain(faults.current().busy, 'busy', reference)) {
        throw new Refusal(503, 'Busy; the message was not taken', { headers: { 'retry-after': '1' } });
      }
      const segments = segmentsOf(text);
      if (segments > largestSegments) {
        throw new Refusal(422, 'The text is too long', {
          errors: [
            { pointer: '/text', detail: `takes ${segments} messages, at most ${largestSegments} are sent` },
          ],
        });
      }
      const message: TextMessage = {
        id: randomUUID(),
        to,
        text,
        reference,
        segments,
        acceptedAt: new Date().toISOString(),
        status: 'accepted',
      };
      record({ type: 'message', message });
      carry(message);
      return message;
    },
    message: (id) => messages.get(id),
    messages(to, limit) {
      const ids = to === undefined ? [...messages.keys()] : (byNumber.get(to) ?? []);
      return ids
        .slice(-limit)
        .reverse()
        .map((id) => messages.get(id) as TextMessage);
    },
    numbers: (limit) =>
      [...byNumber]
        .slice(-limit)
        .reverse()
        .map(([number, ids]) => ({ number, count: ids.length })),
    durable: journal.durable,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      await delivery.stop();
      await journal.close();
    },
  };
}
