import { isDeepStrictEqual } from 'node:util';
import { Problem, transaction } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { Json } from '../feel/json.ts';
import { cannotBeStored } from '../feel/json.ts';
import { type Actor, engineActor } from '../history/actor.ts';
import { type Aftermath, applyEvents, type Engine } from '../instances/apply.ts';
import { lockInstances } from '../instances/load.ts';
import { isOutage } from '../jobs/completions.ts';
import { startByMessage } from '../starts/message-start.ts';
import type { WorkflowTables } from '../tables.ts';
import { takeWaitingMessages } from './match.ts';

export interface IncomingMessage {
  readonly owner: string;
  readonly messageId: string;
  readonly name: string;
  readonly correlationKey: string;
  readonly payload: Json;
  /** Seconds it waits for an instance that is not there yet. */
  readonly timeToLive: number;
}

/** Stores a message, once per message id. Throws 422 when the id was used for another message. */
async function keep(db: Kysely<WorkflowTables>, engine: Engine, message: IncomingMessage): Promise<void> {
  if (cannotBeStored(message.payload)) {
    throw new Problem(400, 'The payload contains characters that cannot be stored');
  }
  const now = engine.now();
  await db
    .insertInto('message')
    .values({
      id: engine.newId(),
      owner: message.owner,
      message_id: message.messageId,
      name: message.name,
      correlation_key: message.correlationKey,
      payload: JSON.stringify(message.payload),
      received_at: now.toISOString(),
      expires_at: new Date(now.getTime() + message.timeToLive * 1000).toISOString(),
      delivered_to: null,
    })
    .onConflict((on) => on.constraint('message_once_key').doNothing())
    .execute();
  const kept = await db
    .selectFrom('message')
    .select(['name', 'correlation_key', 'payload'])
    .where('owner', '=', message.owner)
    .where('message_id', '=', message.messageId)
    .executeTakeFirst();
  const same =
    kept?.name === message.name &&
    kept.correlation_key === message.correlationKey &&
    isDeepStrictEqual(kept.payload, message.payload);
  if (kept && !same) throw new Problem(422, 'This message id was used before with other content');
}

/** Delivers waiting messages to the instance behind a subscription, if both still wait. */
async function deliver(
  db: Kysely<WorkflowTables>,
  engine: Engine,
  subscription: { readonly id: string; readonly instance_id: string },
  actor: Actor,
): Promise<Aftermath | undefined> {
  return transaction(db, async (trx) => {
    const locked = await lockInstances(trx, [subscription.instance_id]);
    if (locked.get(subscription.instance_id)?.row.suspended_at) return undefined;
    const now = engine.now().toISOString();
    const [delivery] = await takeWaitingMessages(trx, [subscription.id], now);
    if (!delivery) return undefined;
    return applyEvents(trx, engine, [
      {
        instanceId: delivery.instanceId,
        event: {
          type: 'triggered',
          subscriptionId: delivery.subscriptionId,
          payload: delivery.payload,
        },
        actor,
        depth: delivery.depth,
      },
    ]);
  });
}

export interface Published {
  /** Instance it was delivered to. */
  readonly instanceId: string | undefined;
  /** Until when it waits for one. */
  readonly expires: string | null;
  readonly aftermath: Aftermath | undefined;
}

/**
 * Takes a message in. It goes to the instance that has waited longest for its name and key, or starts the process that
 * begins with it, or waits until its time to live is over. The same message id again changes nothing.
 */
export async function publishMessage(
  db: Kysely<WorkflowTables>,
  engine: Engine,
  message: IncomingMessage,
  actor: Actor,
): Promise<Published> {
  await keep(db, engine, message);
  const subscription = await db
    .selectFrom('subscription')
    .select(['id', 'instance_id'])
    .where('owner', '=', message.owner)
    .where('message_name', '=', message.name)
    .where('correlation_key', '=', message.correlationKey)
    .orderBy('id')
    .executeTakeFirst();
  const aftermath = subscription
    ? await deliver(db, engine, subscription, actor)
    : await startByMessage(db, engine, message, actor);
  const kept = await db
    .selectFrom('message')
    .select(['delivered_to', 'expires_at'])
    .where('owner', '=', message.owner)
    .where('message_id', '=', message.messageId)
    .executeTakeFirst();
  return { instanceId: kept?.delivered_to ?? undefined, expires: kept?.expires_at ?? null, aftermath };
}

/**
 * Brings together messages and subscriptions that were written at the same moment, each without seeing the other,
 * delivers those that processes have sent, starts processes with messages that came before them, and forgets messages
 * whose time is over. Answers whether there may be more.
 */
export async function tidyMessages(
  db: Kysely<WorkflowTables>,
  engine: Engine,
  after: (aftermath: Aftermath) => void,
  log: Logger,
): Promise<boolean> {
  const now = engine.now().toISOString();
  let delivered = false;
  /** One that cannot be delivered stands in nobody's way. */
  const each = async (delivery: Promise<Aftermath | undefined>): Promise<void> => {
    try {
      const aftermath = await delivery;
      delivered ||= aftermath !== undefined;
      if (aftermath) after(aftermath);
    } catch (error) {
      if (isOutage(error)) throw error;
      log.error({ err: error }, 'a message could not be delivered');
    }
  };
  const missed = await sql<{ id: string; instance_id: string }>`
    select distinct on (message.id) subscription.id, subscription.instance_id
    from message
    join subscription
      on subscription.owner = message.owner
      and subscription.message_name = message.name
      and subscription.correlation_key = message.correlation_key
    join instance on instance.id = subscription.instance_id
    where message.delivered_to is null
      and message.expires_at > ${now}
      and instance.suspended_at is null
    order by message.id, subscription.id
    limit 100`.execute(db);
  for (const subscription of missed.rows) {
    await each(deliver(db, engine, subscription, engineActor(engine.application)));
  }
  const beginning = await sql<{ owner: string; message_id: string }>`
    select message.owner, message.message_id
    from message
    join message_start
      on message_start.owner = message.owner
      and message_start.message_name = message.name
    where message.delivered_to is null
      and message.expires_at > ${now}
      and not exists (
        select 1
        from subscription
        where subscription.owner = message.owner
          and subscription.message_name = message.name
          and subscription.correlation_key = message.correlation_key
      )
    order by message.received_at
    limit 100`.execute(db);
  for (const { owner, message_id: messageId } of beginning.rows) {
    await each(startByMessage(db, engine, { owner, messageId }, engineActor(engine.application)));
  }
  await db.deleteFrom('message').where('expires_at', '<', now).execute();
  return delivered && missed.rows.length + beginning.rows.length >= 100;
}
