import type { JsonWebKey } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { openSigningKey, type SigningKey } from '../keys/signing-key.ts';
import { matchesGlob } from '../rights/glob.ts';
import type { MediatorTables } from './tables.ts';

export interface DirectoryApplication {
  readonly id: string;
  readonly memberId: string;
  readonly name: string;
  readonly publicKey: JsonWebKey | undefined;
  readonly operators: readonly string[];
}

export interface DirectoryService {
  readonly id: string;
  readonly applicationId: string;
  readonly title: string;
  readonly target: string;
  readonly timeoutMs: number;
  readonly enabled: boolean;
  readonly notice: string | undefined;
}

interface Right {
  readonly method: string;
  readonly path: string;
}

interface Snapshot {
  readonly version: string;
  readonly members: ReadonlyMap<string, { readonly name: string; readonly key: SigningKey }>;
  readonly applications: ReadonlyMap<string, DirectoryApplication>;
  readonly services: ReadonlyMap<string, DirectoryService>;
  /** `service client` → rights. */
  readonly rights: ReadonlyMap<string, readonly Right[]>;
}

export interface Directory {
  member(id: string): { readonly name: string; readonly key: SigningKey } | undefined;
  application(id: string): DirectoryApplication | undefined;
  service(id: string): DirectoryService | undefined;
  applications(): readonly DirectoryApplication[];
  services(): readonly DirectoryService[];
  members(): readonly { readonly id: string; readonly name: string }[];
  /** The right under which a call is allowed, worded for the log; undefined: refused. */
  allows(client: string, service: string, method: string, path: string): string | undefined;
  hasRight(client: string, service: string): boolean;
  /** Takes over changes now; called after every change made here. */
  refresh(): Promise<void>;
  close(): void;
}

async function load(db: Kysely<MediatorTables>, sealingKey: Buffer): Promise<Snapshot> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const { version } = await trx
        .selectFrom('directory_version')
        .select('version')
        .executeTakeFirstOrThrow();
      const members = await trx.selectFrom('member').selectAll().execute();
      const applications = await trx.selectFrom('application').selectAll().execute();
      const services = await trx.selectFrom('service').selectAll().execute();
      const rights = await trx
        .selectFrom('access_right')
        .select(['service_id', 'subject', 'method', 'path'])
        .execute();
      const grouped = new Map<string, Right[]>();
      for (const right of rights) {
        const key = `${right.service_id} ${right.subject}`;
        grouped.set(key, [...(grouped.get(key) ?? []), { method: right.method, path: right.path }]);
      }
      return {
        version,
        rights: grouped,
        members: new Map(
          members.map((row) => [
            row.id,
            {
              name: row.name,
              key: openSigningKey(sealingKey, row.signing_key, row.signing_certificate_key as JsonWebKey),
            },
          ]),
        ),
        applications: new Map(
          applications.map((row) => [
            row.id,
            {
              id: row.id,
              memberId: row.member_id,
              name: row.name,
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
              timeoutMs: row.timeout_ms,
              enabled: row.enabled,
              notice: row.notice ?? undefined,
            },
          ]),
        ),
      };
    });
}

/** Longest time a change made on another node stays unseen here. */
const refreshMs = 1000;

/** The directory in memory: changes made on this node count at once, those of other nodes within a second. */
export async function openDirectory(db: Kysely<MediatorTables>, sealingKey: Buffer): Promise<Directory> {
  let snapshot = await load(db, sealingKey);
  let reading: Promise<void> = Promise.resolve();
  const refresh = (): Promise<void> => {
    reading = reading.then(async () => {
      snapshot = await load(db, sealingKey);
    });
    return reading;
  };
  const timer = setInterval(() => {
    sql<{ version: string }>`select version from directory_version`
      .execute(db)
      .then(async ({ rows }) => {
        if (rows[0]?.version !== snapshot.version) await refresh();
      })
      .catch(() => undefined);
  }, refreshMs);
  timer.unref();
  return {
    member: (id) => snapshot.members.get(id),
    application: (id) => snapshot.applications.get(id),
    service: (id) => snapshot.services.get(id),
    applications: () => [...snapshot.applications.values()],
    services: () => [...snapshot.services.values()],
    members: () => [...snapshot.members].map(([id, { name }]) => ({ id, name })),
    allows(client, service, method, path) {
      const right = snapshot.rights
        .get(`${service} ${client}`)
        ?.find(
          (one) =>
            (one.method === '*' || one.method.toUpperCase() === method.toUpperCase()) &&
            matchesGlob(one.path, path),
        );
      return right && `${right.method} ${right.path}`;
    },
    hasRight: (client, service) => snapshot.rights.has(`${service} ${client}`),
    refresh,
    close: () => clearInterval(timer),
  };
}
