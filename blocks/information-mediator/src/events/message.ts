import { createHmac } from 'node:crypto';
import type { HeaderList } from '../exchange/headers.ts';
import type { Due } from './due.ts';

interface Context {
  readonly correlationId: string;
  readonly traceparent: string;
}

/** Ties a sealed secret to its subscription. */
export const secretContext = (room: string, eventType: string, subscriber: string): string =>
  `${room} ${eventType} ${subscriber}`;

/** The exchange by which an event reaches its subscriber. */
export function messageOf(
  due: Due,
  context: Context,
  secretOf: (sealed: Buffer, context: string) => Buffer,
): { readonly service: string; readonly path: string; readonly headers: HeaderList; readonly body: Buffer } {
  const body = Buffer.from(JSON.stringify(due.document));
  const common: [string, string][] = [
    ['Content-Type', 'application/json'],
    ['X-Correlation-Id', context.correlationId],
    ['Traceparent', context.traceparent],
  ];
  // Blocks announce CloudEvents, and take them at a surface of their own.
  if (due.publisher === null)
    return { service: `${due.subscriber}/events-v1`, path: '/events', headers: common, body };
  const timestamp = Math.floor(Date.now() / 1000).toString();
  const headers: [string, string][] = [
    ...common,
    ['X-GovStack-Room', due.source],
    ['X-GovStack-Event-Type', due.event_type],
    ['X-GovStack-Publisher', due.publisher],
    ['X-GovStack-Sequence', due.sequence ?? ''],
    ['Webhook-Id', due.event_id],
    ['Webhook-Timestamp', timestamp],
    ...(due.secret
      ? [
          [
            'Webhook-Signature',
            signatureOf(
              secretOf(due.secret, secretContext(due.source, due.event_type, due.subscriber)),
              due.event_id,
              timestamp,
              body,
            ),
          ] as [string, string],
        ]
      : []),
  ];
  return { service: due.endpoint ?? `${due.subscriber}/${due.event_type}`, path: '/', headers, body };
}

/** As Standard Webhooks has it: `v1,` and HMAC-SHA256 over id, time and body, base64. */
export const signatureOf = (secret: Buffer, id: string, timestamp: string, body: Buffer): string =>
  `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
