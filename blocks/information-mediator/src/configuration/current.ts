import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import {
  type Application,
  type Configuration,
  defaultDomain,
  inOrder,
  type Right,
  rightId,
  type Service,
} from './configuration.ts';

export interface Current {
  readonly configuration: Configuration;
  /** Applications of other instances that are known here: they may hold rights, they are not configured here. */
  readonly foreign: ReadonlySet<string>;
  /** Newest version on record; undefined: no document was applied yet. */
  readonly version: number | undefined;
}

/** The configuration of the instance as the directory holds it now. */
export async function loadCurrent(db: Kysely<MediatorTables>, instance: string): Promise<Current> {
  const ours = (id: string): boolean => id.startsWith(`${instance}/`);
  const said = await db.selectFrom('configuration').select('domain').executeTakeFirst();
  const last = await db
    .selectFrom('configuration_version')
    .select(sql<number | null>`max(version)`.as('version'))
    .executeTakeFirstOrThrow();
  const members = await db.selectFrom('member').select(['id', 'name']).execute();
  const applications = await db
    .selectFrom('application')
    .select(['id', 'name', 'status', 'connection', 'public_key', 'operators', 'tls_certificates'])
    .execute();
  const services = await db
    .selectFrom('service')
    .select(['id', 'title', 'target', 'spec_url', 'timeout_ms', 'enabled', 'notice', 'openapi'])
    .execute();
  const endpoints = await db
    .selectFrom('access_right')
    .select(['service_id', 'subject', 'method', 'path'])
    // Rights of groups are not part of the document, and stay as they are.
    .where('subject', 'not like', '%/GLOBALGROUP/%')
    .where('subject', 'not like', '%/LOCALGROUP/%')
    .execute();

  const rights = new Map<string, Right & { endpoints: { method: string; path: string }[] }>();
  for (const { service_id: service, subject, method, path } of endpoints.filter((row) =>
    ours(row.service_id),
  )) {
    const id = rightId(service, subject);
    const right = rights.get(id) ?? { id, service, subject, endpoints: [] };
    right.endpoints.push({ method, path });
    rights.set(id, right);
  }
  return {
    configuration: {
      instance,
      domain: said?.domain ?? defaultDomain,
      members: inOrder(members.filter(({ id }) => ours(id))),
      applications: inOrder(
        applications
          .filter(({ id }) => ours(id))
          .map(
            (row): Application => ({
              id: row.id,
              name: row.name,
              status: row.status,
              connection: row.connection,
              publicKey: row.public_key as Record<string, unknown> | null,
              operators: row.operators.toSorted(),
              tlsCertificates: row.tls_certificates.toSorted(),
            }),
          ),
      ),
      services: inOrder(
        services
          .filter(({ id }) => ours(id))
          .map(
            (row): Service => ({
              id: row.id,
              title: row.title,
              serviceUrl: row.target,
              specUrl: row.spec_url,
              timeoutMs: row.timeout_ms,
              enabled: row.enabled,
              notice: row.notice,
              openapi: row.openapi as Record<string, unknown> | null,
            }),
          ),
      ),
      rights: inOrder(
        [...rights.values()].map((right) => ({ ...right, endpoints: sorted(right.endpoints) })),
      ),
    },
    foreign: new Set(applications.map(({ id }) => id).filter((id) => !ours(id))),
    version: last.version ?? undefined,
  };
}

const key = ({ method, path }: { method: string; path: string }): string => `${path} ${method}`;

/** Endpoints in one order, each once. */
export const sorted = <T extends { method: string; path: string }>(endpoints: readonly T[]): T[] =>
  [...new Map(endpoints.map((one) => [key(one), one])).values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
