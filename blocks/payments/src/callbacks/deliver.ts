import { newContext, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { fetch } from 'undici';
import { openCases } from '../cases/cases.ts';
import type { Payments } from '../payments-context.ts';
import { type Signer, signatureHeader } from './signing.ts';
import type { CallbackTarget } from './target.ts';

interface Due {
  id: string;
  recipient: string;
  kind: string;
  headers: Readonly<Record<string, string>> | null;
  target: CallbackTarget;
  body_cipher: Buffer;
  attempts: number;
  correlation_id: string;
  created_at: string;
}

const givenUpAfterMs = 3 * 86_400_000;
const timeoutMs = 15_000;

/**
 * Takes the next message that is due. Messages to one target go out in order: a later one waits for an earlier one.
 * It is nobody else's for longer than an answer may take, so a slow target gets it once and holds up nobody but itself;
 * a crash repeats a message and never loses it.
 */
async function claim(payments: Payments): Promise<Due | undefined> {
  const { rows } = await sql<Due>`
    update callback c
    set attempts = c.attempts + 1,
        next_at = now() + make_interval(secs => ${(2 * timeoutMs) / 1000})
    where c.id = (
      select w.id
      from callback w
      where w.state = 'waiting'
        and w.next_at <= now()
        and not exists (
          select
          from callback earlier
          where earlier.state = 'waiting'
            and earlier.recipient = w.recipient
            and earlier.target = w.target
            and earlier.id < w.id
        )
      order by w.next_at
      limit 1
      for update skip locked
    )
    returning c.id, c.recipient, c.kind, c.headers, c.target, c.body_cipher, c.attempts, c.correlation_id, c.created_at`.execute(
    payments.db,
  );
  return rows[0];
}

async function send(payments: Payments, signer: Signer, message: Due): Promise<number> {
  const body = payments.vault.open(message.body_cipher, `callback/${message.id}`);
  const headers = { ...message.headers, 'content-type': 'application/json', 'x-callback-id': message.id };
  if (message.target.kind === 'service') {
    const { service, path } = message.target;
    const context = newContext({ correlationId: message.correlation_id });
    const response = await withContext(context, () =>
      payments.ctx.mediation.request({
        service,
        method: 'POST',
        path,
        headers,
        body,
        timeout: timeoutMs,
      }),
    );
    return response.headers['x-road-error'] === undefined ? response.status : 502;
  }
  const response = await fetch(message.target.url, {
    method: 'POST',
    headers: {
      'x-correlationid': message.correlation_id,
      ...headers,
      [signatureHeader]: await signer.sign(body),
    },
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
  await response.body?.cancel();
  return response.status;
}

/** Delivers one message that is due, at least once. Answers whether there was one. */
export async function deliverNext(payments: Payments, signer: () => Promise<Signer>): Promise<boolean> {
  const message = await claim(payments);
  if (!message) return false;
  const status = await send(payments, await signer(), message).catch(() => 0);
  const delivered = status >= 200 && status < 300;
  const dead = status === 410 || Date.now() - Date.parse(message.created_at) > givenUpAfterMs;
  await payments.db
    .updateTable('callback')
    .set({
      state: delivered ? 'delivered' : dead ? 'dead' : 'waiting',
      last_status: status,
      next_at: sql`now() + make_interval(
        secs => least(21600, ${payments.config.callbackDelaySeconds}::float8 * power(3, least(attempts - 1, 12))))`,
      delivered_at: delivered ? payments.ctx.now() : null,
      // A message with voucher numbers is not kept once it has arrived.
      ...(delivered && message.kind === 'voucher-details' ? { body_cipher: Buffer.alloc(0) } : {}),
    })
    .where('id', '=', message.id)
    .execute();
  if (!delivered && dead)
    await openCases(payments.db, [
      {
        kind: 'callback-dead',
        key: message.id,
        detail: `A message to ${message.recipient.replace('/', ' ')} could not be delivered (last status ${status})`,
      },
    ]);
  return true;
}
