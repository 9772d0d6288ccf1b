import { timingSafeEqual } from 'node:crypto';
import { Type } from 'typebox';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { type Operation, operation, Refusal } from '../http/operation.ts';
import type { SmsFaults } from './faults.ts';
import type { SmsGateway, TextMessage } from './gateway.ts';

const Message = Type.Object(
  {
    id: Type.String(),
    to: Type.String(),
    text: Type.String(),
    reference: Type.String(),
    segments: Type.Integer({ description: 'Text messages it was sent as' }),
    acceptedAt: Type.String({ format: 'date-time' }),
    status: Type.Union([Type.Literal('accepted'), Type.Literal('delivered'), Type.Literal('failed')]),
    code: Type.Optional(Type.String({ description: 'Why it failed' })),
    statusAt: Type.Optional(Type.String({ format: 'date-time' })),
  },
  { title: 'Message' },
);

const Authorization = Type.Object({ authorization: Type.Optional(Type.String()) });

/** What the gateway offers to organisations that send text messages, and to those who want to see a telephone. */
export function smsOperations(
  gateway: SmsGateway,
  faults: FaultSwitch<SmsFaults>,
  apiKey: string,
): Operation[] {
  const expected = Buffer.from(`Bearer ${apiKey}`);
  const authenticate = (header: string | string[] | undefined): void => {
    const shown = Buffer.from(typeof header === 'string' ? header : '');
    if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) {
      throw new Refusal(401, 'A valid key is required', { headers: { 'www-authenticate': 'Bearer' } });
    }
  };
  return [
    operation({
      id: 'postMessage',
      method: 'POST',
      path: '/messages',
      summary: 'Hand over one text message',
      description:
        'The reference makes a repeat harmless. Its fate is posted to the callback address as {eventId, id, reference, status, code?, at}, with a detached JWS over the body in X-JWS-Signature.',
      secured: true,
      headers: Authorization,
      body: Type.Object({
        to: Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$', description: 'E.164' }),
        text: Type.String({ minLength: 1, maxLength: 2_000 }),
        reference: Type.String({ minLength: 1, maxLength: 100 }),
      }),
      responses: { 202: Type.Object({ id: Type.String(), segments: Type.Integer() }) },
      handle: async ({ body, headers }) => {
        authenticate(headers.authorization);
        const { id, segments, reference } = gateway.accept(body);
        await gateway.durable();
        const { timeout } = faults.current();
        if (timeout && faults.strikesAgain(timeout, 'timeout', reference)) return { hangMs: timeout.holdMs };
        return { status: 202, body: { id, segments } };
      },
    }),
    operation({
      id: 'getMessage',
      method: 'GET',
      path: '/messages/{id}',
      summary: 'What became of a message',
      secured: true,
      headers: Authorization,
      params: Type.Object({ id: Type.String({ maxLength: 100 }) }),
      responses: { 200: Message },
      handle: async ({ params, headers }) => {
        authenticate(headers.authorization);
        const message = gateway.message(params.id);
        if (!message) throw new Refusal(404, 'There is no such message');
        return { status: 200, body: message };
      },
    }),
    operation({
      id: 'listMessages',
      method: 'GET',
      path: '/messages',
      summary: 'What a telephone received, newest first',
      description: 'For those who play the owner of the telephone. A real gateway has no such operation.',
      query: Type.Object({
        to: Type.Optional(Type.String({ maxLength: 20 })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
      }),
      responses: { 200: Type.Object({ messages: Type.Array(Message) }) },
      handle: async ({ query: { to, limit = 100 } }) => {
        // A plus sign that was not encoded arrives as a blank.
        const messages: TextMessage[] = gateway.messages(to?.replace(/^ /, '+'), limit);
        return { status: 200, body: { messages } };
      },
    }),
  ];
}
