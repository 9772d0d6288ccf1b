import { newContext, transaction, withContext } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { Attempt, Channel } from '../channels/channel.ts';
import { addEvent } from '../messages/messages.ts';
import type { ContentVault } from '../messages/vault.ts';
import type { MessagingTables, State } from '../tables.ts';

interface Due {
  message_id: string;
  purpose: 'send' | 'receipt';
  attempts: number;
  channel: 'email' | 'sms';
  sealed: Buffer;
  wrapped_key: Buffer;
  correlation_id: string;
  expired: boolean;
  provider_reference: string | null;
}

const batchSize = 40;
const leaseSeconds = 90;

/** Seconds until the next attempt: growing, with jitter, never beyond a quarter of an hour. */
const backOff = (attempts: number): number => Math.min(900, 2 ** attempts) * (0.75 + Math.random() / 2);

/** Takes due work for this process, emergencies first; what a dead process held comes back after the lease. */
async function lease(db: Kysely<MessagingTables>): Promise<Due[]> {
  const { rows } = await sql<Due>`
    with due as (
      select message_id
      from delivery_queue
      where due_at <= now()
      order by priority, due_at
      limit ${batchSize}
      for update skip locked
    )
    update delivery_queue q
    set attempts = q.attempts + 1, due_at = now() + make_interval(secs => ${leaseSeconds})
    from due, message m, message_key k
    where q.message_id = due.message_id and m.id = due.message_id and k.message_id = due.message_id
    returning q.message_id, q.purpose, q.attempts, m.channel, m.sealed, k.wrapped_key, m.correlation_id,
      m.expires_at <= now() as expired,
      (select provider_reference from message_event e
       where e.message_id = m.id and provider_reference is not null order by id desc limit 1) as provider_reference`.execute(
    db,
  );
  return rows;
}

async function settle(
  db: Kysely<MessagingTables>,
  due: Due,
  state: State,
  next: { purpose: 'send' | 'receipt'; seconds: number } | undefined,
  detail: { code?: string; providerReference?: string } = {},
): Promise<void> {
  await transaction(db, async (trx) => {
    await addEvent(trx, due.message_id, state, detail);
    if (!next) await trx.deleteFrom('delivery_queue').where('message_id', '=', due.message_id).execute();
    else {
      await sql`
        update delivery_queue
        set purpose = ${next.purpose}, due_at = now() + make_interval(secs => ${next.seconds}),
          attempts = case when purpose = ${next.purpose} then attempts else 0 end
        where message_id = ${due.message_id}`.execute(trx);
    }
  });
}

async function apply(db: Kysely<MessagingTables>, due: Due, attempt: Attempt): Promise<void> {
  switch (attempt.kind) {
    case 'delivered':
      return settle(db, due, 'delivered', undefined);
    case 'accepted':
      return settle(
        db,
        due,
        'sent',
        { purpose: 'receipt', seconds: 20 },
        { ...(attempt.providerReference ? { providerReference: attempt.providerReference } : {}) },
      );
    case 'permanent':
      return settle(db, due, 'failed', undefined, { code: attempt.recipient ? 'recipient' : attempt.code });
    case 'temporary':
      return settle(
        db,
        due,
        'errored',
        { purpose: due.purpose, seconds: backOff(due.attempts) },
        { code: attempt.code },
      );
  }
}

async function work(
  db: Kysely<MessagingTables>,
  vault: ContentVault,
  channels: Readonly<Record<string, Channel | undefined>>,
  due: Due,
): Promise<void> {
  if (due.expired) return settle(db, due, 'failed', undefined, { code: 'expired' });
  const channel = channels[due.channel];
  if (!channel)
    return settle(db, due, 'errored', { purpose: due.purpose, seconds: 60 }, { code: 'no-provider' });
  if (due.purpose === 'receipt') {
    const fate =
      due.provider_reference === null
        ? undefined
        : await channel.fate?.(due.message_id, due.provider_reference);
    if (fate) return apply(db, due, fate);
    await sql`
      update delivery_queue set due_at = now() + make_interval(secs => ${backOff(due.attempts + 4)})
      where message_id = ${due.message_id}`.execute(db);
    return;
  }
  await apply(db, due, await channel.send(due.message_id, vault.open(due.sealed, due.wrapped_key)));
}

/** Sends what is due until stopped. */
export function startDelivery(
  db: Kysely<MessagingTables>,
  vault: ContentVault,
  channels: Readonly<Record<string, Channel | undefined>>,
  log: Logger,
): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let wake: (() => void) | undefined;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, ms);
    });
  const loop = async (): Promise<void> => {
    while (!stopped) {
      try {
        const rows = await lease(db);
        await Promise.all(
          rows.map((due) =>
            withContext(newContext({ correlationId: due.correlation_id }), () =>
              work(db, vault, channels, due),
            ).catch((error: unknown) =>
              log.warn({ err: error, message: due.message_id }, 'delivery attempt'),
            ),
          ),
        );
        if (rows.length === 0 && !stopped) await pause(250);
      } catch (error) {
        if (stopped) return;
        log.warn({ err: error }, 'deliveries could not be read');
        await pause(1000);
      }
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      wake?.();
      await running;
    },
  };
}
