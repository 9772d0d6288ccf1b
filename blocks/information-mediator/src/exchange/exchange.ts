import { applicationOf, memberOf } from '@govstack/platform';
import type { Logger } from 'pino';
import type { Directory } from '../directory/directory.ts';
import { requestMessage, responseMessage } from '../evidence/message.ts';
import type { PeerAnswer, Peers } from '../peers/peers.ts';
import { NotStamped } from '../time-stamps/stamping.ts';
import { type AnswerDependencies, type Asked, giveAnswer, type Outcome } from './answer.ts';
import { errorResponse, errors, type Refusal } from './errors.ts';
import type { Witnessed } from './evidence.ts';
import { forProvider, type HeaderList, headerValue } from './headers.ts';
import type { ObservedExchange } from './observation.ts';
import { type Obstacle, obstacleHere } from './obstacles.ts';
import {
  type ExchangeFacts,
  type ExchangeRequest,
  type ExchangeResponse,
  factsOf,
  faultOf,
  targetOf,
} from './request.ts';
import type { Serve } from './serve.ts';

export interface ExchangeDependencies extends AnswerDependencies {
  readonly directory: Directory;
  readonly serve: Serve;
  readonly peers: Peers;
  /** Why nothing can be exchanged with a service now. */
  readonly obstacle: (service: string) => Obstacle | undefined;
  readonly log: Logger;
  /** Told of every exchange that left evidence. */
  readonly observe: (exchange: ObservedExchange) => void;
}

/** `granted`: a right that does not stand in the directory, worded for the log. */
export type CarryOut = (request: ExchangeRequest, granted?: string) => Promise<ExchangeResponse>;

/** What the consumer's side gives back, and how it came about. */
interface Result {
  readonly response: ExchangeResponse;
  readonly refusal?: Refusal;
  /** The security server at the other end. */
  readonly peer?: string;
}

/**
 * One exchange on the consumer's side, in this order: who calls, signature, evidence of the request, then the
 * provider's side, in this process or on another server: right, provider, signature; evidence of the response,
 * answer. What is refused leaves evidence too; without evidence nothing is carried out (IM-9.1-c).
 */
export function createExchange(deps: ExchangeDependencies): CarryOut {
  const { directory, evidence, wording, peers, log } = deps;

  function refusalOfSender({ client, operator }: ExchangeRequest): Refusal | undefined {
    const application = directory.application(client);
    if (!application?.enabled || peers.route(client) !== undefined)
      return { kind: 'unknownClient', message: 'The client is not registered here' };
    if (operator !== undefined && !application.operators.includes(operator))
      return { kind: 'operatorNotListed', message: `${operator} may not act for ${client}` };
    return undefined;
  }

  function refusalHere(request: ExchangeRequest, asked: Witnessed): Refusal | undefined {
    const sender = refusalOfSender(request);
    if (sender) return sender;
    const obstacle = deps.obstacle(request.service);
    if (obstacle) return obstacleHere[obstacle];
    return asked.verified
      ? undefined
      : { kind: 'invalidSignature', message: 'The signature of the request does not hold' };
  }

  /** What is wrong with an answer that another server has signed. */
  function faultOfAnswer(
    facts: ExchangeFacts,
    hash: Buffer,
    { response, signature }: PeerAnswer,
    { verified }: Witnessed,
  ): Refusal | undefined {
    const said = (name: string): string | undefined => headerValue(response.headers, name);
    const speaker = said('x-road-error') === undefined ? memberOf(facts.service) : signature.signer;
    if (!verified || signature.signer !== speaker)
      return { kind: 'answerInvalidSignature', message: 'The signature of the response does not hold' };
    const consistent =
      said('x-road-id') === facts.messageId &&
      said('x-road-client') === facts.client &&
      said('x-road-service') === facts.service &&
      said('x-road-request-id') === facts.exchangeId &&
      said('x-road-request-hash') === hash.toString('base64');
    return consistent
      ? undefined
      : { kind: 'inconsistentResponse', message: 'The response does not belong to the request' };
  }

  async function viaPeer(
    servers: NonNullable<ReturnType<Peers['route']>>,
    request: ExchangeRequest,
    headers: HeaderList,
    asked: Witnessed,
    told: Asked,
  ): Promise<Result> {
    const { facts, hash, started } = told;
    const refused = async (refusal: Refusal, peer?: string): Promise<Result> => ({
      ...(await giveAnswer(deps, told, { refusal })),
      refusal,
      ...(peer === undefined ? {} : { peer }),
    });
    if (!asked.signature) throw new Error('a request without signature does not leave this server');
    const answer = await peers.call(servers, { request, facts, headers, signature: asked.signature });
    if ('refusal' in answer) return refused(answer.refusal, answer.server);
    const { response, signature, server } = answer;
    const { status, body } = response;
    const signerFault = await peers.signerFault(signature);
    const witnessed = await evidence.check(responseMessage(status, response.headers, body), signature);
    const fault: Refusal | undefined = signerFault
      ? { kind: 'answerInvalidCertificate', message: `The certificate of the response is ${signerFault}` }
      : faultOfAnswer(facts, hash, answer, witnessed);
    if (fault) {
      log.error({ security: fault.kind, server, exchangeId: facts.exchangeId }, 'an answer was refused');
      body.release();
      return refused(fault, server);
    }
    const error = headerValue(response.headers, 'x-road-error');
    await evidence.record(witnessed, facts, {
      kind: 'response',
      status,
      durationMs: Math.round(performance.now() - started),
      ...(error === undefined ? {} : { error }),
    });
    return { response, peer: server };
  }

  async function proceed(
    request: ExchangeRequest,
    headers: HeaderList,
    asked: Witnessed,
    told: Asked,
    granted: string | undefined,
  ): Promise<Result> {
    const here = refusalHere(request, asked);
    const servers = here ? undefined : peers.route(applicationOf(request.service));
    if (servers) return viaPeer(servers, request, headers, asked, told);
    const outcome: Outcome = here
      ? { refusal: here }
      : await deps.serve(request, told.facts, headers, granted);
    try {
      const { response } = await giveAnswer(deps, told, outcome);
      return { response, ...(outcome.refusal ? { refusal: outcome.refusal } : {}) };
    } catch (error) {
      outcome.answer?.body.release();
      throw error;
    }
  }

  return async (request, granted) => {
    const started = performance.now();
    const requestIn = Date.now();
    const accept = headerValue(request.headers, 'accept');
    const facts = factsOf(request);
    const fault = faultOf(request);
    if (fault) return errorResponse(fault, facts.exchangeId, wording, accept);

    const unrecorded = (error: unknown): ExchangeResponse => {
      log.error({ err: error, exchangeId: facts.exchangeId }, 'evidence could not be written');
      const refusal: Refusal =
        error instanceof NotStamped
          ? { kind: 'timestampingFailed', message: 'This service wants a time stamp, and none could be had' }
          : { kind: 'loggingFailed', message: 'The evidence of this exchange could not be written' };
      return errorResponse(refusal, facts.exchangeId, wording, accept);
    };

    const headers = forProvider(request.headers, {
      'X-Road-Client': facts.client,
      'X-Road-Id': facts.messageId,
      'X-Road-Request-Id': facts.exchangeId,
      'X-Correlation-Id': facts.correlationId,
    });
    // A member's key signs for its own applications only, and only when they are the ones who send.
    const signer = refusalOfSender(request) ? undefined : memberOf(facts.client);
    const message = requestMessage(request.method, targetOf(request), headers, request.body);
    let asked: Witnessed;
    let result: Result;
    let requestOut: number;
    let responseIn: number;
    try {
      asked = await evidence.witness(message, signer);
      await evidence.record(asked, facts, { kind: 'request' });
      requestOut = Date.now();
      result = await proceed(request, headers, asked, { facts, hash: asked.hash, accept, started }, granted);
      responseIn = Date.now();
    } catch (error) {
      return unrecorded(error);
    }
    const { response, refusal, peer } = result;
    deps.observe({
      ...facts,
      side: peer === undefined ? 'both' : 'client',
      known: directory.service(facts.service) !== undefined,
      userId: headerValue(request.headers, 'x-road-userid'),
      issue: headerValue(request.headers, 'x-road-issue'),
      representedParty: headerValue(request.headers, 'x-road-represented-party'),
      peer,
      requestIn,
      requestOut: refusal ? undefined : requestOut,
      responseIn: refusal ? undefined : responseIn,
      responseOut: Date.now(),
      requestSize: request.body.size,
      responseSize: response.body.size,
      status: response.status,
      fault: refusal && { type: errors[refusal.kind].type, message: refusal.message },
    });
    return response;
  };
}
