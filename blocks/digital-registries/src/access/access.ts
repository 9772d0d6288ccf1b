import {
  applicationOf,
  type Caller,
  conflict,
  forbidden,
  memberOf,
  notFound,
  type Person,
} from '@govstack/platform';
import type { Kysely } from 'kysely';
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

/** A registry as one application may use it: the fields it sees. */
export interface Granted {
  readonly registry: Registry;
  readonly fields: readonly Field[];
  /** The reader belongs to another agency. */
  readonly foreign: boolean;
}

const changing: ReadonlySet<DataMethod> = new Set(['create', 'update', 'delete']);

/**
 * The registry at which a call is addressed, with what the caller may do. Applications of the owning member see all;
 * others only what the owner has granted them. A registry without a grant looks like no registry.
 */
export async function openFor(
  catalogue: Catalogue,
  reader: Reader,
  code: string,
  version: string,
  method: DataMethod,
  verifyConsent: (reference: string) => Promise<boolean>,
): Promise<Granted> {
  const owner = applicationOf(reader.caller.service);
  const { registry, access } = await catalogue.find(owner, code, version);
  const assertOpen = (): void => {
    if (registry.archived && changing.has(method)) throw conflict('The registry is archived');
  };
  if (memberOf(reader.caller.application) === memberOf(owner)) {
    assertOpen();
    return { registry, fields: registry.fields, foreign: false };
  }
  const grant = access.get(reader.caller.application);
  if (!grant) throw notFound('Registry');
  if (!grant.methods.includes(method)) throw forbidden(`${reader.caller.application} may not ${method} here`);
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
    registry,
    foreign: true,
    fields:
      allowed === null ? registry.fields : registry.fields.filter((field) => allowed.includes(field.name)),
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
