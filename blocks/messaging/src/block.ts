import {
  compileValidator,
  defineBlock,
  forbidden,
  implement,
  notFound,
  once,
  type ProblemDetail,
  transaction,
} from '@govstack/platform';
import { Type } from '@govstack/platform/operation';
import { sql } from 'kysely';
import { messagingApi, messagingReceipts } from './api/operations.ts';
import type { Channel } from './channels/channel.ts';
import { emailChannel } from './channels/email.ts';
import { smsChannel } from './channels/sms.ts';
import { startDelivery } from './delivery/worker.ts';
import {
  acceptMessage,
  acceptMessages,
  addEvent,
  eraseOld,
  listMessages,
  type MessageInput,
  readMessage,
  statusCounts,
} from './messages/messages.ts';
import { createContentVault } from './messages/vault.ts';
import type { MessagingTables } from './tables.ts';
import { putTemplate } from './templates/templates.ts';

const config = Type.Object({
  /** SMTP server, smtp://host:port; empty: e-mails wait. */
  smtpUrl: Type.String({ default: '' }),
  from: Type.String({ default: 'Government <no-reply@government.example>' }),
  /** Service id of the SMS gateway in the mediator's directory; empty: text messages wait. */
  smsService: Type.String({ default: '' }),
  smsApiKey: Type.String({ default: '' }),
  /** Days after which contact and text of an ended message are erased. */
  retentionDays: Type.Integer({ default: 90, minimum: 1, maximum: 3650 }),
});

const validMessage = compileValidator(messagingApi.operations.sendMessage.body, 'body', false);

/** Messages to people: accepted, sent by e-mail or SMS, followed until their fate is known. */
export const messaging = defineBlock({
  name: 'messaging',
  title: 'Messaging',
  version: '0.1.0',
  surfaces: [messagingApi, messagingReceipts],
  config,
  migrations: new URL('../migrations/', import.meta.url),
  async start(ctx) {
    const db = ctx.database<MessagingTables>();
    const vault = createContentVault(ctx.secret('contents'));
    const { smtpUrl, from, smsService, smsApiKey } = ctx.config;
    const channels: Record<string, Channel | undefined> = {
      email: smtpUrl === '' ? undefined : emailChannel({ url: smtpUrl, from }),
      sms: smsService === '' ? undefined : smsChannel(ctx.mediation, smsService, smsApiKey),
    };
    let delivery: { stop(): Promise<void> } | undefined;
    return {
      jobs: [
        {
          name: 'erase-old-contents',
          schedule: { cron: '20 3 * * *', timeZone: 'UTC' },
          handle: () => eraseOld(db, ctx.config.retentionDays),
        },
      ],
      surfaces: [
        implement(messagingApi, {
          sendMessage: ({ body, caller, idempotencyKey }) =>
            once(
              db,
              { scope: `${caller.application}/sendMessage`, key: idempotencyKey, request: body },
              async (trx) => ({
                status: 202,
                body: { id: await acceptMessage(trx, vault, caller.application, body), state: 'queued' },
              }),
            ),
          sendBatch: ({ body, caller, idempotencyKey }) =>
            once(
              db,
              { scope: `${caller.application}/sendBatch`, key: idempotencyKey, request: body },
              async (trx) => {
                const accepted: { id: string; state: string }[] = [];
                const refused: { index: number; errors: { pointer: string; detail: string }[] }[] = [];
                const refuse = (index: number, errors: readonly ProblemDetail[] = []): void => {
                  refused.push({
                    index,
                    errors: errors.map(({ pointer, detail }) => ({ pointer, detail })),
                  });
                };
                const wellFormed: { index: number; input: MessageInput }[] = [];
                for (const [index, entry] of body.messages.entries()) {
                  const defects = validMessage(entry);
                  if (defects) refuse(index, defects);
                  else wellFormed.push({ index, input: entry as MessageInput });
                }
                const answers = await acceptMessages(
                  trx,
                  vault,
                  caller.application,
                  wellFormed.map(({ input }) => input),
                );
                for (const [position, { index }] of wellFormed.entries()) {
                  const answer = answers[position];
                  if (typeof answer === 'string') accepted.push({ id: answer, state: 'queued' });
                  else refuse(index, answer?.errors);
                }
                refused.sort((left, right) => left.index - right.index);
                return { status: 202, body: { accepted, refused } };
              },
            ),
          readMessage: async ({ params, caller }) => ({
            status: 200,
            body: await readMessage(db, caller.application, params.id),
          }),
          listMessages: async ({ query, caller }) => ({
            status: 200,
            body: {
              messages: await listMessages(db, vault, caller.application, query.reference, query.limit ?? 50),
            },
          }),
          putTemplate: ({ params, body, caller }) =>
            transaction(db, async (trx) => ({
              status: 200,
              body: {
                code: params.code,
                version: await putTemplate(trx, caller.application, params.code, body),
              },
            })),
          readStatusCounts: async ({ caller }) => ({
            status: 200,
            body: await statusCounts(db, caller.application),
          }),
        }),
        implement(messagingReceipts, {
          receiveReceipt: async ({ body, caller }) => {
            if (caller.application !== smsService.split('/').slice(0, 4).join('/'))
              throw forbidden('Only the configured gateway reports receipts');
            await transaction(db, async (trx) => {
              const queued = await sql`
                select 1 from delivery_queue where message_id = ${body.reference} and purpose = 'receipt' for update`.execute(
                trx,
              );
              if (queued.rows.length === 0) {
                const known = await trx
                  .selectFrom('message')
                  .select('id')
                  .where('id', '=', body.reference)
                  .executeTakeFirst();
                if (!known) throw notFound('Message');
                return; // Its fate is known already.
              }
              const delivered = body.status === 'delivered';
              await addEvent(
                trx,
                body.reference,
                delivered ? 'delivered' : 'failed',
                delivered ? {} : { code: 'recipient' },
              );
              await trx.deleteFrom('delivery_queue').where('message_id', '=', body.reference).execute();
            });
            return { status: 200, body: {} };
          },
        }),
      ],
      async ready() {
        delivery = startDelivery(db, vault, channels, ctx.log);
      },
      async stop() {
        await delivery?.stop();
        for (const channel of Object.values(channels)) channel?.close?.();
      },
    };
  },
});
