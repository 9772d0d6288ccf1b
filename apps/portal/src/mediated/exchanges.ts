import type { Backend } from '../backend.ts';
import type { Clients } from './clients.ts';
import type { Names } from './names.ts';
import { operationName } from './operation-names.ts';

const most = 500;

/** A right as the log names it (`METHOD PATH` with stars): the whole service when it covers everything. */
const rightInWords = (serviceCode: string, right: string): string =>
  right === '* **'
    ? serviceCode
    : right.startsWith('* ') || /^[A-Z]+ /.test(right)
      ? `${serviceCode} ${right}`
      : right;

/** Exchanges from the information mediator's log. Only somebody who may read the application sees those of an application. */
export function createExchanges(
  { registration, messageLog }: Clients,
  names: Names,
): Pick<Backend, 'exchanges'> {
  return {
    async exchanges(_viewer, of) {
      const correlationId =
        'correlationId' in of
          ? of.correlationId
          : (await registration.readApplication({ params: { fileId: of.applicationId } })).body.correlationId;
      const { exchanges } = (
        await messageLog.listExchanges({ query: { correlationId, limit: most }, personToken: null })
      ).body;
      return exchanges.map((one) => {
        const code = one.service.split('/').at(-1) ?? one.service;
        return {
          id: one.exchangeId,
          at: one.at,
          client: names.party(one.client),
          ...(one.operator === null ? {} : { operator: names.party(one.operator) }),
          provider: names.party(one.service.split('/').slice(0, 4).join('/')),
          service: code,
          operation: operationName(code, one.method, one.path),
          ...(one.right === null ? {} : { right: rightInWords(code, one.right) }),
          ...(one.status === null ? {} : { status: one.status }),
          ...(one.durationMs === null ? {} : { durationMs: one.durationMs }),
          verified: one.verified,
        };
      });
    },
  };
}
