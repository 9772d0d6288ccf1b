import { type Kysely, sql, type Transaction } from 'kysely';
import type { Static, TSchema } from 'typebox';
import {
  currentContext,
  newContext,
  validCorrelationId,
  validTraceparent,
  withContext,
} from '../context/request-context.ts';
import { transaction } from '../database/index.ts';
import { defineOperation } from '../operation/operation.ts';
import { Problem } from '../operation/problem.ts';
import { defineSurface, type ImplementedSurface, implement } from '../operation/surface.ts';
import { compileValidator } from '../operation/validate.ts';
import { CloudEvent, type EventSpec } from './cloud-event.ts';

/** Reacts to one kind of fact. Runs in the transaction that records the event as heard: once per event. */
export interface EventHandler<T extends TSchema = TSchema> {
  readonly event: EventSpec<T>;
  readonly handle: (
    trx: Transaction<unknown>,
    event: CloudEvent & { readonly data: Static<T> },
  ) => Promise<void>;
}

/** Types a handler by its event. */
export const hear = <T extends TSchema>(
  event: EventSpec<T>,
  handle: EventHandler<T>['handle'],
): EventHandler => ({ event, handle }) as unknown as EventHandler;

const receiveEvent = defineOperation({
  id: 'receiveEvent',
  method: 'POST',
  path: '/events',
  summary: 'Take delivery of an event; a repeated delivery is acknowledged and ignored',
  requirements: ['CFR-ARC-14', 'CFR-ARC-19'],
  access: { caller: 'application' },
  body: CloudEvent,
  responses: { 204: null },
});

/** The operation through which the mediator delivers events to an application. */
export const eventsSurface = defineSurface({
  name: 'events-v1',
  title: 'Event delivery',
  version: '1.0.0',
  operations: { receiveEvent },
});

/** Whoever delivers it and however often: what an event causes belongs to the action that caused the event. */
function withContextOf<T>(event: CloudEvent, work: () => T): T {
  const { correlationid: correlationId, traceparent } = event;
  return withContext(
    newContext({
      ...currentContext(),
      ...(validCorrelationId(correlationId) ? { correlationId } : {}),
      ...(validTraceparent(traceparent) ? { traceparent } : {}),
    }),
    work,
  );
}

/** Serves event delivery: validates the payload against the published schema, deduplicates, hands to the handlers. */
export function implementEvents(db: Kysely<unknown>, handlers: readonly EventHandler[]): ImplementedSurface {
  const byType = new Map<string, EventHandler[]>();
  for (const handler of handlers) {
    byType.set(handler.event.type, [...(byType.get(handler.event.type) ?? []), handler]);
  }
  const validators = new Map(
    handlers.map((handler) => [handler.event.type, compileValidator(handler.event.data, 'body', false)]),
  );
  return implement(eventsSurface, {
    async receiveEvent({ body: event }) {
      const interested = byType.get(event.type);
      if (!interested) throw new Problem(404, `Events of type ${event.type} are not heard here`);
      const errors = validators.get(event.type)?.(event.data);
      if (errors) throw new Problem(400, 'The event does not match its published schema', { errors });
      const take = async (trx: Transaction<unknown>): Promise<void> => {
        const fresh = await sql`
          insert into platform.inbox (source, event_id, event_type)
          values (${event.source}, ${event.id}, ${event.type})
          on conflict on constraint inbox_pkey do nothing`.execute(trx);
        if (fresh.numAffectedRows !== 1n) return;
        for (const handler of interested) await handler.handle(trx, event as never);
      };
      await withContextOf(event, () => transaction(db, take));
      return { status: 204 };
    },
  });
}
