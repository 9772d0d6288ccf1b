import { memberOf } from '@govstack/platform';
import { responseMessage } from '../evidence/message.ts';
import { errorResponse, errors, type Refusal, type Wording } from './errors.ts';
import type { Evidence, Witnessed } from './evidence.ts';
import { forClient, type HeaderList } from './headers.ts';
import type { ExchangeFacts, ExchangeResponse } from './request.ts';

/** What came of a request: an answer of the provider's side, or the mediator's refusal. */
export interface Outcome {
  readonly answer?: ExchangeResponse;
  readonly refusal?: Refusal;
  /** The right under which the call was allowed. */
  readonly right?: string;
  /** Added to the answer: what is left of a limit, when to try again. */
  readonly headers?: HeaderList;
}

export interface AnswerDependencies {
  readonly evidence: Evidence;
  /** The mediator's own application; its member signs what the mediator itself answers. */
  readonly own: string;
  readonly wording: Wording;
}

export interface Asked {
  readonly facts: ExchangeFacts;
  /** X-Road's request hash. */
  readonly hash: Buffer;
  readonly accept: string | undefined;
  /** `performance.now()` when the request came. */
  readonly started: number;
}

export interface Answered {
  readonly response: ExchangeResponse;
  readonly witnessed: Witnessed;
}

/** Words what came of a request, signs it and puts it on record: nothing goes out before that (IM-6.6-a). */
export async function giveAnswer(
  { evidence, own, wording }: AnswerDependencies,
  { facts, hash, accept, started }: Asked,
  { answer, refusal, right, headers = [] }: Outcome,
): Promise<Answered> {
  const given = answer ?? errorResponse(refusal as Refusal, facts.exchangeId, wording, accept);
  const error = refusal && given.headers.find(([name]) => name === 'X-Road-Error');
  const response: ExchangeResponse = {
    ...given,
    headers: [
      ...forClient(given.headers, {
        'X-Road-Id': facts.messageId,
        'X-Road-Client': facts.client,
        'X-Road-Service': facts.service,
        'X-Road-Request-Id': facts.exchangeId,
        'X-Road-Request-Hash': hash.toString('base64'),
        'X-Correlation-Id': facts.correlationId,
      }),
      ...headers,
      ...(error ? [error] : []),
    ],
  };
  // The provider's member answers for the provider, the mediator's owner for a refusal.
  const speaker = memberOf(refusal ? own : facts.service);
  const witnessed = await evidence.witness(
    responseMessage(response.status, response.headers, response.body),
    speaker,
  );
  await evidence.record(witnessed, facts, {
    kind: 'response',
    status: response.status,
    durationMs: Math.round(performance.now() - started),
    ...(refusal ? { error: errors[refusal.kind].type } : {}),
    ...(right === undefined ? {} : { accessRight: right }),
  });
  if (!witnessed.verified) throw new Error('the signature of the response does not hold');
  return { response, witnessed };
}
