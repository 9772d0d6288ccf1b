import {
  applicationOf,
  type Caller,
  conflict,
  forbidden,
  memberOf,
  notFound,
  type Person,
} from '@govstack/platform';
import type { Kysely, RawBuilder } from 'kysely';
import type { Catalogue, Registry } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';

export type DataMethod = 'create' | 'read' | 'exists' | 'list' | 'update' | 'delete';

/** Why data is read: headers of the request. */
export interface Ground {
  readonly purpose: string | undefined;
  readonly consentReference: string | undefined;
  readonly legalGround: string | undefined;
}

export interface Reader {
  readonly caller: Caller;
  readonly person: Person | undefined;
  readonly ground: Ground;
}

/** A registry as one reader may use it: which fields of which records. */
export interface Granted {
  readonly registry: Registry;
  readonly fields: readonly Field[];
  /** Which records there are for the reader, as a condition on the columns of the table; undefined: all. */
  readonly rows: RawBuilder<unknown> | undefined;
  /** The reader belongs to another agency. */
  readonly foreign: boolean;
}

interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

/** Decides who may do what with registries. Every surface asks here first. */
export interface Gate {
  /** The registry at which a call is addressed, with what its reader may do there. */
  open(reader: Reader, code: string, version: string, method: DataMethod): Promise<Granted>;
  /** The application whose registries the caller may administer: the one addressed. */
  administer(who: Who): string;
}

export interface GateParts {
  readonly catalogue: Catalogue;
  readonly verifyConsent: (reference: string) => Promise<boolean>;
  /** Applications through which people work, a portal say: their calls have the rights of the person, and no others. */
  readonly consoles: ReadonlySet<string>;
}

const changing: ReadonlySet<DataMethod> = new Set(['create', 'update', 'delete']);

/** Roles of people who work with the registries of their own agency. */
export const analystRole = 'registry-analyst';
export const registrarRole = 'registrar';

/**
 * Applications of the owning member see all of its registries; those of others only what the owner has granted them. A
 * registry without a grant looks like no registry. People who work through a console need a role in the owning agency.
 */
export function createGate({ catalogue, verifyConsent, consoles }: GateParts): Gate {
  const holds = (person: Person | undefined, owner: string, ...roles: string[]): boolean =>
    person?.agency === memberOf(owner) && roles.some((role) => person.roles.includes(role));
  return {
    async open(reader, code, version, method) {
      const owner = applicationOf(reader.caller.service);
      const { registry, access } = await catalogue.find(owner, code, version);
      const assertOpen = (): void => {
        if (registry.archived && changing.has(method)) throw conflict('The registry is archived');
      };
      const whole: Granted = { registry, fields: registry.fields, rows: undefined, foreign: false };
      if (consoles.has(reader.caller.application)) {
        if (!holds(reader.person, owner, analystRole, registrarRole)) throw notFound('Registry');
        assertOpen();
        return whole;
      }
      if (memberOf(reader.caller.application) === memberOf(owner)) {
        assertOpen();
        return whole;
      }
      const grant = access.get(reader.caller.application);
      if (!grant) throw notFound('Registry');
      if (!grant.methods.includes(method))
        throw forbidden(`${reader.caller.application} may not ${method} here`);
      if (registry.requires === 'consent') {
        const reference = reader.ground.consentReference;
        if (reference === undefined)
          throw forbidden('This registry is read under consent: X-Consent-Reference is required');
        if (!(await verifyConsent(reference))) throw forbidden('The consent is not in force');
      }
      if (registry.requires === 'legal-ground' && reader.ground.legalGround === undefined) {
        throw forbidden('This registry is read on a legal ground: X-Legal-Ground is required');
      }
      assertOpen();
      const allowed = grant.fields;
      return {
        ...whole,
        foreign: true,
        fields:
          allowed === null
            ? registry.fields
            : registry.fields.filter((field) => allowed.includes(field.name)),
      };
    },
    administer({ caller, person }) {
      const owner = applicationOf(caller.service);
      const may = consoles.has(caller.application)
        ? holds(person, owner, analystRole)
        : memberOf(caller.application) === memberOf(owner);
      if (!may) throw forbidden('Registries are administered by their own agency');
      return owner;
    },
  };
}

export async function putAccess(
  db: Kysely<RegistryTables>,
  registry: Registry,
  application: string,
  grant: { methods: readonly string[]; fields?: readonly string[] },
): Promise<void> {
  const columns = { methods: [...grant.methods], fields: grant.fields ? [...grant.fields] : null };
  await db
    .insertInto('registry_access')
    .values({ registry_id: registry.id, application, ...columns })
    .onConflict((existing) => existing.constraint('registry_access_pkey').doUpdateSet(columns))
    .execute();
}
