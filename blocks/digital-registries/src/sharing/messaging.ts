import type { Mediation } from '@govstack/platform';
import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

/** What sharing needs of a messaging block: one e-mail. */
const messaging = defineSurface({
  name: 'messaging-v1',
  title: 'Messaging, as registries use it',
  version: '1.0.0',
  operations: {
    sendMessage: defineOperation({
      id: 'sendMessage',
      method: 'POST',
      path: '/messages',
      summary: 'Accept one message for delivery',
      access: { caller: 'application' },
      idempotent: true,
      body: Type.Object({
        channel: Type.Literal('email'),
        to: Type.String(),
        subject: Type.String(),
        body: Type.String(),
        reference: Type.String(),
      }),
      responses: { 202: Type.Object({ id: Type.String() }) },
    }),
  },
});

/** Sends a link to an address; the record itself stays here. */
export type SendLink = (to: string, link: { id: string; url: string; expiresAt: Date }) => Promise<void>;

export function linkSender(mediation: Mediation, service: string): SendLink {
  const client = mediation.client(messaging, service);
  return async (to, { id, url, expiresAt }) => {
    await client.sendMessage({
      body: {
        channel: 'email',
        to,
        subject: 'A record was shared with you',
        body: `A record was shared with you. Until ${expiresAt.toISOString()} you find it here:\n\n${url}\n`,
        reference: `share-link/${id}`,
      },
      idempotencyKey: `share-link/${id}`,
      personToken: null,
    });
  };
}
