import { CallFailed, forbidden, type Mediation } from '@govstack/platform';
import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

/** What registries need of an identity block: under which number the person behind a call is registered. */
const ownIdentity = defineSurface({
  name: 'identity-person-v1',
  title: 'Own attributes, as registries use them',
  version: '1.0.0',
  operations: {
    readOwnAttributes: defineOperation({
      id: 'readOwnAttributes',
      method: 'GET',
      path: '/person',
      summary: 'Attributes of the person behind the access token',
      access: { caller: 'application', person: 'required' },
      responses: { 200: Type.Record(Type.String(), Type.Unknown()) },
    }),
  },
});

const rememberedMs = 60_000;
const mostRemembered = 10_000;

/** The identifiers of the person behind the call that is being answered, as the identity block knows them. */
export type IdentifiersOf = (person: string) => Promise<readonly string[]>;

/**
 * Asks the identity block for `attribute` with the person's own token, and remembers what it answers for a minute, in memory
 * only. Without a service nobody is known.
 */
export function identityLookup(mediation: Mediation, service: string, attribute: string): IdentifiersOf {
  if (service === '') return async () => [];
  const client = mediation.client(ownIdentity, service);
  const known = new Map<string, { readonly until: number; readonly identifiers: readonly string[] }>();
  return async (person) => {
    const found = known.get(person);
    if (found && found.until > Date.now()) return found.identifiers;
    const { body } = await client.readOwnAttributes({});
    const identifier = body[attribute];
    const identifiers = typeof identifier === 'string' && identifier !== '' ? [identifier] : [];
    if (known.size >= mostRemembered) known.clear();
    if (identifiers.length > 0) known.set(person, { until: Date.now() + rememberedMs, identifiers });
    return identifiers;
  };
}

/** The identifier of a person on whose behalf the call at hand is made; refused when there is none to be known. */
export type OwnIdentifier = (person: string) => Promise<string>;

export const ownIdentifier =
  (identifiersOf: IdentifiersOf): OwnIdentifier =>
  async (person) => {
    try {
      const [identifier] = await identifiersOf(person);
      if (identifier !== undefined) return identifier;
    } catch (error) {
      if (!(error instanceof CallFailed) || error.status >= 500) throw error;
    }
    throw forbidden('The person has no identifier that registries know');
  };
