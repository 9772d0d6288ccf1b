import { notFound, Problem } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { DataMethod, Gate, Granted, Reader } from '../access/access.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import { registryRow } from '../schema/publish.ts';
import type { Services } from '../services/services.ts';
import type { RegistryTables } from '../tables.ts';
import type { DescribedRegistry, DescribedVersion } from './openapi-document.ts';

export interface DescriptionParts {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly gate: Gate;
  readonly services: Services;
}

/** What the gate refuses is not there for the reader. */
function refused(error: unknown): undefined {
  if (error instanceof Problem && error.status < 500) return undefined;
  throw error;
}

/** A registry with the visible services and the fields that a reader may use. 404 when that is nothing. */
export async function describedFor(
  { db, catalogue, gate, services }: DescriptionParts,
  reader: Reader,
  owner: string,
  code: string,
): Promise<DescribedRegistry> {
  const row = await registryRow(db, owner, code);
  const stored = await db
    .selectFrom('registry_version')
    .select(['version', 'state'])
    .where('registry_id', '=', row.id)
    .where('state', '<>', 'withdrawn')
    .orderBy('position', 'desc')
    .execute();
  const versions: DescribedVersion[] = [];
  for (const { version, state } of stored) {
    const granted = new Map<DataMethod, Granted | undefined>();
    const grantedFor = async (method: DataMethod): Promise<Granted | undefined> => {
      if (!granted.has(method))
        granted.set(method, await gate.open(reader, code, version, method).catch(refused));
      return granted.get(method);
    };
    const seen = [];
    for (const service of await services.of(row.id, version)) {
      if (service.state !== 'visible') continue;
      const fields = (await grantedFor(service.base.method))?.fields.filter(
        ({ id }) => service.fields?.includes(id) ?? true,
      );
      if (fields) seen.push({ service, fields });
    }
    if (seen.length > 0)
      versions.push({
        version,
        deprecated: state === 'deprecated',
        schema: await catalogue.schema(owner, code, version),
        services: seen,
      });
  }
  if (versions.length === 0) throw notFound('Registry');
  return { owner, code: row.code, name: row.name, description: row.description, versions };
}

const pageSize = 50;

/** Registries that a reader may use, by code, some at a time. */
export async function describedPage(
  parts: DescriptionParts,
  reader: Reader,
  owner: string,
  after: string,
): Promise<{ readonly registries: DescribedRegistry[]; readonly next: string | undefined }> {
  const rows = await parts.db
    .selectFrom('registry')
    .select('code')
    .where('owner', '=', owner)
    .where('state', '<>', 'draft')
    .where('code', '>', after)
    .orderBy('code')
    .limit(pageSize + 1)
    .execute();
  const page = rows.slice(0, pageSize);
  const registries = [];
  for (const { code } of page) {
    const described = await describedFor(parts, reader, owner, code).catch(refused);
    if (described) registries.push(described);
  }
  return { registries, next: rows.length > pageSize ? page.at(-1)?.code : undefined };
}
