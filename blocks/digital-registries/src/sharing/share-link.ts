import { badRequest, conflict, forbidden, newId, notFound, Problem } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { Row } from '../records/content.ts';
import { isSecret } from '../records/fixed-filter.ts';
import { byKey, shownRows } from '../records/read.ts';
import { viewOf } from '../records/view.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import { registryRow } from '../schema/publish.ts';
import type { RegistryTables } from '../tables.ts';
import { hashOfToken, newToken, ownerOfToken } from './token.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

/** Of a link that anybody who is signed in may open. */
export const anyRole = 'any';

export interface ShareInput {
  /** Names of the fields that are shared; left out: all that the sharer sees and may share. */
  readonly fields?: readonly string[] | undefined;
  readonly expiresAt: Date;
  readonly mostOpenings?: number | undefined;
  /** Only for people who are signed in with this role. */
  readonly role?: string | undefined;
  /** The consent under which it is shared: when it ends, so does the link. */
  readonly consentReference?: string | undefined;
  /** It may be downloaded, not only looked at. */
  readonly download: boolean;
}

/** A link as the sharer and the analyst see it: without what it takes to open it. */
export interface ShareLink {
  readonly id: string;
  readonly registry: string;
  readonly record: string;
  readonly fields: readonly string[];
  readonly sharedBy: string;
  readonly role: string | null;
  readonly consentReference: string | null;
  readonly download: boolean;
  readonly openings: number;
  readonly mostOpenings: number | null;
  readonly lastOpenedAt: string | null;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
}

/** Whether records of a registry are shared by link: unless switched off, and of a confidential one only when on. */
const sharingAllowed = sql<boolean>`coalesce(r.sharing, r.classification <> 'confidential')`;

export async function readSharing(db: Db, owner: string, code: string): Promise<boolean> {
  const { id } = await registryRow(db, owner, code);
  const { rows } = await sql<{ allowed: boolean }>`
    select ${sharingAllowed} as allowed from registry r where r.id = ${id}::bigint`.execute(db);
  return rows[0]?.allowed ?? false;
}

export async function setSharing(db: Db, owner: string, code: string, allowed: boolean): Promise<void> {
  const { id } = await registryRow(db, owner, code);
  await db.updateTable('registry').set({ sharing: allowed }).where('id', '=', id).execute();
}

const sharable = (field: Field): boolean => !isSecret(field);

/** Shares one record: answers the token, which is nowhere else. */
export async function createShareLink(
  db: Db,
  granted: Granted,
  reader: Reader,
  key: string,
  input: ShareInput,
  now: Date,
): Promise<{ readonly id: string; readonly token: string }> {
  const { registry } = granted;
  if (granted.foreign) throw forbidden('Records are shared by their own agency');
  if (!(await readSharing(db, registry.owner, registry.code)))
    throw forbidden('Records of this registry are not shared by link');
  if (registry.requires === 'consent' && input.consentReference === undefined)
    throw badRequest('Records of this registry are shared under consent', [
      { in: 'body', pointer: '/consentReference', detail: 'is required' },
    ]);
  const errors = (input.fields ?? []).flatMap((name, index) => {
    const field = granted.fields.find((one) => one.name === name);
    const at = { in: 'body' as const, pointer: `/fields/${index}` };
    if (!field) return [{ ...at, detail: 'is not a field of this registry' }];
    return sharable(field) ? [] : [{ ...at, detail: 'is secret: it is not shared' }];
  });
  if (errors.length > 0) throw badRequest('These fields cannot be shared', errors);
  const row = await byKey(db, granted, key);
  if (row?.state !== 'active') throw new Problem(404, 'no record found');
  const fields = granted.fields
    .filter((field) => sharable(field) && (input.fields?.includes(field.name) ?? true))
    .map(({ id }) => id);
  const [id, token] = [newId(), newToken(registry.owner)];
  await db
    .insertInto('share_link')
    .values({
      id,
      registry_id: registry.id,
      record: row.uuid,
      fields,
      token_hash: hashOfToken(token),
      shared_by: reader.person?.id ?? reader.caller.application,
      application: reader.caller.application,
      role: input.role ?? null,
      consent_reference: input.consentReference ?? null,
      download: input.download,
      most_openings: input.mostOpenings ?? null,
      last_opened_at: null,
      created_at: now.toISOString(),
      expires_at: input.expiresAt.toISOString(),
      revoked_at: null,
      revoked_by: null,
    })
    .execute();
  return { id, token };
}

const mostListed = 500;

/** Links of an application's registries, newest first: of one sharer, or of all. */
export async function shareLinksOf(
  db: Db,
  catalogue: Catalogue,
  owner: string,
  of: { readonly registry?: string | undefined; readonly sharer?: string | undefined },
): Promise<ShareLink[]> {
  const rows = await db
    .selectFrom('share_link as l')
    .innerJoin('registry as r', 'r.id', 'l.registry_id')
    .selectAll('l')
    .select('r.code')
    .where('r.owner', '=', owner)
    .$if(of.registry !== undefined, (query) => query.where('r.code', '=', (of.registry ?? '').toLowerCase()))
    .$if(of.sharer !== undefined, (query) => query.where('l.shared_by', '=', of.sharer ?? ''))
    .orderBy('l.created_at', 'desc')
    .orderBy('l.id', 'desc')
    .limit(mostListed)
    .execute();
  return Promise.all(
    rows.map(async (row) => {
      const { registry } = await catalogue.find(owner, row.code, 'latest');
      return {
        id: row.id,
        registry: row.code,
        record: row.record,
        fields: registry.current.filter(({ id }) => row.fields.includes(id)).map(({ name }) => name),
        sharedBy: row.shared_by,
        role: row.role,
        consentReference: row.consent_reference,
        download: row.download,
        openings: row.openings,
        mostOpenings: row.most_openings,
        lastOpenedAt: row.last_opened_at,
        createdAt: row.created_at,
        expiresAt: row.expires_at,
        revokedAt: row.revoked_at,
      };
    }),
  );
}

/** Ends a link: of one sharer's own, or any. Ending what has ended is fine. */
export async function revokeShareLink(
  db: Db,
  owner: string,
  id: string,
  by: string,
  sharer: string | undefined,
  now: Date,
): Promise<void> {
  const changed = await sql`
    update share_link l
    set revoked_at = coalesce(l.revoked_at, ${now.toISOString()}::timestamptz), revoked_by = coalesce(l.revoked_by, ${by})
    from registry r
    where r.id = l.registry_id and r.owner = ${owner} and l.id = ${id}::uuid
      and l.shared_by = coalesce(${sharer ?? null}::text, l.shared_by)`.execute(db);
  if (changed.numAffectedRows === 0n) throw notFound('Link');
}

/** The same answer for a link that never was, is over, used up or revoked: there is nothing to be learnt from it. */
const noLink = (): Problem =>
  new Problem(404, 'This link leads nowhere: it may have expired, been used up, or been taken back', {
    type: 'urn:govstack:registries:no-link',
  });

export interface OpenedShare {
  readonly link: string;
  readonly registryName: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly viewOnly: boolean;
  readonly expiresAt: string;
}

export interface OpeningParts {
  readonly db: Db;
  readonly catalogue: Catalogue;
  readonly hash: SubjectHash;
  readonly verifyConsent: (reference: string) => Promise<boolean>;
}

interface Found {
  readonly id: string;
  readonly code: string;
  readonly role: string | null;
  readonly download: boolean;
  readonly consent_reference: string | null;
}

const alive = (now: string) => sql`
  l.revoked_at is null and l.expires_at > ${now}::timestamptz
  and (l.most_openings is null or l.openings < l.most_openings) and ${sharingAllowed}`;

/**
 * What a link leads to. Each opening counts, and is in the read log as a look by this link, with who shared it (DRS-27).
 */
export async function openShareLink(
  { db, catalogue, hash, verifyConsent }: OpeningParts,
  owner: string,
  { caller, person }: Pick<Reader, 'caller' | 'person'>,
  token: string,
  wanted: 'look' | 'download',
  moment: Date,
): Promise<OpenedShare> {
  if (ownerOfToken(token) !== owner) throw noLink();
  const now = moment.toISOString();
  const digest = hashOfToken(token);
  const { rows: found } = await sql<Found>`
    select l.id, r.code, l.role, l.download, l.consent_reference
    from share_link l
    join registry r on r.id = l.registry_id
    where l.token_hash = ${digest} and r.owner = ${owner} and ${alive(now)}`.execute(db);
  const [link] = found;
  if (!link) throw noLink();
  if (link.role !== null && !(person && (link.role === anyRole || person.roles.includes(link.role))))
    throw forbidden('This link is for people who are signed in with the right role');
  if (wanted === 'download' && !link.download) throw forbidden('This link is for looking only');
  if (link.consent_reference !== null && !(await verifyConsent(link.consent_reference))) throw noLink();
  const { registry } = await catalogue.find(owner, link.code, 'latest');

  return db.transaction().execute(async (trx: Trx) => {
    const { rows } = await sql<RegistryTables['share_link'] & { expires_at: string }>`
      update share_link l
      set openings = l.openings + 1, last_opened_at = ${now}::timestamptz
      from registry r
      where r.id = l.registry_id and l.token_hash = ${digest} and ${alive(now)}
      returning l.*`.execute(trx);
    const [opened] = rows;
    if (!opened) throw noLink();
    const fields = registry.fields.filter((field) => opened.fields.includes(field.id) && sharable(field));
    const granted: Granted = { registry, fields, rows: undefined, foreign: false };
    const row: Row | undefined = await byKey(trx, granted, opened.record);
    if (row?.state !== 'active') throw noLink();
    const reader: Reader = {
      caller,
      person: person ?? {
        id: `share-link/${link.id}`,
        roles: [],
        agency: undefined,
        scopes: [],
        acr: undefined,
        client: undefined,
      },
      ground: {
        purpose: `share link ${link.id} of ${opened.shared_by}`,
        consentReference: link.consent_reference ?? undefined,
        legalGround: undefined,
      },
    };
    await shownRows(trx, granted, reader, 'read', [row], hash);
    return {
      link: link.id,
      registryName: registry.name,
      content: viewOf(granted, row).content,
      viewOnly: !link.download,
      expiresAt: opened.expires_at,
    };
  });
}

/** Until when a link holds that is asked for now. Throws when that is longer than links may hold. */
export function expiryOf(asked: string | undefined, now: Date, days: number, mostDays: number): Date {
  const dayMs = 86_400_000;
  const expiry = asked === undefined ? new Date(now.getTime() + days * dayMs) : new Date(asked);
  if (expiry.getTime() <= now.getTime() || expiry.getTime() > now.getTime() + mostDays * dayMs)
    throw badRequest(`A link holds for at most ${mostDays} days`, [
      { in: 'body', pointer: '/expiresAt', detail: `must lie ahead, at most ${mostDays} days` },
    ]);
  return expiry;
}

export const switchedOff = (): Problem => conflict('Links are not sent by e-mail here: it is switched off');
