import type { JsonWebKey } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { MediatorTables } from '../tables.ts';

export interface DirectoryApplication {
  readonly id: string;
  readonly memberId: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly publicKey: JsonWebKey | undefined;
  /** Applications that may act for this one. */
  readonly operators: readonly string[];
}

export interface DirectoryService {
  readonly id: string;
  readonly applicationId: string;
  readonly title: string;
  /** `local:<block>/<surface>` or the base URL of a provider elsewhere. */
  readonly target: string;
  /** The stored service description; undefined: fetched from the provider. */
  readonly openapi: Record<string, unknown> | undefined;
  readonly timeoutMs: number;
  readonly enabled: boolean;
  readonly notice: string | undefined;
}

/** Some endpoints of a service: a method or `*`, and a path pattern. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
}

export interface Snapshot {
  readonly version: string;
  readonly instances: readonly string[];
  readonly members: ReadonlyMap<string, { readonly id: string; readonly name: string }>;
  readonly applications: ReadonlyMap<string, DirectoryApplication>;
  readonly services: ReadonlyMap<string, DirectoryService>;
  /** Service, then subject. */
  readonly rights: ReadonlyMap<string, ReadonlyMap<string, readonly Endpoint[]>>;
}

/** The whole directory as it stands at one moment. */
export const loadSnapshot = (db: Kysely<MediatorTables>): Promise<Snapshot> =>
  db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const { version } = await trx
        .selectFrom('directory_version')
        .select('version')
        .executeTakeFirstOrThrow();
      const instances = await trx.selectFrom('instance').select('code').orderBy('code').execute();
      const members = await trx.selectFrom('member').select(['id', 'name']).orderBy('id').execute();
      const applications = await trx
        .selectFrom('application')
        .select(['id', 'member_id', 'name', 'status', 'public_key', 'operators'])
        .orderBy('id')
        .execute();
      const services = await trx
        .selectFrom('service')
        .select(['id', 'application_id', 'title', 'target', 'openapi', 'timeout_ms', 'enabled', 'notice'])
        .orderBy('id')
        .execute();
      const rights = await trx
        .selectFrom('access_right')
        .select(['service_id', 'subject', 'method', 'path'])
        .orderBy('service_id')
        .orderBy('subject')
        .orderBy('method')
        .orderBy('path')
        .execute();

      const rightsByService = new Map<string, Map<string, Endpoint[]>>();
      for (const { service_id, subject, method, path } of rights) {
        const subjects = rightsByService.get(service_id) ?? new Map<string, Endpoint[]>();
        subjects.set(subject, [...(subjects.get(subject) ?? []), { method, path }]);
        rightsByService.set(service_id, subjects);
      }
      return {
        version,
        instances: instances.map(({ code }) => code),
        members: new Map(members.map((row) => [row.id, row])),
        applications: new Map(
          applications.map((row) => [
            row.id,
            {
              id: row.id,
              memberId: row.member_id,
              name: row.name,
              enabled: row.status === 'registered',
              publicKey: (row.public_key as JsonWebKey | null) ?? undefined,
              operators: row.operators,
            },
          ]),
        ),
        services: new Map(
          services.map((row) => [
            row.id,
            {
              id: row.id,
              applicationId: row.application_id,
              title: row.title,
              target: row.target,
              openapi: (row.openapi as Record<string, unknown> | null) ?? undefined,
              timeoutMs: row.timeout_ms,
              enabled: row.enabled,
              notice: row.notice ?? undefined,
            },
          ]),
        ),
        rights: rightsByService,
      };
    });
