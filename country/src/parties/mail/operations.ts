import { Type } from 'typebox';
import { type Operation, operation, Refusal } from '../http/operation.ts';
import type { Mailbox } from './mailbox.ts';

const summary = {
  id: Type.String(),
  at: Type.String({ format: 'date-time' }),
  from: Type.String(),
  to: Type.Array(Type.String()),
  subject: Type.String(),
};

/** Reads what was received, for those who play the owner of a mailbox. */
export function mailOperations(mailbox: Mailbox): Operation[] {
  return [
    operation({
      id: 'listMessages',
      method: 'GET',
      path: '/messages',
      summary: 'Messages received, newest first',
      query: Type.Object({
        to: Type.Optional(Type.String({ maxLength: 254, description: 'Address of the envelope' })),
        before: Type.Optional(Type.String({ maxLength: 100, description: 'Last id of the page before' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
      }),
      responses: { 200: Type.Object({ messages: Type.Array(Type.Object(summary)) }) },
      handle: async ({ query: { limit = 100, ...filter } }) => ({
        status: 200,
        body: { messages: mailbox.list({ ...filter, limit }) },
      }),
    }),
    operation({
      id: 'getMessage',
      method: 'GET',
      path: '/messages/{id}',
      summary: 'One message with its content',
      params: Type.Object({ id: Type.String({ maxLength: 100 }) }),
      responses: {
        200: Type.Object({
          ...summary,
          messageId: Type.Optional(Type.String()),
          language: Type.Optional(Type.String()),
          text: Type.Optional(Type.String()),
          html: Type.Optional(Type.String()),
          attachments: Type.Array(
            Type.Object({
              filename: Type.Optional(Type.String()),
              contentType: Type.String(),
              size: Type.Integer(),
            }),
          ),
        }),
      },
      handle: async ({ params }) => {
        const mail = await mailbox.read(params.id);
        if (!mail) throw new Refusal(404, 'There is no such message');
        return { status: 200, body: mail };
      },
    }),
  ];
}
