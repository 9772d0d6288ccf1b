import { type JsonWebKey, X509Certificate } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Policy } from '../api/gateway/policy.ts';
import type { Connection, MediatorTables } from '../tables.ts';
import type { AccessGroup } from './groups.ts';

export interface DirectoryApplication {
  readonly id: string;
  readonly memberId: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly publicKey: JsonWebKey | undefined;
  /** Applications that may act for this one. */
  readonly operators: readonly string[];
  readonly connection: Connection;
  /** SHA-256 of its TLS certificates (DER), lower-case hex. */
  readonly tlsCertificates: readonly string[];
}

export interface DirectoryService {
  readonly id: string;
  readonly applicationId: string;
  readonly title: string;
  /** `local:<block>/<surface>` or the base URL of a provider elsewhere. */
  readonly target: string;
  /** Where the service description is; undefined: under `/openapi.json` of the target. */
  readonly specUrl: string | undefined;
  /** The stored service description; undefined: fetched from the provider. */
  readonly openapi: Record<string, unknown> | undefined;
  readonly timeoutMs: number;
  readonly enabled: boolean;
  readonly notice: string | undefined;
  readonly disabledEndpoints: readonly DisabledEndpoint[];
  /** How its requests are let through; undefined: as they are. */
  readonly policy?: Policy;
  /** Applications that use it under one of its plans. */
  readonly planOf?: ReadonlyMap<string, { readonly plan: string; readonly endsAt: number }>;
  /** What its provider is shown, sealed. */
  readonly credential?: Buffer;
}

/** Some endpoints of a service: a method or `*`, and a path pattern. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
}

/** Endpoints that are switched off, and what their callers are told. */
export interface DisabledEndpoint extends Endpoint {
  readonly notice: string;
}

export interface Snapshot {
  readonly version: string;
  /** What callers are told in maintenance mode. */
  readonly maintenance: string | undefined;
  readonly instances: readonly string[];
  readonly members: ReadonlyMap<string, { readonly id: string; readonly name: string }>;
  readonly applications: ReadonlyMap<string, DirectoryApplication>;
  /** By the SHA-256 of their TLS certificates. */
  readonly byCertificate: ReadonlyMap<string, readonly DirectoryApplication[]>;
  readonly services: ReadonlyMap<string, DirectoryService>;
  readonly groups: ReadonlyMap<string, AccessGroup>;
  /** Ids of the groups to which an application belongs. */
  readonly groupsOf: ReadonlyMap<string, readonly string[]>;
  /** Service, then subject. */
  readonly rights: ReadonlyMap<string, ReadonlyMap<string, readonly Endpoint[]>>;
}

/** SHA-256 over the DER of a PEM certificate, lower-case hex: how a peer's certificate is recognised. */
export const fingerprintOf = (pem: string): string =>
  new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();

const planOf = (
  rows:
    | readonly { readonly consumer: string; readonly plan: string; readonly expires_at: unknown }[]
    | undefined,
): Pick<DirectoryService, 'planOf'> =>
  rows
    ? {
        planOf: new Map(
          rows.map(({ consumer, plan, expires_at }) => [
            consumer,
            { plan, endsAt: expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(String(expires_at)) },
          ]),
        ),
      }
    : {};

const policyOf = (
  row: { readonly policy: unknown; readonly credential: Buffer | null } | undefined,
): Pick<DirectoryService, 'policy' | 'credential'> =>
  row ? { policy: row.policy as Policy, ...(row.credential ? { credential: row.credential } : {}) } : {};

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
      const maintenance = await trx.selectFrom('maintenance').select('notice').executeTakeFirst();
      const instances = await trx.selectFrom('instance').select('code').orderBy('code').execute();
      const members = await trx.selectFrom('member').select(['id', 'name']).orderBy('id').execute();
      const applications = await trx
        .selectFrom('application')
        .select([
          'id',
          'member_id',
          'name',
          'status',
          'public_key',
          'operators',
          'connection',
          'tls_certificates',
        ])
        .orderBy('id')
        .execute();
      const services = await trx
        .selectFrom('service')
        .select([
          'id',
          'application_id',
          'title',
          'target',
          'spec_url',
          'openapi',
          'timeout_ms',
          'enabled',
          'notice',
        ])
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

      const grouped = await trx
        .selectFrom('access_group')
        .leftJoin('group_member', 'group_member.group_id', 'access_group.id')
        .select(['id', 'description', 'application'])
        .orderBy('id')
        .orderBy('application')
        .execute();
      const disabled = await trx
        .selectFrom('disabled_endpoint')
        .selectAll()
        .orderBy('path')
        .orderBy('method')
        .execute();

      const plans = Map.groupBy(
        await trx.selectFrom('plan_subscription').selectAll().execute(),
        ({ service_id }) => service_id,
      );
      const policies = new Map(
        (await trx.selectFrom('gateway_policy').selectAll().execute()).map((row) => [row.service_id, row]),
      );
      const groups = new Map<string, AccessGroup & { readonly members: string[] }>();
      const groupsOf = new Map<string, string[]>();
      for (const { id, description, application } of grouped) {
        const group = groups.get(id) ?? { id, description, members: [] };
        groups.set(id, group);
        if (application === null) continue;
        group.members.push(application);
        groupsOf.set(application, [...(groupsOf.get(application) ?? []), id]);
      }
      const disabledByService = Map.groupBy(disabled, ({ service_id }) => service_id);
      const rightsByService = new Map<string, Map<string, Endpoint[]>>();
      for (const { service_id, subject, method, path } of rights) {
        const subjects = rightsByService.get(service_id) ?? new Map<string, Endpoint[]>();
        subjects.set(subject, [...(subjects.get(subject) ?? []), { method, path }]);
        rightsByService.set(service_id, subjects);
      }
      const byId = new Map<string, DirectoryApplication>(
        applications.map((row) => [
          row.id,
          {
            id: row.id,
            memberId: row.member_id,
            name: row.name,
            enabled: row.status === 'registered',
            publicKey: (row.public_key as JsonWebKey | null) ?? undefined,
            operators: row.operators,
            connection: row.connection,
            tlsCertificates: row.tls_certificates.map(fingerprintOf),
          },
        ]),
      );
      const byCertificate = new Map<string, DirectoryApplication[]>();
      for (const application of byId.values())
        for (const certificate of application.tlsCertificates)
          byCertificate.set(certificate, [...(byCertificate.get(certificate) ?? []), application]);
      return {
        version,
        maintenance: maintenance?.notice,
        instances: instances.map(({ code }) => code),
        members: new Map(members.map((row) => [row.id, row])),
        applications: byId,
        byCertificate,
        services: new Map(
          services.map((row) => [
            row.id,
            {
              id: row.id,
              applicationId: row.application_id,
              title: row.title,
              target: row.target,
              specUrl: row.spec_url ?? undefined,
              openapi: (row.openapi as Record<string, unknown> | null) ?? undefined,
              timeoutMs: row.timeout_ms,
              enabled: row.enabled,
              notice: row.notice ?? undefined,
              ...policyOf(policies.get(row.id)),
              ...planOf(plans.get(row.id)),
              disabledEndpoints: (disabledByService.get(row.id) ?? []).map(({ method, path, notice }) => ({
                method,
                path,
                notice,
              })),
            },
          ]),
        ),
        groups,
        groupsOf,
        rights: rightsByService,
      };
    });
