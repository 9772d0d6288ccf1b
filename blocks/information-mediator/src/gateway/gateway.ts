import type { Logger } from 'pino';
import type { Counter } from 'prom-client';
import type { Credential, Policy } from '../api/gateway/policy.ts';
import type { DirectoryService } from '../directory/snapshot.ts';
import type { Refusal } from '../exchange/errors.ts';
import type { HeaderList } from '../exchange/headers.ts';
import type { ExchangeRequest, ExchangeResponse } from '../exchange/request.ts';
import { pathForRights } from '../rights/glob.ts';
import { type Limits, limitHeaders } from './limits.ts';
import { findPlan } from './plans.ts';
import type { Chosen, Upstreams } from './upstreams.ts';
import type { Defect, Validation } from './validation.ts';

/** How an admitted request goes on. */
export interface Admission {
  /** Base URL to call instead of the service's target. */
  readonly target: string;
  /** What the provider receives. */
  readonly headers: HeaderList;
  /** Added to the answer: what is left of a limit. */
  readonly responseHeaders: HeaderList;
  /** Whether the answer may pass. */
  check(response: ExchangeResponse): Promise<Refusal | undefined>;
  /** Told once what came of it: the status, or that the provider did not answer. */
  settle(status: number | undefined): void;
}

export interface NotAdmitted {
  readonly refusal: Refusal;
  readonly headers: HeaderList;
}

/** What stands between an allowed request and its provider: limits, validation, upstreams and their health, credentials. */
export type Gateway = (
  service: DirectoryService,
  request: ExchangeRequest,
  headers: HeaderList,
) => Promise<Admission | NotAdmitted>;

export interface GatewayParts {
  readonly limits: Limits;
  readonly upstreams: Upstreams;
  readonly validation: Validation;
  readonly headersFor: (service: string, credential: Credential) => Promise<HeaderList>;
  readonly open: (sealed: Buffer, service: string) => Credential;
  /** Counts messages that did not match, by service and direction. */
  readonly mismatches: Counter<'service' | 'message'>;
  readonly now: () => Date;
  readonly log: Logger;
}

const nothing: HeaderList = [];

export function createGateway(parts: GatewayParts): Gateway {
  const { limits, upstreams, validation, mismatches, log } = parts;

  /** What a mismatch means: nothing, a note, or a refusal. */
  function judged(
    service: DirectoryService,
    message: 'request' | 'response',
    mode: 'off' | 'report' | 'block',
    defect: Defect,
  ): Refusal | undefined {
    if (defect === undefined) return undefined;
    mismatches.inc({ service: service.id, message });
    log.warn({ service: service.id, message, defect, mode }, 'a message does not match the description');
    if (mode !== 'block') return undefined;
    return message === 'request'
      ? {
          kind: 'requestInvalid',
          message: `The request does not match the description of the service: ${defect}`,
        }
      : { kind: 'responseInvalid', message: 'The answer does not match the description of the service' };
  }

  async function credentialed(service: DirectoryService, headers: HeaderList): Promise<HeaderList> {
    if (!service.credential) return headers;
    const own = await parts.headersFor(service.id, parts.open(service.credential, service.id));
    const names = new Set(own.map(([name]) => name.toLowerCase()));
    return [...headers.filter(([name]) => !names.has(name.toLowerCase())), ...own];
  }

  const refuse = (refusal: Refusal, headers = nothing): NotAdmitted => ({ refusal, headers });

  return async (service, request, headers) => {
    const policy = service.policy as Policy;
    const { client, method, path, body } = request;
    const { requests = 'off', responses = 'off' } = policy.validation ?? {};

    const held = service.planOf?.get(client);
    if (held && held.endsAt <= parts.now().getTime())
      return refuse({
        kind: 'accessDenied',
        message: 'The plan under which this service was used has ended',
      });
    const planned = held ? (findPlan(policy, held.plan)?.limits ?? []) : [];
    const concerning = [...planned, ...(policy.limits ?? [])];
    const standing =
      concerning.length > 0 &&
      (await limits.take(service.id, concerning, { client, method, path: pathForRights(path) ?? path }));
    const told = standing ? limitHeaders(standing) : nothing;
    if (standing && !standing.allowed)
      return refuse(
        { kind: 'rateLimited', message: 'The limit of requests to this service is used up' },
        told,
      );

    if (requests !== 'off' && (body.bytes || body.size === 0)) {
      const defect = await validation.request(service, { method, path, headers, body: body.bytes });
      const refusal = judged(service, 'request', requests, defect);
      if (refusal) return refuse(refusal, told);
    }

    const choosing =
      policy.upstreams !== undefined || policy.circuit !== undefined || policy.health !== undefined;
    let chosen: Chosen | undefined;
    if (choosing) {
      chosen = upstreams.choose(service.id, service.target, policy);
      if (!chosen)
        return refuse(
          { kind: 'circuitOpen', message: 'The provider is out of order; nothing is sent to it now' },
          [...told, ['Retry-After', String(policy.circuit?.openSeconds ?? policy.health?.seconds ?? 30)]],
        );
    }
    const provided = await credentialed(service, headers).catch((error: unknown) => {
      chosen?.settle(undefined);
      throw error;
    });
    return {
      target: chosen?.url ?? service.target,
      headers: provided,
      responseHeaders: told,
      async check({ status, headers: given, body: answer }) {
        if (responses === 'off' || (!answer.bytes && answer.size > 0)) return undefined;
        const message = { status, headers: given, body: answer.bytes };
        return judged(
          service,
          'response',
          responses,
          await validation.response(service, { method, path }, message),
        );
      },
      settle: (status) => chosen?.settle(status),
    };
  };
}
