import { randomUUID } from 'node:crypto';
import canonicalize from 'canonicalize';
import { sql, type Transaction } from 'kysely';
import type { SubscribeCriteria, SubscribeRequest } from '../api/dci/shapes.ts';
import { attributesOf } from '../mapping/attribute.ts';
import type { RegistryTables } from '../tables.ts';
import { conditionSql } from './condition.ts';
import { readCron } from './cron.ts';
import type { Conversation, Dci } from './dci.ts';
import { sameName } from './names.ts';
import { Rejected } from './rejected.ts';
import { assertItem, conditionOf, groundOf, openView, recordTypeOf } from './search.ts';
import type { Target } from './senders.ts';
import type { Outcome } from './transactions.ts';

type Trx = Transaction<RegistryTables>;

/** What a subscription is kept with, sealed: its filter may name people. */
export type Filter = Pick<SubscribeCriteria, 'filter' | 'filter_type' | 'consent' | 'authorize'>;

export const filterPurpose = (code: string): string => `dci-subscription/${code}`;

/** The type of a filter that does not say which it is. */
export const filterTypeOf = ({ filter, filter_type: type }: Filter): string =>
  type ??
  (Array.isArray(filter)
    ? 'predicate'
    : typeof (filter as { value?: unknown } | null)?.value === 'object'
      ? 'expression'
      : 'idtype-value');

/** Places of the chain of changes: what is behind the last one is not told. */
const lastPosition = sql<string>`coalesce((select max(position) from change_seal), 0)`;

async function subscribeOne(
  dci: Dci,
  trx: Trx,
  conversation: Conversation,
  target: Target,
  criteria: SubscribeCriteria,
  locale: string | undefined,
) {
  const { mapping, owner, mappingName, sender, caller } = conversation;
  const types = 'rjct.notify_types.invalid';
  const details = 'rjct.notify_details.invalid';
  if (criteria.reg_type !== undefined && !sameName(criteria.reg_type, mapping.regType ?? ''))
    throw new Rejected(details, 'This is not a registry of that type');
  const event = mapping.events?.find(({ type }) => sameName(type, criteria.reg_event_type));
  if (!event) throw new Rejected(types, 'The registry does not tell of events of this type');
  const record = recordTypeOf(mapping, [criteria.notify_record_type], types);
  const filter: Filter = {
    filter: criteria.filter,
    ...(criteria.filter_type === undefined ? {} : { filter_type: criteria.filter_type }),
    ...(criteria.consent === undefined ? {} : { consent: criteria.consent }),
    ...(criteria.authorize === undefined ? {} : { authorize: criteria.authorize }),
  };
  const query = { type: filterTypeOf(filter), query: criteria.filter };
  const { condition } = conditionOf(mapping, query, details, 'rjct.person_id.invalid');
  const { granted } = await openView(dci, conversation, groundOf(filter)).catch((error: unknown) => {
    throw error instanceof Rejected ? new Rejected(details, error.message) : error;
  });
  // Built once to be refused now rather than at the first change.
  conditionSql(condition, attributesOf(mapping, granted.fields), dci.now(), details);
  const { frequency } = criteria;
  const cron = frequency && readCron(frequency.frequency);
  if (frequency && (!cron || Date.parse(frequency.end_time) <= Date.parse(frequency.start_time)))
    throw new Rejected(details, 'frequency is a cron expression between a start_time and an end_time');
  const begin = frequency
    ? new Date(Math.max(dci.now().getTime(), Date.parse(frequency.start_time)))
    : dci.now();
  const next = cron ? cron.next(begin) : begin;
  if (!next) throw new Rejected(details, 'frequency never comes');

  const code = randomUUID();
  const now = dci.now().toISOString();
  const made = await trx
    .insertInto('dci_subscription')
    .values({
      code,
      owner,
      mapping: mappingName,
      sender_id: sender.senderId,
      application: caller.application,
      exchange_id: caller.exchangeId,
      event_type: event.type,
      record_type: record.name,
      filter: dci.vault.seal(filter, filterPurpose(code)),
      filter_key: dci.vault.mark(canonicalize(criteria.filter) as string),
      frequency: frequency ? JSON.stringify(frequency) : null,
      target: JSON.stringify(target),
      locale: locale ?? null,
      position: lastPosition,
      next_at: next.toISOString(),
      state: 'subscribe',
      ended_at: null,
    })
    .onConflict((existing) => existing.doNothing())
    .returning('code')
    .executeTakeFirst();
  if (!made) throw new Rejected('rjct.event.already_subscribed', 'There is such a subscription already');
  return {
    version: '1.0.0',
    code,
    status: 'subscribe' as const,
    timestamp: now,
    ...(mapping.regType === undefined ? {} : { reg_type: mapping.regType }),
    reg_event_type: event.type,
    notify_record_type: record.name,
    ...(frequency ? { frequency } : {}),
  };
}

type Subscription = Awaited<ReturnType<typeof subscribeOne>>;

/** Subscribes to each event asked for, or says why not. */
export async function subscribe(
  dci: Dci,
  trx: Trx,
  conversation: Conversation,
  target: Target,
  { subscribe_request: items }: SubscribeRequest,
): Promise<(Outcome & { readonly subscriptions?: readonly Subscription[] })[]> {
  const seen = new Set<string>();
  const results: (Outcome & { readonly subscriptions?: readonly Subscription[] })[] = [];
  for (const { reference_id, timestamp, subscribe_criteria, locale } of items) {
    const about = { reference_id, timestamp: dci.now().toISOString() };
    try {
      assertItem({ reference_id, timestamp }, seen, dci.now());
      const made = await subscribeOne(dci, trx, conversation, target, subscribe_criteria, locale);
      results.push({ ...about, status: 'succ', subscriptions: [made] });
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      const { code, message } = error;
      results.push({ ...about, status: 'rjct', status_reason_code: code, status_reason_message: message });
    }
  }
  return results;
}

/** Ends subscriptions of a sender: all that are named, or none. */
export async function unsubscribe(
  dci: Dci,
  trx: Trx,
  { owner, mappingName, sender }: Conversation,
  codes: readonly string[],
) {
  const known = await trx
    .selectFrom('dci_subscription')
    .select(['code', 'state', 'sender_id'])
    .where('owner', '=', owner)
    .where('mapping', '=', mappingName)
    .where(sql`code::text`, 'in', [...codes])
    .forUpdate()
    .execute();
  const rejected =
    known.length < new Set(codes).size
      ? new Rejected('rjct.subscription_code.invalid', 'There is no such subscription')
      : known.some((one) => one.sender_id !== sender.senderId)
        ? new Rejected('rjct.requester.invalid', 'It is another one’s subscription')
        : known.some((one) => one.state === 'unsubscribe')
          ? new Rejected('rjct.event.already_unsubscribed', 'The subscription has ended before')
          : undefined;
  if (rejected)
    return {
      status: 'rjct' as const,
      status_reason_code: rejected.code,
      status_reason_message: rejected.message,
      subscription_status: [],
    };
  await trx
    .updateTable('dci_subscription')
    .set({ state: 'unsubscribe', ended_at: dci.now().toISOString() })
    .where(sql`code::text`, 'in', [...codes])
    .execute();
  return {
    status: 'succ' as const,
    subscription_status: codes.map((code) => ({ code, status: 'unsubscribe' as const })),
  };
}
