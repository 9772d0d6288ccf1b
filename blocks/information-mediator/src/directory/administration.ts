import { badRequest, memberOf, notFound } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import { newSigningKey } from '../keys/signing-key.ts';
import type { MediatorTables } from './tables.ts';

/** Service codes that X-Road keeps for itself. */
const reservedCodes = new Set([
  'listClients',
  'listMethods',
  'allowedMethods',
  'getWsdl',
  'getOpenAPI',
  'getSecurityServerMetrics',
  'getSecurityServerOperationalData',
  'getSecurityServerHealthData',
]);

async function change(
  db: Kysely<MediatorTables>,
  work: (trx: Transaction<MediatorTables>) => Promise<void>,
): Promise<void> {
  try {
    await db.transaction().execute(async (trx) => {
      await work(trx);
      await sql`update directory_version set version = version + 1`.execute(trx);
    });
  } catch (error) {
    if ((error as { code?: string }).code === '23503')
      throw notFound('A member, application or service named in the request');
    throw error;
  }
}

export const putMember = (
  db: Kysely<MediatorTables>,
  sealingKey: Buffer,
  member: { id: string; name: string },
): Promise<void> =>
  change(db, async (trx) => {
    const known = await trx.selectFrom('member').select('id').where('id', '=', member.id).executeTakeFirst();
    if (known) {
      await trx.updateTable('member').set({ name: member.name }).where('id', '=', member.id).execute();
      return;
    }
    const key = newSigningKey(sealingKey);
    await sql`
      insert into member (id, name, signing_key, signing_certificate_key)
      values (${member.id}, ${member.name}, ${key.sealed}, ${JSON.stringify(key.publicJwk)}::jsonb)
      on conflict on constraint member_pkey do update set name = excluded.name`.execute(trx);
  });

export const putApplication = (
  db: Kysely<MediatorTables>,
  application: {
    id: string;
    name: string;
    publicKey?: Record<string, unknown>;
    operators?: readonly string[];
  },
): Promise<void> => {
  const jwk = application.publicKey;
  if (jwk && (jwk.kty !== 'EC' || jwk.crv !== 'P-256' || 'd' in jwk)) {
    throw badRequest('publicKey must be a public P-256 JWK', [
      { in: 'body', pointer: '/publicKey', detail: 'is not a public P-256 key' },
    ]);
  }
  return change(db, async (trx) => {
    await sql`
      insert into application (id, member_id, name, public_key, operators)
      values (${application.id}, ${memberOf(application.id)}, ${application.name},
        ${jwk ? JSON.stringify(jwk) : null}::jsonb, ${[...(application.operators ?? [])]}::text[])
      on conflict on constraint application_pkey do update
      set name = excluded.name,
        public_key = coalesce(excluded.public_key, application.public_key),
        operators = case when ${application.operators !== undefined} then excluded.operators else application.operators end`.execute(
      trx,
    );
  });
};

export const putService = (
  db: Kysely<MediatorTables>,
  service: {
    id: string;
    title: string;
    target: string;
    timeoutMs?: number;
    enabled?: boolean;
    notice?: string;
  },
): Promise<void> => {
  const code = service.id.split('/')[4] as string;
  if (reservedCodes.has(code))
    throw badRequest(`${code} is reserved`, [
      { in: 'body', pointer: '/id', detail: 'is a reserved service code' },
    ]);
  return change(db, async (trx) => {
    await sql`
      insert into service (id, application_id, title, target, timeout_ms, enabled, notice)
      values (${service.id}, ${service.id.split('/').slice(0, 4).join('/')}, ${service.title}, ${service.target},
        ${service.timeoutMs ?? 30_000}, ${service.enabled ?? true}, ${service.notice ?? null})
      on conflict on constraint service_pkey do update
      set title = excluded.title, target = excluded.target, timeout_ms = excluded.timeout_ms,
        enabled = excluded.enabled, notice = excluded.notice`.execute(trx);
  });
};

interface RightInput {
  readonly service: string;
  readonly subject: string;
  readonly method?: string;
  readonly path?: string;
}

export const grantRight = (db: Kysely<MediatorTables>, right: RightInput, grantedBy: string): Promise<void> =>
  change(db, async (trx) => {
    await sql`
      insert into access_right (service_id, subject, method, path, granted_by)
      values (${right.service}, ${right.subject}, ${(right.method ?? '*').toUpperCase()}, ${right.path ?? '**'}, ${grantedBy})
      on conflict on constraint access_right_pkey do nothing`.execute(trx);
  });

export const withdrawRight = (db: Kysely<MediatorTables>, right: RightInput): Promise<void> =>
  change(db, async (trx) => {
    let rights = trx
      .deleteFrom('access_right')
      .where('service_id', '=', right.service)
      .where('subject', '=', right.subject);
    if (right.method !== undefined) rights = rights.where('method', '=', right.method.toUpperCase());
    if (right.path !== undefined) rights = rights.where('path', '=', right.path);
    await rights.execute();
  });

export const putSubscription = (
  db: Kysely<MediatorTables>,
  subscription: { eventType: string; subscriber: string },
): Promise<void> =>
  change(db, async (trx) => {
    await sql`
      insert into subscription (event_type, subscriber)
      values (${subscription.eventType}, ${subscription.subscriber})
      on conflict on constraint subscription_pkey do nothing`.execute(trx);
  });
