import { currentContext, newContext, newId, notFound, Problem } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import { type Insertable, type Kysely, sql, type Transaction } from 'kysely';
import type { messagingApi } from '../api/operations.ts';
import type { MessagingTables, State } from '../tables.ts';
import { latestTemplate, render } from '../templates/templates.ts';
import type { Content, ContentVault } from './vault.ts';

export type MessageInput = Static<(typeof messagingApi.operations.sendMessage)['body']>;

/** Nothing is tried longer than a day after acceptance (MSG-5.1.24.2-a). */
const lifetimeMs = 24 * 3600_000;
const priorities = { emergency: 0, normal: 1, bulk: 2 } as const;

const addressForm =
  /^[^\s@<>,;:"()[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$/;
const numberForm = /^\+[1-9][0-9]{7,14}$/;

const unprocessable = (pointer: string, detail: string): Problem =>
  new Problem(422, 'The message cannot be sent', { errors: [{ in: 'body', pointer, detail }] });

function assertRecipient(input: MessageInput): void {
  if (input.channel === 'email' && !addressForm.test(input.to))
    throw unprocessable('/to', 'is not an e-mail address');
  if (input.channel === 'sms' && !numberForm.test(input.to))
    throw unprocessable('/to', 'is not a telephone number in E.164');
}

type TemplateOf = (code: string) => ReturnType<typeof latestTemplate>;

/** Contents of a message: a template filled in, or the text given. */
async function contentOf(templateOf: TemplateOf, input: MessageInput): Promise<Content> {
  assertRecipient(input);
  if ((input.template === undefined) === (input.body === undefined))
    throw unprocessable('/template', 'give either template or body');
  let content: Content;
  if (input.template !== undefined) {
    const template = await templateOf(input.template);
    if (!template) throw unprocessable('/template', 'is not a template of this sender');
    content = {
      to: input.to,
      ...render(template.channels, input.channel, input.language, input.variables ?? {}),
    };
  } else {
    if (input.channel === 'email' && input.subject === undefined)
      throw unprocessable('/subject', 'is required');
    content = {
      to: input.to,
      body: input.body as string,
      language: input.language ?? 'en',
      ...(input.channel === 'email' ? { subject: input.subject as string } : {}),
    };
  }
  if (content.subject !== undefined && /[\r\n]/.test(content.subject))
    throw unprocessable('/subject', 'may not contain line breaks');
  return content;
}

interface Prepared {
  readonly id: string;
  readonly message: Insertable<MessagingTables['message']>;
  readonly wrappedKey: Buffer;
  readonly state: State;
  readonly due: string;
}

async function prepare(
  vault: ContentVault,
  client: string,
  input: MessageInput,
  templateOf: TemplateOf,
): Promise<Prepared> {
  const now = new Date();
  const due = input.notBefore === undefined ? now : new Date(input.notBefore);
  if (due.getTime() < now.getTime() - 60_000) throw unprocessable('/notBefore', 'is in the past');
  const { sealed, wrappedKey } = vault.close(await contentOf(templateOf, input));
  const id = newId();
  return {
    id,
    message: {
      id,
      client,
      reference: input.reference ?? null,
      channel: input.channel,
      priority: priorities[input.priority ?? 'normal'],
      sealed,
      correlation_id: (currentContext() ?? newContext()).correlationId,
      accepted_at: now.toISOString(),
      expires_at: new Date(Math.max(due.getTime(), now.getTime()) + lifetimeMs).toISOString(),
    },
    wrappedKey,
    state: input.notBefore === undefined ? 'queued' : 'pending',
    due: due.toISOString(),
  };
}

/** Stores messages sealed and queues them: four statements, whatever their number. */
async function store(trx: Transaction<MessagingTables>, prepared: readonly Prepared[]): Promise<void> {
  if (prepared.length === 0) return;
  await trx
    .insertInto('message')
    .values(prepared.map(({ message }) => message))
    .execute();
  await trx
    .insertInto('message_key')
    .values(prepared.map(({ id, wrappedKey }) => ({ message_id: id, wrapped_key: wrappedKey })))
    .execute();
  await trx
    .insertInto('message_event')
    .values(prepared.map(({ id, state }) => eventRow(id, state)))
    .execute();
  await trx
    .insertInto('delivery_queue')
    .values(
      prepared.map(({ id, message, due }) => ({
        message_id: id,
        purpose: 'send' as const,
        priority: message.priority,
        due_at: due,
        attempts: 0,
      })),
    )
    .execute();
}

/** Accepts a message: stored sealed, queued, answered before any attempt to deliver it. */
export async function acceptMessage(
  trx: Transaction<MessagingTables>,
  vault: ContentVault,
  client: string,
  input: MessageInput,
): Promise<string> {
  const prepared = await prepare(vault, client, input, (code) => latestTemplate(trx, client, code));
  await store(trx, [prepared]);
  return prepared.id;
}

/** Accepts each message that can be sent; answers its id, or what is wrong with it, in the order given. */
export async function acceptMessages(
  trx: Transaction<MessagingTables>,
  vault: ContentVault,
  client: string,
  inputs: readonly MessageInput[],
): Promise<(string | Problem)[]> {
  const templates = new Map<string, ReturnType<typeof latestTemplate>>();
  const templateOf: TemplateOf = (code) => {
    const found = templates.get(code) ?? latestTemplate(trx, client, code);
    templates.set(code, found);
    return found;
  };
  const prepared: Prepared[] = [];
  const answers: (string | Problem)[] = [];
  for (const input of inputs) {
    try {
      const one = await prepare(vault, client, input, templateOf);
      prepared.push(one);
      answers.push(one.id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      answers.push(error);
    }
  }
  await store(trx, prepared);
  return answers;
}

const eventRow = (
  messageId: string,
  state: State,
  detail: { code?: string; providerReference?: string } = {},
): Insertable<MessagingTables['message_event']> => ({
  id: newId(),
  message_id: messageId,
  at: new Date().toISOString(),
  state,
  code: detail.code ?? null,
  provider_reference: detail.providerReference ?? null,
});

export async function addEvent(
  db: Kysely<MessagingTables>,
  messageId: string,
  state: State,
  detail: { code?: string; providerReference?: string } = {},
): Promise<void> {
  await db
    .insertInto('message_event')
    .values(eventRow(messageId, state, detail))
    .execute();
}

/** The published words for internal states (digest 3). */
export function reportedStatus(state: State, code: string | null): string {
  if (state === 'failed') return code === 'recipient' ? 'bounced' : 'notSent';
  return {
    pending: 'scheduled',
    queued: 'processing',
    sent: 'processing',
    delivered: 'delivered',
    errored: 'deferred',
  }[state];
}

interface StateRow {
  id: string;
  channel: string;
  reference: string | null;
  accepted_at: string;
  state: State;
  code: string | null;
  at: string;
  sealed: Buffer;
  wrapped_key: Buffer | null;
}

async function states(
  db: Kysely<MessagingTables>,
  client: string,
  where: { id?: string; reference?: string },
  limit: number,
): Promise<StateRow[]> {
  const { rows } = await sql<StateRow>`
    select m.id, m.channel, m.reference, m.accepted_at, e.state, e.code, e.at, m.sealed, k.wrapped_key
    from message m
    join lateral (select state, code, at from message_event where message_id = m.id order by id desc limit 1) e on true
    left join message_key k on k.message_id = m.id
    where m.client = ${client}
      and (${where.id ?? null}::uuid is null or m.id = ${where.id ?? null}::uuid)
      and (${where.reference ?? null}::text is null or m.reference = ${where.reference ?? null})
    order by m.accepted_at desc, m.id desc
    limit ${limit}`.execute(db);
  return rows;
}

const toStatus = (row: StateRow) => ({
  id: row.id,
  channel: row.channel,
  reference: row.reference,
  state: row.state,
  reportedStatus: reportedStatus(row.state, row.code),
  acceptedAt: new Date(row.accepted_at).toISOString(),
  changedAt: new Date(row.at).toISOString(),
});

export async function readMessage(db: Kysely<MessagingTables>, client: string, id: string) {
  const [row] = await states(db, client, { id }, 1);
  if (!row) throw notFound('Message');
  const events = await db
    .selectFrom('message_event')
    .select(['at', 'state', 'code'])
    .where('message_id', '=', id)
    .orderBy('id')
    .limit(200)
    .execute();
  return { ...toStatus(row), history: events };
}

export async function listMessages(
  db: Kysely<MessagingTables>,
  vault: ContentVault,
  client: string,
  reference: string,
  limit: number,
) {
  const rows = await states(db, client, { reference }, limit);
  return rows.map((row) => {
    const content = row.wrapped_key === null ? undefined : vault.open(row.sealed, row.wrapped_key);
    return {
      ...toStatus(row),
      ...(content?.subject === undefined ? {} : { subject: content.subject }),
      ...(content === undefined ? {} : { body: content.body }),
    };
  });
}

export async function statusCounts(
  db: Kysely<MessagingTables>,
  client: string,
): Promise<Record<string, number>> {
  const { rows } = await sql<{ state: State; code: string | null; count: number }>`
    select e.state, e.code, count(*)::integer as count
    from message m
    join lateral (select state, code from message_event where message_id = m.id order by id desc limit 1) e on true
    where m.client = ${client}
    group by e.state, e.code`.execute(db);
  const counts: Record<string, number> = {
    scheduled: 0,
    processing: 0,
    deferred: 0,
    delivered: 0,
    bounced: 0,
    notSent: 0,
  };
  for (const row of rows) {
    const status = reportedStatus(row.state, row.code);
    counts[status] = (counts[status] ?? 0) + row.count;
  }
  return counts;
}

/** Drops the keys of messages that ended more than `days` ago: contact and text are gone for good, the counts stay. */
export async function eraseOld(db: Kysely<MessagingTables>, days: number): Promise<void> {
  await sql`
    delete from message_key k
    using message m
    where m.id = k.message_id
      and m.accepted_at < now() - make_interval(days => ${days})
      and not exists (select 1 from delivery_queue q where q.message_id = m.id)`.execute(db);
}
