import {
  badRequest,
  type Caller,
  forbidden,
  type ImplementedSurface,
  implement,
  memberOf,
  notFound,
  type Person,
  readYaml,
  YamlText,
} from '@govstack/platform';
import type { Kysely } from 'kysely';
import {
  type AllowedPair,
  allowAll,
  denyAll,
  listAllowed,
  type NamedPair,
} from '../../configuration/allow-list.ts';
import { rightId } from '../../configuration/configuration.ts';
import { type Change, countsOf, lineOf } from '../../configuration/difference.ts';
import { documentOfVersion, listVersions, newestVersion } from '../../configuration/history.ts';
import { createConfigurationManager, type Write } from '../../configuration/manage.ts';
import { readPairs } from '../../configuration/named-pairs.ts';
import type { PageTokens } from '../../configuration/page-token.ts';
import { failuresOf } from '../../configuration/status.ts';
import type { Directory } from '../../directory/directory.ts';
import type { MediatorTables } from '../../tables.ts';
import type { Governance } from '../authority.ts';
import { page, pageOf } from '../paging.ts';
import { mediatorConfig } from './operations.ts';
import { assertScope, assertWhole, type Grant, grantOf, type Scope } from './scopes.ts';

export interface ConfigurationManagement {
  readonly db: Kysely<MediatorTables>;
  readonly directory: Directory;
  readonly governance: Governance;
  readonly instance: string;
  /** The mediator's own application. */
  readonly own: string;
  readonly tokens: PageTokens;
}

interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

const mostLines = 200;

const differenceBody = (changes: readonly Change[]) => ({
  counts: countsOf(changes),
  lines: changes.map(lineOf),
  changes: changes.map((one) => ({ ...one, fields: [...one.fields] })),
});

/** The published answer to a write is a text. */
function report(version: number | undefined, changes: readonly Change[]): string {
  const state = version === undefined ? 'the configuration as it was' : `version ${version}`;
  if (changes.length === 0) return `Nothing to change: ${state} stands`;
  const { added, changed, removed } = countsOf(changes);
  const more = changes.length > mostLines ? [`… and ${changes.length - mostLines} more`] : [];
  return [
    `Version ${version} applied: ${added} added, ${changed} changed, ${removed} removed`,
    ...changes.slice(0, mostLines).map(lineOf),
    ...more,
  ].join('\n');
}

const given = (body: unknown): unknown => (body instanceof YamlText ? readYaml(body.text) : body);
const actorOf = ({ caller, person }: Who): string =>
  person ? `${caller.application} person ${person.id}` : caller.application;

/** The configuration surface: who may, what they give, one call of the domain, then it counts on this node. */
export function manageConfiguration(management: ConfigurationManagement): ImplementedSurface {
  const { db, directory, governance, instance, own, tokens } = management;
  const manager = createConfigurationManager(db, instance, {
    own,
    governance: governance.application,
    logReaders: governance.logReaders,
  });
  const granted = ({ caller, person }: Who, scope: Scope): Grant =>
    assertScope(grantOf(governance, caller, person), scope);
  const grantedWhole = (who: Who, scope: Scope): void => assertWhole(granted(who, scope));

  async function write(
    who: Who,
    how: Pick<Write, 'method' | 'given' | 'restored'>,
    query: { readonly dryRun?: boolean },
    ifMatch?: string,
  ) {
    const dryRun = query.dryRun ?? false;
    const written = await manager.write({ ...how, dryRun, ifMatch, actor: actorOf(who) });
    const headers = { etag: written.etag };
    if (dryRun) return { status: 200 as const, body: differenceBody(written.changes) };
    if (written.changes.length > 0) await directory.refresh();
    return { status: 201 as const, headers, body: report(written.version, written.changes) };
  }

  async function setRights(
    who: Who,
    body: unknown,
    set: (pairs: readonly NamedPair[]) => Promise<boolean>,
  ): Promise<{ status: 200; body: { changed: boolean } }> {
    const { member } = granted(who, 'write:rights');
    const pairs = await readPairs(db, instance, given(body));
    if (member !== undefined && pairs.some(({ service }) => memberOf(service) !== member))
      throw forbidden('A service among these belongs to another agency');
    const changed = pairs.length > 0 && (await set(pairs));
    if (changed) await directory.refresh();
    return { status: 200, body: { changed } };
  }

  return implement(mediatorConfig, {
    async listIMconf(who) {
      const { member } = granted(who, 'read:conf');
      const { document, etag } = await manager.read();
      if (member === undefined) return { status: 200, body: document, headers: { etag } };
      const members = document.members.filter((one) => `${instance}/${one.class}/${one.code}` === member);
      return { status: 200, body: { ...document, members } };
    },
    async createIMconf({ query, body, ...who }) {
      grantedWhole(who, 'write:conf');
      return write(who, { method: 'create', given: given(body) }, query);
    },
    async updateIMconf({ query, headers, body, ...who }) {
      grantedWhole(who, 'write:conf');
      return write(who, { method: 'update', given: given(body) }, query, headers['if-match']);
    },
    async replaceIMconf({ query, headers, body, ...who }) {
      grantedWhole(who, 'create:conf');
      return write(who, { method: 'replace', given: given(body) }, query, headers['if-match']);
    },
    async checkIMconf(who) {
      granted(who, 'read:conf');
      const failures = await failuresOf(db, manager);
      const version = failures.length > 0 ? null : ((await newestVersion(db))?.version ?? null);
      return failures.length === 0
        ? { status: 200, body: { status: 'ok', version, failures } }
        : { status: 500, body: { status: 'failed', version, failures } };
    },
    async listVersions({ query, ...who }) {
      grantedWhole(who, 'read:conf');
      const request = pageOf(query);
      if (!/^\d{0,9}$/.test(request.after)) throw badRequest('The page token is not valid');
      const before = request.after === '' ? undefined : Number(request.after);
      const found = await listVersions(db, { before, limit: request.limit });
      const { items, ...rest } = page(found, request, ({ version }) => String(version));
      const shown = items.map(({ changes, ...version }) => ({ ...version, counts: countsOf(changes) }));
      return { status: 200, body: { items: shown, ...rest } };
    },
    async readVersion({ params, ...who }) {
      grantedWhole(who, 'read:conf');
      const found = await documentOfVersion(db, params.version);
      if (!found) throw notFound('This version');
      return { status: 200, body: found.document, headers: { etag: found.etag } };
    },
    async compareVersions({ params: { version }, query, ...who }) {
      grantedWhole(who, 'read:conf');
      const from = query.from ?? Math.max(1, version - 1);
      return { status: 200, body: differenceBody(await manager.difference(from, version)) };
    },
    async restoreVersion({ params, query, headers, ...who }) {
      grantedWhole(who, 'create:conf');
      const found = await documentOfVersion(db, params.version);
      if (!found) throw notFound('This version');
      const how = { method: 'restore', given: found.document, restored: params.version } as const;
      return write(who, how, query, headers['if-match']);
    },
    async getAllowed({ query, ...who }) {
      const { member } = granted(who, 'read:rights');
      const { memberClass, memberCode, applicationId, serviceId, pageSize = 100 } = query;
      const filter = { instance, memberClass, memberCode, applicationId, serviceId, member };
      const [service, subject] =
        query.nextPageToken === undefined ? [] : tokens.read(query.nextPageToken, filter);
      const after = service !== undefined && subject !== undefined ? { service, subject } : undefined;
      const found = await listAllowed(db, filter, after, pageSize);
      const pairs = found.slice(0, pageSize);
      const last = pairs.at(-1);
      return {
        status: 200,
        body: {
          allowList: rowsOf(pairs, directory),
          ...(last && found.length > pageSize
            ? { nextPageToken: tokens.write([last.service, last.subject], filter) }
            : {}),
        },
      };
    },
    setAllowed: ({ body, ...who }) => setRights(who, body, (pairs) => allowAll(db, pairs, actorOf(who))),
    setDenied: ({ body, ...who }) =>
      setRights(who, body, async (pairs) => {
        const kept = await manager.protectedRights();
        const defects = pairs
          .filter(({ service, subject }) => kept.has(rightId(service, subject)))
          .map(({ pointer }) => ({ in: 'body' as const, pointer, detail: 'the mediator needs this right' }));
        if (defects.length > 0) throw badRequest(`Nothing was denied: ${defects.length} defects`, defects);
        return denyAll(db, pairs);
      }),
  });
}

/** Pairs as the published API lists them: the consumers of each service together. */
function rowsOf(pairs: readonly AllowedPair[], directory: Directory) {
  const names = new Map(directory.members().map(({ id, name }) => [id, name]));
  const consumer = (subject: string) => {
    const [, memberClass, memberCode, applicationId] = subject.split('/') as [string, string, string, string];
    const member = names.get(memberOf(subject)) ?? memberCode;
    return { member, application: applicationId, memberClass, memberCode, applicationId };
  };
  return [...Map.groupBy(pairs, ({ service }) => service)].map(([id, consumers]) => {
    const [, memberClass, memberCode, applicationId, serviceId] = id.split('/') as [
      string,
      string,
      string,
      string,
      string,
    ];
    const rights = consumers.map(({ subject }) => consumer(subject));
    return { memberClass, memberCode, applicationId, serviceId, rights };
  });
}
