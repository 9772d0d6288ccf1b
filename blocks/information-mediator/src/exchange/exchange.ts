import { type Caller, memberOf } from '@govstack/platform';
import type { Logger } from 'pino';
import { isMetaService } from '../descriptions/meta-services.ts';
import type { Directory } from '../directory/directory.ts';
import { requestMessage, responseMessage } from '../evidence/message.ts';
import { errorResponse, errors, type Refusal } from './errors.ts';
import type { Evidence, Witnessed } from './evidence.ts';
import { forClient, forProvider, type HeaderList, headerValue } from './headers.ts';
import type { ObservedExchange } from './observation.ts';
import { type Passage, type Providers, passageOf, provide, refusalOf } from './provide.ts';
import {
  type ExchangeFacts,
  type ExchangeRequest,
  type ExchangeResponse,
  factsOf,
  faultOf,
} from './request.ts';

export interface ExchangeDependencies {
  readonly directory: Directory;
  readonly evidence: Evidence;
  readonly providers: Providers;
  /** The mediator's own application; its member signs what the mediator itself answers. */
  readonly own: string;
  readonly strictHttp: boolean;
  readonly log: Logger;
  /** Told of every exchange that left evidence. */
  readonly observe: (exchange: ObservedExchange) => void;
}

/** `granted`: a right that does not stand in the directory, worded for the log. */
export type CarryOut = (request: ExchangeRequest, granted?: string) => Promise<ExchangeResponse>;

/** What came of a request: an answer of the provider's side, or the mediator's refusal. */
interface Outcome {
  readonly answer?: ExchangeResponse;
  readonly refusal?: Refusal;
  readonly right?: string;
}

/**
 * One exchange, in this order: who calls, signature, evidence of the request, right, provider, signature, evidence of
 * the response, answer. What is refused leaves evidence too; without evidence nothing is carried out (IM-9.1-c).
 */
export function createExchange(deps: ExchangeDependencies): CarryOut {
  const { directory, evidence, providers, strictHttp, log } = deps;

  function refusalOfSender({ client, operator }: ExchangeRequest): Refusal | undefined {
    const application = directory.application(client);
    if (!application?.enabled) return { kind: 'unknownClient', message: 'The client is not registered here' };
    if (operator !== undefined && !application.operators.includes(operator))
      return { kind: 'operatorNotListed', message: `${operator} may not act for ${client}` };
    return undefined;
  }

  async function call(
    passage: Passage,
    request: ExchangeRequest,
    headers: HeaderList,
    caller: Caller,
  ): Promise<Outcome> {
    if (passage.kind === 'meta') {
      const answer = await providers.meta.answer(request);
      return 'status' in answer ? { answer, right: 'meta-service' } : { refusal: answer };
    }
    const { right } = passage;
    try {
      return { answer: await provide(providers, passage, request, headers, caller), right };
    } catch (failure) {
      log.warn(
        { err: failure, service: request.service, exchangeId: caller.exchangeId },
        'a provider did not answer',
      );
      return { refusal: refusalOf(failure), right };
    }
  }

  async function outcomeOf(
    request: ExchangeRequest,
    facts: ExchangeFacts,
    headers: HeaderList,
    asked: Witnessed,
    granted: string | undefined,
  ): Promise<Outcome> {
    const sender = refusalOfSender(request);
    if (sender) return { refusal: sender };
    if (!asked.verified)
      return { refusal: { kind: 'invalidSignature', message: 'The signature of the request does not hold' } };
    const passage = passageOf(directory, request, granted, isMetaService(request));
    if ('refusal' in passage) return passage;
    return call(passage, request, headers, {
      application: request.client,
      service: request.service,
      operator: request.operator,
      exchangeId: facts.exchangeId,
    });
  }

  function report({ refusal }: Outcome, facts: ExchangeFacts): void {
    if (!refusal || !errors[refusal.kind].type.endsWith('AccessDenied')) return;
    const { operator, client, service, exchangeId, correlationId, traceId } = facts;
    log.warn(
      {
        security: refusal.kind,
        actor: operator ?? client,
        client,
        service,
        exchangeId,
        correlationId,
        traceId,
      },
      'refused',
    );
  }

  return async (request, granted) => {
    const started = performance.now();
    const requestIn = Date.now();
    const accept = headerValue(request.headers, 'accept');
    const refused = (refusal: Refusal, id: string): ExchangeResponse =>
      errorResponse(refusal, id, strictHttp, accept);
    const fault = faultOf(request);
    if (fault) return refused(fault, factsOf(request).exchangeId);

    const facts = factsOf(request);
    const unrecorded = (error: unknown): ExchangeResponse => {
      log.error({ err: error, exchangeId: facts.exchangeId }, 'evidence could not be written');
      const message = 'The evidence of this exchange could not be written';
      return refused({ kind: 'loggingFailed', message }, facts.exchangeId);
    };

    const headers = forProvider(request.headers, {
      'X-Road-Client': facts.client,
      'X-Road-Id': facts.messageId,
      'X-Road-Request-Id': facts.exchangeId,
      'X-Correlation-Id': facts.correlationId,
    });
    const target = `/r1/${request.service}${request.path}`;
    // A member's key signs for its own applications only, and only when they are the ones who send.
    const signer = refusalOfSender(request) ? undefined : memberOf(facts.client);
    let asked: Witnessed;
    try {
      asked = await evidence.witness(requestMessage(request.method, target, headers, request.body), signer);
      await evidence.record(asked, facts, { kind: 'request' });
    } catch (error) {
      return unrecorded(error);
    }

    const requestOut = Date.now();
    const outcome = await outcomeOf(request, facts, headers, asked, granted);
    const responseIn = Date.now();
    report(outcome, facts);
    const { refusal } = outcome;
    const answer = outcome.answer ?? refused(refusal as Refusal, facts.exchangeId);
    const response: ExchangeResponse = {
      ...answer,
      headers: [
        ...forClient(answer.headers, {
          'X-Road-Id': facts.messageId,
          'X-Road-Client': facts.client,
          'X-Road-Service': facts.service,
          'X-Road-Request-Id': facts.exchangeId,
          'X-Road-Request-Hash': asked.hash.toString('base64'),
          'X-Correlation-Id': facts.correlationId,
        }),
        ...(refusal ? [['X-Road-Error', errors[refusal.kind].type] as const] : []),
      ],
    };

    // The provider's member answers for the provider, the mediator's owner for a refusal.
    const speaker = memberOf(refusal ? deps.own : facts.service);
    const durationMs = Math.round(performance.now() - started);
    try {
      const answered = await evidence.witness(
        responseMessage(response.status, response.headers, response.body),
        speaker,
      );
      await evidence.record(answered, facts, {
        kind: 'response',
        status: response.status,
        durationMs,
        ...(refusal ? { error: errors[refusal.kind].type } : {}),
        ...(outcome.right === undefined ? {} : { accessRight: outcome.right }),
      });
      if (!answered.verified) throw new Error('the signature of the response does not hold');
    } catch (error) {
      return unrecorded(error);
    }
    deps.observe({
      ...facts,
      side: 'both',
      known: directory.service(facts.service) !== undefined,
      userId: headerValue(request.headers, 'x-road-userid'),
      issue: headerValue(request.headers, 'x-road-issue'),
      representedParty: headerValue(request.headers, 'x-road-represented-party'),
      peer: undefined,
      requestIn,
      requestOut: refusal ? undefined : requestOut,
      responseIn: refusal ? undefined : responseIn,
      responseOut: Date.now(),
      requestSize: request.body.length,
      responseSize: response.body.length,
      status: response.status,
      fault: refusal && { type: errors[refusal.kind].type, message: refusal.message },
    });
    return response;
  };
}
