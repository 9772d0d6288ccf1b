import { checkedConnections, newContext, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { type Dispatcher, fetch } from 'undici';
import { openCases } from '../cases/cases.ts';
import type { Payments } from '../payments-context.ts';
import { currentSigner, signatureHeader } from './signing.ts';
import { type CallbackTarget, isAllowed } from './target.ts';
import { type CallbackTraffic, createCallbackTraffic } from './traffic.ts';

interface Due {
  id: string;
  /** `source/`, `biller/` or `payer/` and its id. */
  recipient: string;
  kind: string;
  headers: Readonly<Record<string, string>> | null;
  target: CallbackTarget;
  body_cipher: Buffer;
  attempts: number;
  correlation_id: string;
  /** Since when it is tried: since it was made, or is sent again. */
  since: string;
  again: boolean;
}

const givenUpAfterMs = 3 * 86_400_000;
/** A target that the treasury has taken off: nobody is to be told there any more. */
const noLongerAllowed = 410;

/**
 * Takes the next message that is due. Messages to one target go out in order: a later one waits for an earlier one.
 * It is nobody else's for longer than an answer may take, so a slow target gets it once and holds up nobody but itself;
 * a crash repeats a message and never loses it.
 */
async function claim(payments: Payments, traffic: CallbackTraffic): Promise<Due | undefined> {
  const { rows } = await sql<Due>`
    update callback c
    set attempts = c.attempts + 1,
        next_at = now() + make_interval(secs => ${2 * payments.config.callbackTimeoutSeconds})
    where c.id = (
      select w.id
      from callback w
      where w.state = 'waiting'
        and w.next_at <= now()
        and w.recipient <> all (${traffic.full()}::text[])
        and not exists (
          select
          from callback earlier
          where earlier.state = 'waiting'
            and earlier.recipient = w.recipient
            and earlier.target - 'service' = w.target - 'service'
            and earlier.id < w.id
        )
      order by w.next_at
      limit 1
      for update skip locked
    )
    returning c.id, c.recipient, c.kind, c.headers, c.target, c.body_cipher, c.attempts, c.correlation_id,
      coalesce(c.resent_at, c.created_at) as since, c.resent_at is not null as again`.execute(payments.db);
  return rows[0];
}

const headersOf = (message: Due) => ({
  ...message.headers,
  'content-type': 'application/json',
  'x-callback-id': message.id,
});

/** Where a recipient is registered to be told through the mediator at this moment. */
async function serviceOf(payments: Payments, recipient: string): Promise<string | undefined> {
  const cut = recipient.indexOf('/');
  const [kind, id] = [recipient.slice(0, cut), recipient.slice(cut + 1)];
  const { rows } = await sql<{ service: string | null }>`
    select callback_service as service from source_system where ${kind} = 'source' and id = ${id}
    union all
    select service from biller where ${kind} = 'biller' and id = ${id}
    union all
    select service from payer_institution where ${kind} = 'payer' and id = ${id}`.execute(payments.db);
  return rows[0]?.service ?? undefined;
}

/** A message to one of the recipient's own operations, through the mediator: where it is registered now. */
async function throughMediator(
  payments: Payments,
  message: Due,
  target: CallbackTarget & { kind: 'service' },
  body: string,
): Promise<number> {
  const service = await serviceOf(payments, message.recipient);
  if (service === undefined) return noLongerAllowed;
  const context = newContext({ correlationId: message.correlation_id });
  const response = await withContext(context, () =>
    payments.ctx.mediation.request({
      service,
      method: 'POST',
      path: target.path,
      headers: headersOf(message),
      body,
      timeout: payments.config.callbackTimeoutSeconds * 1000,
    }),
  );
  return response.headers['x-road-error'] === undefined ? response.status : 502;
}

/** A message to an allowed address: signed, not led elsewhere, and whatever comes back is not read. */
async function toAddress(
  payments: Payments,
  connections: Dispatcher,
  message: Due,
  target: CallbackTarget & { kind: 'url' },
  body: string,
): Promise<number> {
  // Only sources have addresses outside the mediator.
  const source = await payments.db
    .selectFrom('source_system')
    .select(['id', 'callback_urls'])
    .where(sql`'source/' || id`, '=', message.recipient)
    .executeTakeFirst();
  if (!source || !isAllowed(source.callback_urls, target.url)) return noLongerAllowed;
  const signer = await currentSigner(payments);
  const signature = await signer.sign(body, {
    id: message.id,
    attempt: message.attempts,
    audience: source.id,
    at: payments.ctx.now(),
  });
  const response = await fetch(target.url, {
    method: 'POST',
    headers: {
      'x-correlationid': message.correlation_id,
      ...headersOf(message),
      [signatureHeader]: signature,
    },
    body,
    redirect: 'manual',
    dispatcher: connections,
    signal: AbortSignal.timeout(payments.config.callbackTimeoutSeconds * 1000),
  });
  await response.body?.cancel();
  return response.status;
}

const send = async (payments: Payments, connections: Dispatcher, message: Due): Promise<number> => {
  const body = payments.vault.open(message.body_cipher, `callback/${message.id}`);
  const { target } = message;
  return target.kind === 'service'
    ? throughMediator(payments, message, target, body)
    : toAddress(payments, connections, message, target, body);
};

async function settle(payments: Payments, message: Due, status: number): Promise<void> {
  const delivered = status >= 200 && status < 300;
  const dead = status === 410 || Date.now() - Date.parse(message.since) > givenUpAfterMs;
  await payments.db
    .updateTable('callback')
    .set({
      state: delivered ? 'delivered' : dead ? 'dead' : 'waiting',
      last_status: status,
      next_at: sql`now() + make_interval(
        secs => least(21600, ${payments.config.callbackDelaySeconds}::float8 * power(3, least(attempts - 1, 12))))`,
      delivered_at: delivered ? payments.ctx.now() : null,
      // A message with voucher numbers is not kept once it has arrived, or never will.
      ...((delivered || dead) && message.kind === 'voucher-details' ? { body_cipher: Buffer.alloc(0) } : {}),
    })
    .where('id', '=', message.id)
    .execute();
  if (!delivered && dead)
    await openCases(payments.db, [
      {
        kind: 'callback-dead',
        // One that is sent again and not taken again is for a person again.
        key: message.again ? `${message.id}/${message.since}` : message.id,
        detail: `A message to ${message.recipient.replace('/', ' ')} could not be delivered (last status ${status})`,
      },
    ]);
}

export interface Delivery {
  /** Delivers one message that is due, at least once. Answers whether there was one. */
  next(): Promise<boolean>;
  stop(): Promise<void>;
}

/** Brings messages to their recipients. One that is down, slow or led astray holds up its own messages only. */
export function createDelivery(payments: Payments): Delivery {
  const connections = checkedConnections({
    networks: payments.config.callbackNetworks,
    // The treasury may register an address of this machine as such.
    localByName: true,
  });
  const traffic = createCallbackTraffic(payments.config.callbackWorkers);
  return {
    async next() {
      const message = await claim(payments, traffic);
      if (!message) return false;
      await traffic.during(message.recipient, async () => {
        const status = await send(payments, connections, message).catch((error: unknown) => {
          payments.ctx.log.debug({ err: error, callback: message.id }, 'a message was not delivered');
          return 0;
        });
        await settle(payments, message, status);
      });
      return true;
    },
    stop: () => connections.destroy(),
  };
}
