import { applicationOf, forbidden, type ImplementedSurface, notFound } from '@govstack/platform';
import type { Gate, Reader } from '../access/access.ts';
import { narrowed } from '../records/fixed-filter.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import type { Service, Services } from './services.ts';
import { type StandardService, standardByOperation } from './standard.ts';
import type { UseCounts } from './use-counts.ts';

export interface GuardParts {
  readonly catalogue: Catalogue;
  readonly gate: Gate;
  readonly services: Services;
  readonly uses: UseCounts;
}

/** The parts of a call that say which service is meant. */
interface Call extends Pick<Reader, 'caller' | 'person'> {
  readonly params: {
    readonly registryName: string;
    readonly versionNumber: string;
    readonly service?: string;
  };
  readonly headers: Readonly<Record<string, string | undefined>>;
}

type Handler = (call: Call) => Promise<unknown>;

const readerOf = ({ caller, person, headers }: Call): Reader => ({
  caller,
  person,
  ground: {
    purpose: headers['x-purpose'],
    consentReference: headers['x-consent-reference'],
    legalGround: headers['x-legal-ground'],
  },
});

/**
 * Lets calls through to services that are switched on, and counts them. A service is refused only in the face of who
 * may use the registry; for others there is no registry.
 */
export function guardServices(
  { surface, handlers, ...rest }: ImplementedSurface,
  { catalogue, gate, services, uses }: GuardParts,
): ImplementedSurface {
  const guarded =
    (base: StandardService | undefined, handler: Handler): Handler =>
    async (call) => {
      const { registryName, versionNumber } = call.params;
      const { registry } = await catalogue.find(
        applicationOf(call.caller.service),
        registryName,
        versionNumber,
      );
      const name = base?.name ?? call.params.service ?? '';
      const service = await services.find(registry.id, registry.version, name);
      const on = service !== undefined && service.state !== 'disabled' && (base !== undefined || service.own);
      if (!on) {
        await gate.open(
          readerOf(call),
          registryName,
          versionNumber,
          (service?.base ?? base)?.method ?? 'read',
        );
        throw service?.state === 'disabled' ? forbidden('This service is switched off') : notFound('Service');
      }
      const answer = await handler(call);
      uses.count(registry.id, registry.version, name);
      return answer;
    };
  return {
    ...rest,
    surface,
    handlers: Object.fromEntries(
      Object.entries(handlers).map(([operation, handler]) => {
        const base = standardByOperation.get(operation);
        return [operation, base || operation === 'callService' ? guarded(base, handler as Handler) : handler];
      }),
    ),
  };
}

/** A gate that opens no further than one service of an owner's own. */
export const gateOf = (gate: Gate, service: Service): Gate => ({
  ...gate,
  open: async (...asked) => narrowed(await gate.open(...asked), service.filter, service.fields),
});
