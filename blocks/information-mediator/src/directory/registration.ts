import { X509Certificate } from 'node:crypto';
import { applicationOf, badRequest, memberOf } from '@govstack/platform';
import type { JWK } from 'jose';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Connection, MediatorTables } from '../tables.ts';
import { change, changeWithin, metaServiceCodes } from './change.ts';
import { assertTarget } from './target.ts';

/** Registers the instance this directory is for. */
export const putInstance = (db: Kysely<MediatorTables>, code: string): Promise<boolean> =>
  change(db, [
    sql`
      insert into instance (code, title)
      values (${code}, ${code})
      on conflict on constraint instance_pkey do nothing`,
  ]);

/** Puts the mediator into maintenance mode with a notice for callers, or out of it (x-road.md 4). */
export const putMaintenance = (db: Kysely<MediatorTables>, notice: string | null): Promise<boolean> =>
  change(db, [
    notice === null
      ? sql`delete from maintenance`
      : sql`
          insert into maintenance (notice)
          values (${notice})
          on conflict on constraint maintenance_pkey do update
          set notice = excluded.notice
          where maintenance.notice <> excluded.notice`,
  ]);

interface Member {
  readonly id: string;
  readonly name: string;
}

const memberStatements = ({ id, name }: Member): RawBuilder<unknown>[] => [
  sql`
    insert into member (id, instance_code, name)
    values (${id}, ${id.split('/')[0]}, ${name})
    on conflict on constraint member_pkey do update
    set name = excluded.name
    where member.name <> excluded.name`,
];

/** Registers a member or changes its name. */
export const putMember = (db: Kysely<MediatorTables>, member: Member): Promise<boolean> =>
  change(db, memberStatements(member));

/** The same as part of a transaction. */
export const writeMember = async (trx: Transaction<MediatorTables>, member: Member): Promise<void> => {
  await changeWithin(trx, memberStatements(member));
};

export interface ApplicationRegistration {
  readonly id: string;
  readonly name: string;
  readonly publicKey?: Record<string, unknown> | null;
  readonly operators?: readonly string[];
  readonly status?: 'registered' | 'disabled';
  readonly connection?: Connection;
  /** PEM. */
  readonly tlsCertificates?: readonly string[];
}

/** The public key as it is kept: what a P-256 key is made of, nothing else. */
export function publicKeyOf(jwk: Record<string, unknown>): JWK {
  const { kty, crv, x, y, kid, d } = jwk as JWK;
  if (kty !== 'EC' || crv !== 'P-256' || typeof x !== 'string' || typeof y !== 'string' || d !== undefined)
    throw badRequest('publicKey must be a public P-256 JWK', [
      { in: 'body', pointer: '/publicKey', detail: 'is not a public P-256 key' },
    ]);
  return { kty, crv, x, y, ...(typeof kid === 'string' ? { kid } : {}) };
}

/** A certificate as it is kept: one, in PEM. */
export function certificateOf(pem: string, index: number): string {
  try {
    return new X509Certificate(pem).toString();
  } catch {
    throw badRequest('tlsCertificates must be X.509 certificates in PEM', [
      { in: 'body', pointer: `/tlsCertificates/${index}`, detail: 'is not a certificate' },
    ]);
  }
}

function applicationStatements(application: ApplicationRegistration): RawBuilder<unknown>[] {
  const { publicKey, operators, status, connection, tlsCertificates } = application;
  const jwk = publicKey ? JSON.stringify(publicKeyOf(publicKey)) : null;
  const certificates = (tlsCertificates ?? []).map(certificateOf);
  const kept = {
    publicKey: sql`case when ${publicKey !== undefined} then excluded.public_key else application.public_key end`,
    operators: sql`case when ${operators !== undefined} then excluded.operators else application.operators end`,
    status: sql`case when ${status !== undefined} then excluded.status else application.status end`,
    connection: sql`case when ${connection !== undefined} then excluded.connection else application.connection end`,
    certificates: sql`case when ${tlsCertificates !== undefined} then excluded.tls_certificates
      else application.tls_certificates end`,
  };
  return [
    sql`
      insert into application (id, member_id, name, public_key, operators, status, connection, tls_certificates)
      values (${application.id}, ${memberOf(application.id)}, ${application.name}, ${jwk}::jsonb,
        ${[...(operators ?? [])]}::text[], ${status ?? 'registered'}, ${connection ?? 'https'}, ${certificates}::text[])
      on conflict on constraint application_pkey do update
      set name = excluded.name, public_key = ${kept.publicKey}, operators = ${kept.operators},
        status = ${kept.status}, connection = ${kept.connection}, tls_certificates = ${kept.certificates}
      where (application.name, application.public_key, application.operators, application.status,
          application.connection, application.tls_certificates)
        is distinct from (excluded.name, ${kept.publicKey}, ${kept.operators}, ${kept.status}, ${kept.connection},
          ${kept.certificates})`,
  ];
}

/**
 * Registers an application of a registered member or changes it. What is left out stays as it is; a `publicKey` of
 * null takes the key away.
 */
export const putApplication = async (
  db: Kysely<MediatorTables>,
  application: ApplicationRegistration,
): Promise<boolean> => change(db, applicationStatements(application));

/** The same as part of a transaction. */
export const writeApplication = async (
  trx: Transaction<MediatorTables>,
  application: ApplicationRegistration,
): Promise<void> => {
  await changeWithin(trx, applicationStatements(application));
};

export interface ServiceRegistration {
  readonly id: string;
  readonly title: string;
  readonly target: string;
  readonly openapi?: Record<string, unknown> | null;
  readonly timeoutMs?: number;
  readonly enabled?: boolean;
  readonly notice?: string | null;
}

export const isOpenApi = (document: Record<string, unknown>): boolean =>
  typeof document.openapi === 'string' &&
  /^3\.[01]\./.test(document.openapi) &&
  typeof document.paths === 'object' &&
  document.paths !== null;

/**
 * Registers a service of a registered application or changes it; replacing a product is this one call with another
 * target. What is left out stays as it is; an `openapi` or `notice` of null takes it away.
 */
export async function putService(db: Kysely<MediatorTables>, service: ServiceRegistration): Promise<boolean> {
  const code = service.id.split('/')[4] as string;
  if (metaServiceCodes.has(code))
    throw badRequest(`${code} is a service of the mediator itself`, [
      { in: 'path', pointer: '/service', detail: 'is a reserved service code' },
    ]);
  if (service.openapi && !isOpenApi(service.openapi))
    throw badRequest('openapi must be an OpenAPI 3.0 or 3.1 document', [
      { in: 'body', pointer: '/openapi', detail: 'is not an OpenAPI document' },
    ]);
  assertTarget(service.target);
  const { openapi, timeoutMs, enabled, notice } = service;
  const kept = {
    openapi: sql`case when ${openapi !== undefined} then excluded.openapi else service.openapi end`,
    timeout: sql`case when ${timeoutMs !== undefined} then excluded.timeout_ms else service.timeout_ms end`,
    enabled: sql`case when ${enabled !== undefined} then excluded.enabled else service.enabled end`,
    notice: sql`case when ${notice !== undefined} then excluded.notice else service.notice end`,
  };
  return change(db, [
    sql`
      insert into service (id, application_id, title, target, openapi, timeout_ms, enabled, notice)
      values (${service.id}, ${applicationOf(service.id)}, ${service.title}, ${service.target},
        ${openapi ? JSON.stringify(openapi) : null}::jsonb, ${timeoutMs ?? 30_000}, ${enabled ?? true},
        ${notice ?? null})
      on conflict on constraint service_pkey do update
      set title = excluded.title, target = excluded.target, openapi = ${kept.openapi}, timeout_ms = ${kept.timeout},
        enabled = ${kept.enabled}, notice = ${kept.notice}
      where (service.title, service.target, service.openapi, service.timeout_ms, service.enabled, service.notice)
        is distinct from (excluded.title, excluded.target, ${kept.openapi}, ${kept.timeout}, ${kept.enabled},
          ${kept.notice})`,
  ]);
}
