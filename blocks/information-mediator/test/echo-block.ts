import { announce, defineBlock, hear, implement } from '@govstack/platform';
import { defineEvent, defineOperation, defineSurface, Type } from '@govstack/platform/operation';

export const rang = defineEvent({
  type: 'echo.rang.v1',
  summary: 'Somebody rang',
  data: Type.Object({ id: Type.String() }),
});

const answer = Type.Object({
  text: Type.String(),
  caller: Type.String(),
  operator: Type.String(),
  correlation: Type.String(),
});

/** A provider and consumer for the tests of the mediator. */
export const echo = defineSurface({
  name: 'echo-v1',
  title: 'Echo',
  version: '1.0.0',
  operations: {
    say: defineOperation({
      id: 'say',
      method: 'POST',
      path: '/say/{what}',
      summary: 'Say it back',
      access: { caller: 'application' },
      params: Type.Object({ what: Type.String() }),
      headers: Type.Object({ 'x-correlation-id': Type.Optional(Type.String()) }),
      body: Type.Object({ text: Type.String() }),
      responses: { 200: answer },
    }),
    wait: defineOperation({
      id: 'wait',
      method: 'GET',
      path: '/wait',
      summary: 'Never answer until the caller gives up',
      access: { caller: 'application' },
      responses: { 204: null },
    }),
    ring: defineOperation({
      id: 'ring',
      method: 'POST',
      path: '/ring',
      summary: 'Announce a fact',
      access: { caller: 'application' },
      body: Type.Object({ id: Type.String() }),
      responses: { 204: null },
    }),
  },
});

export interface EchoRecord {
  said: string[];
  heard: string[];
  aborted: number;
  failDeliveries: number;
}

export const createEcho = (record: EchoRecord) =>
  defineBlock({
    name: 'echo',
    title: 'Echo',
    version: '0.1.0',
    surfaces: [echo],
    config: Type.Object({}),
    emits: [rang],
    hears: [rang.type],
    async start(ctx) {
      const db = ctx.database<object>();
      return {
        hears: [
          hear(rang, async (_trx, event) => {
            if (record.failDeliveries > 0) {
              record.failDeliveries -= 1;
              throw new Error('not now');
            }
            record.heard.push(event.data.id);
          }),
        ],
        surfaces: [
          implement(echo, {
            async say({ params, body, caller, headers }) {
              record.said.push(params.what);
              return {
                status: 200,
                body: {
                  text: body.text,
                  caller: caller.application,
                  operator: caller.operator ?? '',
                  correlation: headers['x-correlation-id'] ?? '',
                },
              };
            },
            async wait({ signal }) {
              await new Promise<void>((resolve) =>
                signal.addEventListener('abort', () => resolve(), { once: true }),
              );
              record.aborted += 1;
              return { status: 204 };
            },
            async ring({ body }) {
              await db
                .transaction()
                .execute((trx) => announce(trx, rang, { subject: body.id, data: { id: body.id } }));
              return { status: 204 };
            },
          }),
        ],
      };
    },
  });
