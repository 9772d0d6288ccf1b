import { newId } from '@govstack/platform';
import { sql, type Transaction } from 'kysely';
import type { MappedEvent, Mapping } from '../api/mappings/document.ts';
import type { Snapshot } from '../history/change-log.ts';
import { type Attribute, attributesOf, attributeValue } from '../mapping/attribute.ts';
import { readMapping } from '../mapping/store.ts';
import type { Row } from '../records/content.ts';
import { table, visible } from '../records/statement.ts';
import type { RegistryTables } from '../tables.ts';
import { conditionSql } from './condition.ts';
import { readCron } from './cron.ts';
import type { Conversation, Dci } from './dci.ts';
import { deliveryJob, requestPurpose, type Waiting } from './deliver.ts';
import { Rejected } from './rejected.ts';
import { conditionOf, groundOf, openView, recordTypeOf, showRecords } from './search.ts';
import { findSender } from './senders.ts';
import { type Filter, filterPurpose, filterTypeOf } from './subscriptions.ts';
import { recordMessage } from './transactions.ts';

type Trx = Transaction<RegistryTables>;
type Subscription = Awaited<ReturnType<typeof due>>;

/** What a subscriber is told: which records, never what they say; that is read when it goes out. */
export interface Notification {
  readonly subscription: string;
  readonly records: readonly string[];
}

/** Changes looked at in one step, and how far along the chain. */
const mostChanges = 500;
const farthest = 10_000;
/** How often subscribers without a frequency of their own are looked after. */
const everyMs = 1_000;
/** After a failure of ours. */
const laterMs = 60_000;
const details = 'rjct.notify_details.invalid';

const kindOf = (action: string): MappedEvent['on'][number] | undefined =>
  (({ create: 'create', restore: 'create', update: 'update', delete: 'delete', archive: 'delete' }) as const)[
    action
  ];

interface Change {
  position: string;
  record: string;
  action: string;
  before: Snapshot | null;
  after: Snapshot | null;
}

/** Whether a change is the event: of its kind, and making the record what it says, which it was not before. */
function isEvent(
  event: MappedEvent,
  attributes: ReadonlyMap<string, Attribute>,
  { action, before, after }: Change,
  now: Date,
): boolean {
  const kind = kindOf(action);
  if (!kind || !event.on.includes(kind)) return false;
  const wanted = Object.entries(event.becomes ?? {});
  if (wanted.length === 0) return true;
  const is = (snapshot: Snapshot | null): boolean =>
    snapshot !== null &&
    wanted.every(([name, value]) => {
      const attribute = attributes.get(name);
      if (!attribute) return false;
      const row = { [attribute.field.column]: snapshot[attribute.field.id] } as Row;
      return String(attributeValue(attribute, row, now)) === String(value);
    });
  return is(after) && !is(before);
}

const due = (trx: Trx, now: Date) =>
  trx
    .selectFrom('dci_subscription')
    .selectAll()
    .where('state', '=', 'subscribe')
    .where('next_at', '<=', now.toISOString())
    .orderBy('next_at')
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();

const conversationOf = async (
  dci: Dci,
  row: NonNullable<Subscription>,
): Promise<Conversation | undefined> => {
  const sender = await findSender(dci.db, row.owner, row.sender_id);
  const mapping = await readMapping(dci.db, row.owner, row.mapping).catch(() => undefined);
  if (!sender || !mapping || sender.application !== row.application) return undefined;
  const caller = {
    application: row.application,
    service: `${row.owner}/dci-v1`,
    operator: undefined,
    exchangeId: row.exchange_id,
  };
  return { owner: row.owner, mappingName: row.mapping, mapping, sender, caller };
};

const filterOf = (dci: Dci, row: NonNullable<Subscription>): Filter =>
  dci.vault.open(row.filter, filterPurpose(row.code)) as Filter;

/** Records of these changes that the subscriber may see and asked for. */
async function matching(
  dci: Dci,
  conversation: Conversation,
  row: NonNullable<Subscription>,
  event: MappedEvent,
  changes: readonly Change[],
): Promise<string[]> {
  const filter = filterOf(dci, row);
  const { mapping } = conversation;
  const { condition } = conditionOf(mapping, { type: filterTypeOf(filter), query: filter.filter }, details);
  const view = await openView(dci, conversation, groundOf(filter));
  const attributes = attributesOf(mapping, view.granted.registry.current);
  const now = dci.now();
  const records = [
    ...new Set(changes.filter((one) => isEvent(event, attributes, one, now)).map(({ record }) => record)),
  ];
  if (records.length === 0) return [];
  const gone = event.on.includes('delete') ? sql`true` : sql`state = 'active'`;
  const { rows } = await sql<{ uuid: string }>`
    select uuid
    from ${table(view.granted.registry)}
    where uuid = any(${records}::uuid[]) and ${gone} and ${visible(view.granted)}
      and ${conditionSql(condition, view.attributes, now, details)}`.execute(dci.db);
  return rows.map(({ uuid }) => uuid);
}

/** Looks after the subscription that waits longest. Answers whether there was one. */
export async function notifyNext(dci: Dci): Promise<boolean> {
  return dci.db.transaction().execute(async (trx) => {
    const now = dci.now();
    const row = await due(trx, now);
    if (!row) return false;
    try {
      await lookAfter(dci, trx, row, now);
    } catch (error) {
      dci.log.warn(
        { err: error, subscription: row.code },
        'a subscriber could not be looked after; will try again',
      );
      const next_at = new Date(now.getTime() + laterMs).toISOString();
      await trx.updateTable('dci_subscription').set({ next_at }).where('code', '=', row.code).execute();
    }
    return true;
  });
}

async function lookAfter(dci: Dci, trx: Trx, row: NonNullable<Subscription>, now: Date): Promise<void> {
  const set = (
    values: Partial<{ state: 'unsubscribe'; ended_at: string; next_at: string; position: string }>,
  ) => trx.updateTable('dci_subscription').set(values).where('code', '=', row.code).execute();
  const frequency = row.frequency as { end_time: string; frequency: string } | null;
  const conversation = await conversationOf(dci, row);
  const event = conversation?.mapping.events?.find(({ type }) => type === row.event_type);
  if (!conversation || !event || (frequency && Date.parse(frequency.end_time) < now.getTime())) {
    await set({ state: 'unsubscribe', ended_at: now.toISOString() });
    return;
  }
  const newest = await sql<{ position: string }>`
      select coalesce(max(position), 0) as position from change_seal`.execute(trx);
  const end = BigInt(newest.rows[0]?.position ?? 0);
  const from = BigInt(row.position);
  const to = end < from + BigInt(farthest) ? end : from + BigInt(farthest);
  const changes = to > from ? await changesBetween(dci, trx, conversation.mapping, row.owner, from, to) : [];
  const last = changes.length === mostChanges ? BigInt(changes.at(-1)?.position ?? to) : to;
  const records = await matching(dci, conversation, row, event, changes).catch((error: unknown) => {
    // Rights and registries change: what may not be seen is not told.
    if (error instanceof Rejected || (error as { status?: number }).status === 404) return [];
    throw error;
  });
  if (records.length > 0) {
    const id = newId();
    const waiting: Waiting = { kind: 'notify', notification: { subscription: row.code, records } };
    await recordMessage(dci.vault, trx, conversation, {
      id,
      header: { message_id: id, action: 'notify' },
      message: { transaction_id: id },
      state: 'rcvd',
      target: row.target as never,
      request: dci.vault.seal(waiting, requestPurpose(id)),
    });
    await dci.jobs.send(trx, deliveryJob, { id });
  }
  const next =
    last < end
      ? now
      : frequency
        ? (readCron(frequency.frequency)?.next(now) ?? new Date(frequency.end_time))
        : new Date(now.getTime() + everyMs);
  await set({ position: last.toString(), next_at: next.toISOString() });
}

async function changesBetween(
  dci: Dci,
  trx: Trx,
  mapping: Mapping,
  owner: string,
  from: bigint,
  to: bigint,
): Promise<Change[]> {
  const { registry } = await dci.catalogue.find(owner, mapping.registry, mapping.version ?? 'latest');
  const { rows } = await sql<Change>`
    select s.position, c.record, c.action, k.before, k.after
    from change_seal s
    join change_log c on c.seq = s.change_seq
    left join change_content k on k.seq = c.seq
    where s.position > ${from.toString()} and s.position <= ${to.toString()} and c.registry_id = ${registry.id}
    order by s.position
    limit ${mostChanges}`.execute(trx);
  return rows;
}

/** The message that tells of a notification, with the records as they are now; undefined: nothing is left to tell. */
export async function notifyMessage(
  dci: Dci,
  conversation: Conversation,
  id: string,
  { subscription, records }: Notification,
) {
  const row = await dci.db
    .selectFrom('dci_subscription')
    .selectAll()
    .where('code', '=', subscription)
    .where('state', '=', 'subscribe')
    .executeTakeFirst();
  const { mapping } = conversation;
  const event = row && mapping.events?.find(({ type }) => type === row.event_type);
  if (!row || !event) return undefined;
  const view = await openView(dci, conversation, groundOf(filterOf(dci, row))).catch((error: unknown) => {
    if (error instanceof Rejected) return undefined;
    throw error;
  });
  if (!view) return undefined;
  const { rows } = await sql<Row>`
    select * from ${table(view.granted.registry)}
    where uuid = any(${[...records]}::uuid[]) and ${visible(view.granted)}
    order by uuid`.execute(dci.db);
  const there = rows.filter(({ state }) => state === 'active');
  const gone = rows.filter(({ state }) => state !== 'active');
  const shown = await showRecords(
    dci,
    view,
    recordTypeOf(mapping, [row.record_type], details).template,
    there,
  );
  // Of a record that is gone no more is told than which one it was.
  const which = {
    '@type': row.record_type,
    identifier: Object.entries(mapping.identifiers ?? {}).map(([type, attribute]) => ({
      '@type': 'Identifier',
      identifier_type: type,
      identifier_value: `$(${attribute})`,
    })),
  };
  const left =
    gone.length > 0 && event.on.includes('delete') ? await showRecords(dci, view, which, gone) : [];
  const told = [...shown, ...left];
  if (told.length === 0) return undefined;
  return {
    transaction_id: id,
    notify_event: told.map((record, index) => ({
      reference_id: `${row.code}-${index + 1}`,
      timestamp: dci.now().toISOString(),
      data: {
        version: '1.0.0',
        ...(mapping.regType === undefined ? {} : { reg_type: mapping.regType }),
        reg_event_type: row.event_type,
        reg_record_type: row.record_type,
        reg_records: record as object,
      },
      ...(row.locale === null ? {} : { locale: row.locale }),
    })),
  };
}

/** Looks after subscriptions as long as the block runs; several nodes share the work. */
export function startNotifying(dci: Dci): { stop(): Promise<void> } {
  let stopped = false;
  let wake: (() => void) | undefined;
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const loop = async (): Promise<void> => {
    while (!stopped) {
      try {
        if (!(await notifyNext(dci))) await pause();
      } catch (error) {
        if (stopped) return;
        dci.log.warn({ err: error }, 'subscribers could not be looked after; will try again');
        await pause();
      }
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped = true;
      wake?.();
      await running;
    },
  };
}
