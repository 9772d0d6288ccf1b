import { badRequest, conflict, notFound, Problem, type ProblemDetail, transaction } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { applyChanges, lockDirectory } from './apply.ts';
import type { Configuration } from './configuration.ts';
import { type Current, loadCurrent } from './current.ts';
import { dependentsOf } from './dependents.ts';
import { desiredOf, type Manner } from './desired.ts';
import { type Change, differenceOf } from './difference.ts';
import { type Document, documentOf, etagOf } from './document.ts';
import { documentOfVersion, type Method, newestVersion, recordVersion } from './history.ts';
import { readDocument } from './mentioned.ts';
import { type Keepers, type Protected, protectedIn } from './protected.ts';
import { textDefects } from './text-defects.ts';

export interface Write {
  readonly method: Exclude<Method, 'found'>;
  /** The document; what it is has not been checked. */
  readonly given: unknown;
  /** Of a roll back: the version the document is from. */
  readonly restored?: number;
  readonly dryRun: boolean;
  /** Entity tags of which one must be that of the configuration as it is. */
  readonly ifMatch: string | undefined;
  readonly actor: string;
}

export interface Written {
  readonly changes: readonly Change[];
  /** Of the configuration now; in a dry run, as it would be. */
  readonly etag: string;
  /** The version that holds it; undefined when nothing changed before any document was applied. */
  readonly version: number | undefined;
}

/** Reads and writes of the configuration as a whole (digest 3.4). */
export interface ConfigurationManager {
  read(): Promise<{
    readonly document: Document;
    readonly etag: string;
    readonly version: number | undefined;
  }>;
  /** All of it or, with every defect named, nothing. */
  write(write: Write): Promise<Written>;
  /** What leads from one version to another. */
  difference(from: number, to: number): Promise<readonly Change[]>;
  /** Whether anything stands here that the mediator did not put here itself. */
  isConfigured(): Promise<boolean>;
  /** Rights the mediator needs itself, each `service subject`. */
  protectedRights(): Promise<ReadonlySet<string>>;
}

const mostDefects = 500;

function refuseIf(defects: readonly ProblemDetail[]): void {
  if (defects.length === 0) return;
  const more = defects.length > mostDefects ? `, of which ${mostDefects} are named` : '';
  const summary = `The configuration was not applied: ${defects.length} ${defects.length === 1 ? 'defect' : 'defects'}${more}`;
  throw badRequest(summary, defects.slice(0, mostDefects));
}

function assertMatch(ifMatch: string | undefined, etag: string): void {
  if (ifMatch === undefined) return;
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (tags.includes('*') || tags.includes(etag)) return;
  throw new Problem(412, 'The configuration is not the one this change was made for: read it again', {
    headers: { etag },
  });
}

/** Nothing but what a start of the mediator puts into an empty directory. */
const isUntouched = ({ configuration, version }: Current, kept: Protected): boolean =>
  version === undefined &&
  [...configuration.applications.keys()].every((id) => kept.applications.has(id)) &&
  [...configuration.members.keys()].every((id) => kept.members.has(id)) &&
  [...configuration.services.keys()].every((id) => kept.services.has(id));

export function createConfigurationManager(
  db: Kysely<MediatorTables>,
  instance: string,
  keepers: Keepers,
): ConfigurationManager {
  const current = (on: Kysely<MediatorTables>): Promise<Current> => loadCurrent(on, instance);
  const steadily = <R>(work: (trx: Kysely<MediatorTables>) => Promise<R>): Promise<R> =>
    transaction(db, work, { isolation: 'repeatable read' });

  /** What the document makes of the configuration, or a refusal that names all that is wrong. */
  async function plan(
    trx: Kysely<MediatorTables>,
    now: Current,
    kept: Protected,
    { given, method }: Write,
  ): Promise<{ to: Configuration; changes: Change[] }> {
    refuseIf(textDefects(given));
    const manner: Manner = method === 'update' ? 'update' : 'replace';
    const { configuration: to, defects } = desiredOf(readDocument(given), now, kept, manner);
    const gone = (kind: 'members' | 'applications' | 'services'): string[] =>
      [...now.configuration[kind].keys()].filter((id) => !to[kind].has(id));
    const dependents = await dependentsOf(trx, {
      member: gone('members'),
      application: gone('applications'),
      service: gone('services'),
    });
    refuseIf([
      ...defects,
      ...dependents.map(({ id, table }) => ({
        in: 'body' as const,
        pointer: '/members',
        detail: `${id} cannot go: entries of ${table} name it`,
      })),
    ]);
    const changes = differenceOf(now.configuration, to);
    if (method === 'create' && changes.length > 0 && !isUntouched(now, kept))
      throw conflict('This instance is configured already: replace or update its configuration');
    return { to, changes };
  }

  async function carryOut(trx: Kysely<MediatorTables>, write: Write): Promise<Written> {
    if (!write.dryRun) await lockDirectory(trx);
    const now = await current(trx);
    const before = documentOf(now.configuration);
    const etag = etagOf(before);
    assertMatch(write.ifMatch, etag);
    const kept = protectedIn(now.configuration, keepers);
    const { to, changes } = await plan(trx, now, kept, write);
    if (changes.length === 0) return { changes, etag, version: now.version };
    const after = documentOf(to);
    const written = { changes, etag: etagOf(after) };
    if (write.dryRun) return { ...written, version: now.version };
    const { actor, method, restored } = write;
    if ((await newestVersion(trx))?.etag !== etag)
      await recordVersion(trx, { actor: keepers.own, method: 'found', etag, changes: [], document: before });
    await applyChanges(trx, changes, to, actor);
    const version = await recordVersion(trx, { ...written, actor, method, restored, document: after });
    return { ...written, version };
  }

  return {
    read: () =>
      steadily(async (trx) => {
        const { configuration, version } = await current(trx);
        const document = documentOf(configuration);
        return { document, etag: etagOf(document), version };
      }),
    write: (write) =>
      write.dryRun ? steadily((trx) => carryOut(trx, write)) : transaction(db, (trx) => carryOut(trx, write)),
    difference: (from, to) =>
      steadily(async (trx) => {
        const before = await stateOf(trx, from);
        return differenceOf(before, await stateOf(trx, to));
      }),
    isConfigured: () =>
      steadily(async (trx) => {
        const now = await current(trx);
        return !isUntouched(now, protectedIn(now.configuration, keepers));
      }),
    protectedRights: () =>
      steadily(async (trx) => protectedIn((await current(trx)).configuration, keepers).rights),
  };

  /** A version's document read back, over an empty directory. */
  async function stateOf(trx: Kysely<MediatorTables>, version: number): Promise<Configuration> {
    const found = await documentOfVersion(trx, version);
    if (!found) throw notFound('This version');
    const nothing = { applications: new Set<string>(), members: new Set<string>() };
    const empty: Current = {
      configuration: {
        instance,
        domain: '',
        members: new Map(),
        applications: new Map(),
        services: new Map(),
        rights: new Map(),
      },
      foreign: new Set(),
      version: undefined,
    };
    return desiredOf(
      readDocument(found.document),
      empty,
      { ...nothing, services: new Set(), rights: new Set() },
      'replace',
    ).configuration;
  }
}
