import { Problem } from '@govstack/platform';
import { metaServiceCodes } from '../directory/change.ts';
import { certificateOf, isOpenApi, publicKeyOf } from '../directory/registration.ts';
import { assertTarget } from '../directory/target.ts';
import { type Application, codeOf, type Service, usualSpecUrl } from './configuration.ts';
import { same } from './document.ts';

/** One thing wrong with an entry: below its pointer, and what. */
export interface Fault {
  readonly at: string;
  readonly detail: string;
}

/** The words of a refusal by the directory. */
function refusalOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.errors?.[0]?.detail ?? error.message;
  }
}

const fault = (at: string, detail: string | undefined | false): Fault[] => (detail ? [{ at, detail }] : []);

/** An application as it is kept: only what makes a public key, certificates in one form, lists in order. */
export function normalApplication(application: Application): Application {
  const { publicKey, tlsCertificates } = application;
  return {
    ...application,
    publicKey: publicKey && (publicKeyOf(publicKey) as Record<string, unknown>),
    operators: [...new Set(application.operators)].sort(),
    tlsCertificates: [...new Set(tlsCertificates.map(certificateOf))].sort(),
  };
}

export function applicationFaults(
  { id, publicKey, operators, tlsCertificates, status }: Application,
  known: (application: string) => boolean,
  isProtected: boolean,
): Fault[] {
  return [
    ...fault('/publicKey', publicKey !== null && refusalOf(() => publicKeyOf(publicKey))),
    ...tlsCertificates.flatMap((pem, index) =>
      fault(
        `/tlsCertificates/${index}`,
        refusalOf(() => certificateOf(pem, index)),
      ),
    ),
    ...operators.flatMap((operator, index) =>
      fault(
        `/operators/${index}`,
        operator === id
          ? 'is the application itself'
          : !known(operator) && `${operator} is not an application of this configuration`,
      ),
    ),
    ...fault('/status', isProtected && status === 'disabled' && 'cannot be disabled: the mediator needs it'),
  ];
}

/** A service as it is kept: where its description usually is goes without saying. */
export const normalService = (service: Service): Service =>
  service.specUrl === usualSpecUrl(service.serviceUrl) ? { ...service, specUrl: null } : service;

function specUrlRefusal({ specUrl, serviceUrl }: Service): string | undefined {
  if (specUrl === null || specUrl === usualSpecUrl(serviceUrl)) return undefined;
  if (specUrl.startsWith('local:') || !URL.canParse(specUrl))
    return `must be an http(s) URL, or ${usualSpecUrl(serviceUrl)}`;
  const url = new URL(specUrl);
  url.search = '';
  return refusalOf(() => assertTarget(url.href));
}

const fixed = ['serviceUrl', 'specUrl', 'openapi', 'enabled'] as const;

/** `provided`: the service as the mediator itself provides it, when it does. */
export function serviceFaults(service: Service, provided: Service | undefined): Fault[] {
  if (provided)
    return fixed.flatMap((name) =>
      fault(
        `/${name}`,
        !same(normalService(service)[name], provided[name]) &&
          'cannot be changed: the mediator itself provides this service',
      ),
    );
  return [
    ...fault('/id', metaServiceCodes.has(codeOf(service.id)) && 'is a reserved service code'),
    ...fault(
      '/serviceUrl',
      service.serviceUrl === '' ? 'is required' : refusalOf(() => assertTarget(service.serviceUrl)),
    ),
    ...fault('/specUrl', service.serviceUrl !== '' && specUrlRefusal(service)),
    ...fault(
      '/openapi',
      service.openapi !== null && !isOpenApi(service.openapi) && 'is not an OpenAPI document',
    ),
  ];
}
