import { CallFailed, type Mediation, type ServiceId } from '@govstack/platform';
import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import type { Attempt, Channel } from './channel.ts';

/** What messaging needs of an SMS gateway. */
export const smsGateway = defineSurface({
  name: 'sms-gateway-v1',
  title: 'SMS gateway, as messaging uses it',
  version: '1.0.0',
  operations: {
    postMessage: defineOperation({
      id: 'postMessage',
      method: 'POST',
      path: '/messages',
      summary: 'Hand over one text message; the reference makes a repeat harmless',
      access: { caller: 'application' },
      headers: Type.Object({ authorization: Type.Optional(Type.String()) }),
      body: Type.Object({ to: Type.String(), text: Type.String(), reference: Type.String() }),
      responses: { 202: Type.Object({ id: Type.String() }) },
    }),
    getMessage: defineOperation({
      id: 'getMessage',
      method: 'GET',
      path: '/messages/{id}',
      summary: 'What became of it',
      access: { caller: 'application' },
      headers: Type.Object({ authorization: Type.Optional(Type.String()) }),
      params: Type.Object({ id: Type.String() }),
      responses: { 200: Type.Object({ status: Type.String() }) },
    }),
  },
});

const failed = (error: unknown): Attempt => {
  if (error instanceof CallFailed && !error.temporary)
    return { kind: 'permanent', code: `sms-${error.status}`, recipient: error.mediatorError === undefined };
  return { kind: 'temporary', code: error instanceof CallFailed ? `sms-${error.status}` : 'sms-no-answer' };
};

/** SMS through a gateway that is a service in the mediator's directory. */
export function smsChannel(mediation: Mediation, service: ServiceId, apiKey: string): Channel {
  const gateway = mediation.client(smsGateway, service);
  const headers = apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` };
  return {
    async send(id, content) {
      try {
        const { body } = await gateway.postMessage({
          headers,
          body: { to: content.to, text: content.body, reference: id },
          timeout: 20_000,
        });
        return { kind: 'accepted', providerReference: body.id };
      } catch (error) {
        return failed(error);
      }
    },
    async fate(_id, providerReference) {
      const { body } = await gateway.getMessage({
        headers,
        params: { id: providerReference },
        timeout: 20_000,
      });
      if (body.status === 'delivered') return { kind: 'delivered' };
      return body.status === 'failed' || body.status === 'undelivered'
        ? { kind: 'permanent', code: 'sms-undelivered', recipient: true }
        : undefined;
    },
  };
}
