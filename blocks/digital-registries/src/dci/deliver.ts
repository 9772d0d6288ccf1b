import { fetch } from 'undici';
import type { CallbackHeader, SearchRequest, StatusRequest } from '../api/dci/shapes.ts';
import { readMapping } from '../mapping/store.ts';
import { type Conversation, type Dci, envelope } from './dci.ts';
import { type Notification, notifyMessage } from './notify.ts';
import { searchAll } from './search.ts';
import { findSender, isAllowed, type Target } from './senders.ts';
import { type Outcome, outcomeOf, statusOf } from './transactions.ts';

export const deliveryJob = 'dci-deliver';
/** Attempts before a callback is given up; the waits between them grow to an hour. */
export const mostAttempts = 12;
const timeoutMs = 15_000;

export const requestPurpose = (id: string): string => `dci-transaction/${id}`;

/** What a callback is made of when its time comes: the question, or the answer where the effect was at once. */
export type Waiting =
  | { readonly kind: 'search'; readonly message: SearchRequest }
  | { readonly kind: 'txn-status'; readonly message: StatusRequest }
  | { readonly kind: 'subscribe'; readonly message: object; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'unsubscribe'; readonly message: object; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'notify'; readonly notification: Notification };

const places = {
  search: { action: 'on-search', path: '/on-search' },
  subscribe: { action: 'on-subscribe', path: '/on-subscribe' },
  unsubscribe: { action: 'on-unsubscribe', path: '/on-unsubscribe' },
  'txn-status': { action: 'txn-on-status', path: '/txn/on-status' },
  notify: { action: 'notify', path: '/notify' },
} as const;

type About = Pick<CallbackHeader, 'status' | 'total_count' | 'completed_count'>;

/** Counts of a header: rejected when nothing of it could be done. */
export const aboutOf = (outcomes: readonly Pick<Outcome, 'status'>[]): About => ({
  status: outcomes.length > 0 && outcomes.every(({ status }) => status === 'rjct') ? 'rjct' : 'succ',
  total_count: outcomes.length,
  completed_count: outcomes.length,
});

interface Reply {
  readonly message: object;
  readonly outcomes: readonly Outcome[];
  readonly about: About;
}

const one: About = { status: 'succ', total_count: 1, completed_count: 1 };

/** What goes out now; undefined: nothing, because there is nothing left to tell. */
async function replyTo(
  dci: Dci,
  conversation: Conversation,
  id: string,
  waiting: Waiting,
): Promise<Reply | undefined> {
  switch (waiting.kind) {
    case 'search': {
      const { transaction_id, search_request } = waiting.message;
      const results = await searchAll(dci, conversation, search_request);
      return {
        message: { transaction_id, correlation_id: id, search_response: results },
        outcomes: results.map(outcomeOf),
        about: aboutOf(results),
      };
    }
    case 'txn-status':
      return {
        message: await statusMessage(dci, conversation, waiting.message, id),
        outcomes: [],
        about: one,
      };
    case 'notify': {
      const told = await notifyMessage(dci, conversation, id, waiting.notification);
      return (
        told && { message: told, outcomes: [], about: { ...one, total_count: told.notify_event.length } }
      );
    }
    default:
      return { message: waiting.message, outcomes: waiting.outcomes, about: aboutOf(waiting.outcomes) };
  }
}

/** The answer to a question about earlier transactions. */
export async function statusMessage(
  dci: Dci,
  conversation: Conversation,
  message: StatusRequest,
  id: string,
) {
  const { txn_type, attribute_type, attribute_value } = message.txnstatus_request;
  const about = attribute_type === 'transaction_id' ? String([attribute_value].flat()[0] ?? '') : undefined;
  return {
    transaction_id: message.transaction_id,
    correlation_id: id,
    txnstatus_response: {
      txn_type,
      txn_status: {
        transaction_id: about ?? message.transaction_id,
        correlation_id: attribute_type === 'correlation_id' ? String([attribute_value].flat()[0] ?? '') : id,
        search_response: await statusOf(dci, conversation, message),
      },
    },
  };
}

async function send(
  dci: Dci,
  target: Target,
  path: string,
  body: string,
  signal: AbortSignal,
): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  if (target.kind === 'service') {
    const response = await dci.mediation.request({
      service: target.service,
      method: 'POST',
      path: `${target.base}${path}`,
      headers,
      body,
      signal,
      timeout: timeoutMs,
    });
    return response.headers['x-road-error'] === undefined ? response.status : 502;
  }
  const response = await fetch(`${target.base}${path}`, {
    method: 'POST',
    headers,
    body,
    // An answer must not lead where the owner has not allowed.
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  await response.body?.cancel();
  return response.status;
}

/**
 * Calls a sender back: at least once, under the same message id however often, with what the registry says at that
 * time. Throws to be tried again.
 */
export async function deliver(dci: Dci, id: string, signal: AbortSignal): Promise<void> {
  const row = await dci.db
    .updateTable('dci_transaction')
    .set((eb) => ({ attempts: eb('attempts', '+', 1), state: 'pdng' }))
    .where('id', '=', id)
    .where('state', 'in', ['rcvd', 'pdng'])
    .returningAll()
    .executeTakeFirst();
  if (!row?.request) return;
  const end = (state: 'succ' | 'rjct', outcomes?: readonly Outcome[]) =>
    dci.db
      .updateTable('dci_transaction')
      .set({
        state,
        request: null,
        ended_at: dci.now().toISOString(),
        ...(outcomes ? { outcomes: JSON.stringify(outcomes) } : {}),
      })
      .where('id', '=', id)
      .execute();
  const giveUp = async (why: string, error?: unknown): Promise<void> => {
    dci.log.warn({ err: error, sender: row.sender_id, correlation: id, why }, 'a sender is not called back');
    await end('rjct');
  };
  try {
    const sender = await findSender(dci.db, row.owner, row.sender_id);
    const target = row.target as Target;
    if (!sender || sender.application !== row.application || !isAllowed(sender, target))
      return await giveUp('the sender is not registered so any more');
    const conversation: Conversation = {
      owner: row.owner,
      mappingName: row.mapping,
      mapping: await readMapping(dci.db, row.owner, row.mapping),
      sender,
      caller: {
        application: row.application,
        service: `${row.owner}/dci-v1`,
        operator: row.operator ?? undefined,
        exchangeId: row.exchange_id,
      },
    };
    const waiting = dci.vault.open(row.request, requestPurpose(id)) as Waiting;
    const reply = await replyTo(dci, conversation, id, waiting);
    if (reply) {
      const { action, path } = places[waiting.kind];
      const whole = envelope(dci, conversation, action, reply.message, { ...reply.about, message_id: id });
      const status = await send(dci, target, path, JSON.stringify(whole), signal);
      if (status < 200 || status >= 300) throw new Error(`the callback was answered with ${status}`);
    }
    await end('succ', reply?.outcomes);
  } catch (error) {
    if (row.attempts < mostAttempts) throw error;
    await giveUp('it could not be reached', error);
  }
}
