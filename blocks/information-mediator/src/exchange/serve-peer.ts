import { applicationOf, memberOf } from '@govstack/platform';
import type { Logger } from 'pino';
import { requestMessage } from '../evidence/message.ts';
import type { SecurityServer } from '../global-configuration/configuration.ts';
import { type RequestEnvelope, signatureFromWire } from '../peers/envelope.ts';
import type { PeerTrust } from '../peers/peer-trust.ts';
import { type AnswerDependencies, type Answered, giveAnswer } from './answer.ts';
import type { Body } from './body.ts';
import { errors, type Refusal } from './errors.ts';
import type { Witnessed } from './evidence.ts';
import { headerValue } from './headers.ts';
import type { ObservedExchange } from './observation.ts';
import { type Obstacle, obstacleAtProvider } from './obstacles.ts';
import { type ExchangeFacts, type ExchangeRequest, faultOf, targetOf } from './request.ts';
import type { Serve } from './serve.ts';

/** Serves a request that another security server brings. A bare refusal: it did not get as far as evidence. */
export type ServePeer = (
  envelope: RequestEnvelope,
  body: Body,
  server: SecurityServer,
  signal: AbortSignal,
) => Promise<Answered | Refusal>;

export interface ServePeerDependencies extends AnswerDependencies {
  readonly serve: Serve;
  readonly trust: PeerTrust;
  /** Why nothing can be exchanged with a service now. */
  readonly obstacle: (service: string) => Obstacle | undefined;
  /** Whether a service's application is registered on this server. */
  readonly serves: (application: string) => boolean;
  readonly known: (service: string) => boolean;
  readonly observe: (exchange: ObservedExchange) => void;
  readonly log: Logger;
}

/** The provider's side on its own server, in the order of IM-9.1-c: certificate, signature, evidence, right, call. */
export function createServePeer(deps: ServePeerDependencies): ServePeer {
  const { evidence, trust, log } = deps;

  /** What is wrong with who asks, or with how it is signed. */
  function faultOfSender(
    { client, headers, messageId, exchangeId }: RequestEnvelope,
    server: SecurityServer,
    asked: Witnessed,
    signerFault: string | undefined,
  ): Refusal | undefined {
    if (signerFault)
      return { kind: 'invalidCertificate', message: `The certificate of the signature is ${signerFault}` };
    const signed =
      headerValue(headers, 'x-road-client') === client &&
      headerValue(headers, 'x-road-id') === messageId &&
      headerValue(headers, 'x-road-request-id') === exchangeId;
    if (!asked.verified || !signed)
      return { kind: 'invalidSignature', message: 'The signature of the request does not hold' };
    return server.clients.includes(client)
      ? undefined
      : { kind: 'accessDenied', message: `${client} is not registered on the server that asks for it` };
  }

  return async (envelope, body, server, signal) => {
    const started = performance.now();
    const requestIn = Date.now();
    const { headers, method, path, client, operator, service } = envelope;
    const request: ExchangeRequest = { client, operator, service, method, path, headers, body, signal };
    const fault = faultOf(request);
    if (fault) return fault;
    const obstacle = deps.obstacle(service);
    if (obstacle) return obstacleAtProvider[obstacle];
    const facts: ExchangeFacts = {
      exchangeId: envelope.exchangeId,
      messageId: envelope.messageId,
      client,
      operator,
      service,
      method,
      path: path.split('?', 1)[0] as string,
      correlationId: envelope.correlationId,
      traceId: envelope.traceId,
    };
    const message = requestMessage(method, targetOf(request), headers, body);
    const signature = signatureFromWire(envelope.signature);
    // Before the check: only keys whose certificates are believed can be looked up.
    const signerFault =
      signature.signer === memberOf(client) ? await trust.signerFault(signature) : 'not the client’s';
    const asked = await evidence.check(message, signature);
    await evidence.record(asked, facts, { kind: 'request' });
    const refusal = faultOfSender(envelope, server, asked, signerFault);
    if (refusal)
      log.warn(
        { security: refusal.kind, server: server.id, client, exchangeId: facts.exchangeId },
        'refused',
      );
    const requestOut = Date.now();
    const outcome =
      refusal || !deps.serves(applicationOf(service))
        ? {
            refusal: refusal ?? {
              kind: 'unknownMember' as const,
              message: 'The application is not served here',
            },
          }
        : await deps.serve(request, facts, headers, undefined);
    const responseIn = Date.now();
    const answered = await giveAnswer(
      deps,
      { facts, hash: asked.hash, accept: headerValue(headers, 'accept'), started },
      outcome,
    );
    const refused = outcome.refusal;
    deps.observe({
      ...facts,
      side: 'producer',
      known: deps.known(service),
      userId: headerValue(headers, 'x-road-userid'),
      issue: headerValue(headers, 'x-road-issue'),
      representedParty: headerValue(headers, 'x-road-represented-party'),
      peer: server.id,
      requestIn,
      requestOut: refused ? undefined : requestOut,
      responseIn: refused ? undefined : responseIn,
      responseOut: Date.now(),
      requestSize: body.size,
      responseSize: answered.response.body.size,
      status: answered.response.status,
      fault: refused && { type: errors[refused.kind].type, message: refused.message },
    });
    return answered;
  };
}
