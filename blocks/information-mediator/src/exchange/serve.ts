import { applicationOf, type Caller } from '@govstack/platform';
import type { Logger } from 'pino';
import { isMetaService } from '../descriptions/meta-services.ts';
import type { Directory } from '../directory/directory.ts';
import type { Gateway, NotAdmitted } from '../gateway/gateway.ts';
import { rightOfAll } from '../rights/right-of-all.ts';
import type { Outcome } from './answer.ts';
import { errors } from './errors.ts';
import type { HeaderList } from './headers.ts';
import { type Providers, passageOf, provide, refusalOf } from './provide.ts';
import type { ExchangeFacts, ExchangeRequest } from './request.ts';

export interface ServeDependencies {
  readonly directory: Directory;
  readonly providers: Providers;
  /** The mediator's own application. */
  readonly own: string;
  readonly gateway: Gateway;
  readonly log: Logger;
}

/**
 * The provider's side of an exchange, from the checked and recorded request to what the provider answers. `headers`:
 * what the provider receives. `granted`: a right that does not stand in the directory, worded for the log.
 */
export type Serve = (
  request: ExchangeRequest,
  facts: ExchangeFacts,
  headers: HeaderList,
  granted: string | undefined,
) => Promise<Outcome>;

export function createServe({ directory, providers, own, gateway, log }: ServeDependencies): Serve {
  function report({ refusal }: Outcome, facts: ExchangeFacts): void {
    if (!refusal || !errors[refusal.kind].type.endsWith('AccessDenied')) return;
    const { operator, client, service, exchangeId, correlationId, traceId } = facts;
    const actor = operator ?? client;
    log.warn(
      { security: refusal.kind, actor, client, service, exchangeId, correlationId, traceId },
      'refused',
    );
  }

  async function outcomeOf(
    request: ExchangeRequest,
    facts: ExchangeFacts,
    headers: HeaderList,
    granted: string | undefined,
  ): Promise<Outcome> {
    const notice = directory.maintenance();
    // Its own services stay: they are how the mode is ended.
    if (notice !== undefined && applicationOf(request.service) !== own)
      return { refusal: { kind: 'maintenance', message: notice } };
    const passage = passageOf(
      directory,
      request,
      granted ?? rightOfAll(request.service, own),
      isMetaService(request),
    );
    if ('refusal' in passage) return passage;
    if (passage.kind === 'meta') {
      const answer = await providers.meta.answer(request);
      return 'status' in answer ? { answer, right: 'meta-service' } : { refusal: answer };
    }
    const { right } = passage;
    const caller: Caller = {
      application: request.client,
      service: request.service,
      operator: request.operator,
      exchangeId: facts.exchangeId,
    };
    const admission =
      passage.service.policy &&
      (await gateway(passage.service, request, headers).catch((failure: unknown): NotAdmitted => {
        log.warn({ err: failure, service: request.service }, 'a request could not be let through');
        return {
          refusal: { kind: 'serviceUnreachable', message: 'The provider could not be reached' },
          headers: [],
        };
      }));
    if (admission && 'refusal' in admission) return { ...admission, right };
    try {
      const answer = await provide(
        providers,
        passage,
        request,
        admission?.headers ?? headers,
        caller,
        admission?.target,
      );
      admission?.settle(answer.status);
      const refusal = await admission?.check(answer);
      if (refusal) answer.body.release();
      const told = admission ? { headers: admission.responseHeaders } : {};
      return refusal ? { refusal, right, ...told } : { answer, right, ...told };
    } catch (failure) {
      admission?.settle(undefined);
      log.warn(
        { err: failure, service: request.service, exchangeId: facts.exchangeId },
        'a provider did not answer',
      );
      return { refusal: refusalOf(failure), right };
    }
  }

  return async (request, facts, headers, granted) => {
    const outcome = await outcomeOf(request, facts, headers, granted);
    report(outcome, facts);
    return outcome;
  };
}
