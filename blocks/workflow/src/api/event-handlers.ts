import { applicationOf, type eventsSurface, forbidden } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import type { Json } from '../feel/json.ts';
import { actorOf } from '../history/actor.ts';
import { publishMessage } from '../messages/messages.ts';
import { follow, type WorkflowService } from '../service.ts';

/** Seconds for which an event waits for an instance that listens for it. */
const timeToLive = 86_400;

/**
 * Takes delivery of events for the applications whose processes run here. An event is a message to the application it
 * was delivered to: its type is the name, its subject the correlation key, its data the content.
 */
export const eventHandlers = (service: WorkflowService): Handlers<(typeof eventsSurface)['operations']> => ({
  async receiveEvent({ body: event, caller }) {
    if (event.source !== caller.application)
      throw forbidden('An event is delivered for the application that announced it');
    const { aftermath } = await publishMessage(
      service.db,
      service.engine,
      {
        owner: applicationOf(caller.service),
        messageId: `${event.source} ${event.id}`,
        name: event.type,
        correlationKey: event.subject ?? '',
        payload: (event.data ?? null) as Json,
        timeToLive,
      },
      actorOf(caller, undefined),
    );
    follow(service, aftermath);
    return { status: 204 };
  },
});
