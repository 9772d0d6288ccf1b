import type { Caller, Person } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { schemaDigest } from './change-digest.ts';

/** Who does something to a registry. */
export interface Actor {
  /** The person, or the application when there is none. */
  readonly name: string;
  readonly application: string;
  readonly operator: string | null;
  readonly person: string | null;
  readonly exchangeId: string;
}

export const actorOf = ({
  caller,
  person,
}: {
  readonly caller: Caller;
  readonly person: Person | undefined;
}): Actor => ({
  name: person?.id ?? caller.application,
  application: caller.application,
  operator: caller.operator ?? null,
  person: person?.id ?? null,
  exchangeId: caller.exchangeId,
});

/** The block itself, at its own hours. */
export const itself = (application: string, name: string): Actor => ({
  name,
  application,
  operator: null,
  person: null,
  exchangeId: '',
});

export type SchemaAction =
  | 'draft'
  | 'discard'
  | 'publish'
  | 'version'
  | 'archive'
  | 'delete'
  | 'access'
  | 'rights'
  | 'settings'
  | 'logs';

export interface SchemaChange {
  /** `id` is null of what is about all registries of the owner. */
  readonly registry: { readonly id: string | null; readonly owner: string; readonly code: string };
  readonly action: SchemaAction;
  readonly before?: unknown;
  readonly after?: unknown;
  /** What publishing it changes for records and clients. */
  readonly report?: unknown;
}

const text = (value: unknown): string | null =>
  value === undefined || value === null ? null : JSON.stringify(value);

/** Puts on record what is done to a registry, in the transaction that does it (DRS-7). Sealed with the changes of records. */
export async function logSchema(
  db: Kysely<RegistryTables>,
  { application, operator, person, exchangeId }: Actor,
  { registry, action, before, after, report }: SchemaChange,
): Promise<void> {
  const at = new Date().toISOString();
  const contents = [text(before), text(after), text(report)];
  const facts = [
    registry.id,
    registry.owner,
    registry.code,
    action,
    application,
    operator,
    person,
    exchangeId,
    at.replace('Z', '000Z'),
  ];
  await sql`
    insert into schema_log (registry_id, owner, code, action, application, operator, person, exchange_id, at,
      before, after, report, digest)
    values (${registry.id}::bigint, ${registry.owner}, ${registry.code}, ${action}, ${application}, ${operator},
      ${person}, ${exchangeId}, ${at}::timestamptz, ${contents[0]}::json, ${contents[1]}::json, ${contents[2]}::json,
      ${schemaDigest(facts, contents)})`.execute(db);
}
