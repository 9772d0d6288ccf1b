import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import { matchesGlob } from '../rights/glob.ts';
import type { MediatorTables } from '../tables.ts';
import type { AccessGroup } from './groups.ts';
import { type DirectoryApplication, type DirectoryService, type Endpoint, loadSnapshot } from './snapshot.ts';

/** Reads of the directory, all from memory. */
export interface Directory {
  /** Rises with every change. */
  version(): string;
  /** What callers are told while this mediator is in maintenance mode; undefined: it works. */
  maintenance(): string | undefined;
  instances(): readonly string[];
  members(): readonly { readonly id: string; readonly name: string }[];
  hasMember(id: string): boolean;
  applications(): readonly DirectoryApplication[];
  application(id: string): DirectoryApplication | undefined;
  /** Applications to which a TLS certificate (SHA-256, hex) belongs. */
  applicationsWith(certificate: string): readonly DirectoryApplication[];
  services(): readonly DirectoryService[];
  service(id: string): DirectoryService | undefined;
  /** Groups of applications that are kept here. */
  groups(): ReadonlyMap<string, AccessGroup>;
  /** The right under which a call is allowed, worded for the log; undefined: refused. `path` as rights see it. */
  rightFor(client: string, service: string, method: string, path: string): string | undefined;
  /** What callers of an endpoint are told when it is switched off; undefined: it is not. `path` as rights see it. */
  disabledNotice(service: string, method: string, path: string): string | undefined;
  /** Endpoints of a service that a client may use; method `*` and path `**` stand for all of them. */
  endpointsAllowed(client: string, service: string): readonly Endpoint[];
  /** Takes over changes now; called after every change made on this node. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Changes made on another node are looked for this often, in milliseconds: revoked rights end within a second. */
const lookMs = 200;

const covers = (right: Endpoint, method: string, path: string): boolean =>
  (right.method === '*' || right.method === method.toUpperCase()) && matchesGlob(right.path, path);

/**
 * The directory in memory: changes made on this node count at once, those of other nodes within a second.
 * `globalGroupsOf`: groups that a centre elsewhere keeps.
 */
export async function openDirectory(
  db: Kysely<MediatorTables>,
  log: Logger,
  globalGroupsOf: (application: string) => readonly string[] = () => [],
): Promise<Directory> {
  let snapshot = await loadSnapshot(db);
  let loading: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let closed = false;

  const load = async (): Promise<void> => {
    const loaded = await loadSnapshot(db);
    if (BigInt(loaded.version) >= BigInt(snapshot.version)) snapshot = loaded;
  };
  /** Whoever asks while a load is under way shares the one after it, which surely sees their change. */
  const refresh = (): Promise<void> => {
    if (!loading) {
      loading = load().finally(() => {
        loading = undefined;
      });
      return loading;
    }
    next ??= loading
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return refresh();
      });
    return next;
  };

  let looking: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const { rows } = await sql<{ version: string }>`select version from directory_version`.execute(db);
      if (!closed && rows[0]?.version !== snapshot.version) await refresh();
    } catch (error) {
      if (!closed) log.warn({ err: error }, 'changes of the directory could not be looked for');
    }
  };
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, lookMs);
  timer.unref();

  const groupsOf = (client: string): readonly string[] => [
    ...(snapshot.groupsOf.get(client) ?? []),
    ...globalGroupsOf(client),
  ];

  return {
    version: () => snapshot.version,
    maintenance: () => snapshot.maintenance,
    instances: () => snapshot.instances,
    members: () => [...snapshot.members.values()],
    hasMember: (id) => snapshot.members.has(id),
    applications: () => [...snapshot.applications.values()],
    application: (id) => snapshot.applications.get(id),
    applicationsWith: (certificate) => snapshot.byCertificate.get(certificate) ?? [],
    services: () => [...snapshot.services.values()],
    service: (id) => snapshot.services.get(id),
    rightFor(client, service, method, path) {
      const subjects = snapshot.rights.get(service);
      if (!subjects) return undefined;
      const own = subjects.get(client)?.find((one) => covers(one, method, path));
      if (own) return `${own.method} ${own.path}`;
      for (const group of groupsOf(client)) {
        const right = subjects.get(group)?.find((one) => covers(one, method, path));
        if (right) return `${right.method} ${right.path} as one of ${group}`;
      }
      return undefined;
    },
    groups: () => snapshot.groups,
    disabledNotice: (service, method, path) =>
      snapshot.services.get(service)?.disabledEndpoints.find((one) => covers(one, method, path))?.notice,
    endpointsAllowed: (client, service) => {
      const subjects = snapshot.rights.get(service);
      return [client, ...groupsOf(client)].flatMap((subject) => subjects?.get(subject) ?? []);
    },
    refresh,
    async close() {
      closed = true;
      clearInterval(timer);
      await looking;
    },
  };
}
