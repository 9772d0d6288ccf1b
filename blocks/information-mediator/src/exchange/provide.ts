import type { Caller, LocalProviders } from '@govstack/platform';
import type { MetaServices } from '../descriptions/meta-services.ts';
import type { Directory } from '../directory/directory.ts';
import type { DirectoryService } from '../directory/snapshot.ts';
import { targetOf } from '../directory/target.ts';
import { pathForRights } from '../rights/glob.ts';
import { BodyTooLarge, bodyOf, bytesOf } from './body.ts';
import type { Refusal } from './errors.ts';
import { fromRecord, type HeaderList, toRecord } from './headers.ts';
import type { HttpProviders } from './http-provider.ts';
import { NotAnswered, withPatience } from './patience.ts';
import type { ExchangeRequest, ExchangeResponse } from './request.ts';

/** How a request may proceed: to the mediator's own answer, or to a provider under a right. */
export type Passage =
  | { readonly kind: 'meta' }
  | { readonly kind: 'service'; readonly service: DirectoryService; readonly right: string };

/**
 * Decides whether a request may proceed. Default deny. `granted` is a right that does not stand in the directory: the
 * subscription under which an event is delivered.
 */
export function passageOf(
  directory: Directory,
  request: ExchangeRequest,
  granted: string | undefined,
  isMeta: boolean,
): Passage | { readonly refusal: Refusal } {
  const refuse = (kind: Refusal['kind'], message: string) => ({ refusal: { kind, message } });
  if (isMeta) return { kind: 'meta' };
  const service = directory.service(request.service);
  if (!service) {
    const member = request.service.split('/').slice(0, 3).join('/');
    return directory.hasMember(member)
      ? refuse('unknownService', 'There is no such service')
      : refuse('unknownMember', 'There is no such member');
  }
  const path = pathForRights(request.path);
  if (path === undefined) return refuse('accessDenied', 'The path climbs or is not well-formed');
  const right = granted ?? directory.rightFor(request.client, service.id, request.method, path);
  if (right === undefined)
    return refuse('accessDenied', `${request.client} has no right to this endpoint of ${service.id}`);
  if (!directory.application(service.applicationId)?.enabled)
    return refuse('serviceDisabled', 'The application is out of order');
  if (!service.enabled) return refuse('serviceDisabled', service.notice ?? 'The service is out of order');
  const off = directory.disabledNotice(service.id, request.method, path);
  if (off !== undefined) return refuse('serviceDisabled', off);
  return { kind: 'service', service, right };
}

export interface Providers {
  readonly local: LocalProviders;
  readonly http: HttpProviders;
  readonly meta: MetaServices;
  /** A short-lived token that tells a provider in another process who calls. */
  readonly callerToken: (caller: Caller, provider: string) => Promise<string>;
}

/** Blocks of this process take bodies whole, in memory; in bytes. */
const largestLocal = 67_108_864;

/** Calls the provider once, within the service's time and as long as the client waits. `address`: one of its upstreams. */
export async function provide(
  providers: Providers,
  { service }: Extract<Passage, { kind: 'service' }>,
  request: ExchangeRequest,
  headers: HeaderList,
  caller: Caller,
  address = service.target,
): Promise<ExchangeResponse> {
  const target = targetOf(address);
  if (!target) throw new Error(`${address} cannot be called`);
  const { method, path, body } = request;
  return withPatience(service.timeoutMs, request.signal, async (signal) => {
    if (target.kind === 'http') {
      const token = await providers.callerToken(caller, service.applicationId);
      return providers.http.call(target, {
        method,
        path,
        headers: [...headers, ['X-GovStack-Caller', token]],
        body,
        signal,
      });
    }
    const bytes = await bytesOf(body, largestLocal);
    const answer = await providers.local.dispatch(
      target.block,
      target.surface,
      { method, path, headers: toRecord(headers), ...(body.size === 0 ? {} : { body: bytes }), signal },
      caller,
    );
    if (!answer) throw new Error(`no block of this node serves ${service.target}`);
    return { ...answer, headers: fromRecord(answer.headers), body: bodyOf(answer.body) };
  });
}

/** What a failed call means for the client. */
export function refusalOf(failure: unknown): Refusal {
  if (failure instanceof NotAnswered)
    return failure.why === 'timeout'
      ? { kind: 'serviceTimeout', message: 'The provider did not answer in time' }
      : { kind: 'aborted', message: 'The client gave up before the provider answered' };
  if (failure instanceof BodyTooLarge)
    return { kind: 'serviceAnswerUnusable', message: 'The provider answered more than can be passed on' };
  return { kind: 'serviceUnreachable', message: 'The provider could not be reached' };
}
