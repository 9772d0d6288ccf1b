import { createCipheriv, createDecipheriv } from 'node:crypto';
import { conflict, drawRandom, notFound } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { SubjectHash } from '../history/read-log.ts';
import type { RegistryTables } from '../tables.ts';
import type { DataMethod } from './access.ts';
import type { IdentifiersOf } from './own-identity.ts';
import type { RightsChange } from './rights.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

/** Nonce, tag, ciphertext (AES-256-GCM). */
export function seal(key: Buffer, value: unknown): Buffer {
  const nonce = drawRandom(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

export function unseal(key: Buffer, sealed: Buffer): unknown {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return JSON.parse(Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8'));
}

/** Somebody for whom a person may act. */
export interface Delegation {
  readonly id: string;
  readonly delegate: string;
  /** The identifier of the person stood for. */
  readonly subject: string;
  readonly subjectHash: Buffer;
  /** Ids of registries; null: all of the owner's. */
  readonly registries: readonly string[] | null;
  readonly methods: readonly DataMethod[];
  readonly ground: string;
  readonly from: string;
  readonly until: string;
  readonly revokedAt: string | null;
}

/** As whom a person is in the registries of an owner: themself, and those for whom they may act. */
export interface StandIns {
  readonly identifiers: readonly string[];
  readonly delegations: readonly Delegation[];
}

export interface DelegationInput {
  readonly delegate: string;
  readonly subject: string;
  readonly registries: readonly string[] | null;
  readonly methods: readonly DataMethod[];
  readonly ground: string;
  readonly from: string;
  readonly until: string;
}

export interface Sources {
  readonly sealing: Buffer;
  readonly hash: SubjectHash;
  /** What the identity block says of the person behind the call; nothing when there is none to ask. */
  readonly identifiersOf: IdentifiersOf;
}

const mostDelegations = 500;

export function openStandIns(db: Db, { sealing, hash, identifiersOf }: Sources) {
  const delegationOf = (row: {
    id: string;
    delegate: string;
    subject_hash: Buffer;
    subject_sealed: Buffer;
    registries: string[] | null;
    methods: string[];
    ground: string;
    from_at: string;
    until_at: string;
    revoked_at: string | null;
  }): Delegation => ({
    id: row.id,
    delegate: row.delegate,
    subject: unseal(sealing, row.subject_sealed) as string,
    subjectHash: row.subject_hash,
    registries: row.registries,
    methods: row.methods as DataMethod[],
    ground: row.ground,
    from: new Date(row.from_at).toISOString(),
    until: new Date(row.until_at).toISOString(),
    revokedAt: row.revoked_at === null ? null : new Date(row.revoked_at).toISOString(),
  });
  return {
    /** Of the person behind the call that is being answered. */
    async of(owner: string, person: string): Promise<StandIns> {
      const [kept, known] = await Promise.all([this.kept(owner, person), identifiersOf(person)]);
      return { ...kept, identifiers: [...new Set([...kept.identifiers, ...known])] };
    },

    /**
     * What was registered of a person. Read at every call that rests on it: what is revoked is so at once, on every
     * node.
     */
    async kept(owner: string, person: string): Promise<StandIns> {
      const [own, delegations] = await Promise.all([
        db
          .selectFrom('person_identifiers')
          .select('sealed')
          .where('owner', '=', owner)
          .where('person', '=', person)
          .executeTakeFirst(),
        db
          .selectFrom('delegation')
          .selectAll()
          .where('owner', '=', owner)
          .where('delegate', '=', person)
          .where('revoked_at', 'is', null)
          .orderBy('id')
          .limit(mostDelegations)
          .execute(),
      ]);
      return {
        identifiers: own ? (unseal(sealing, own.sealed) as string[]) : [],
        delegations: delegations.map(delegationOf),
      };
    },

    /** Says under which identifiers a person is in an owner's registries; none: takes it back. */
    async bind(
      trx: Trx,
      owner: string,
      person: string,
      identifiers: readonly string[],
    ): Promise<RightsChange> {
      const before = await trx
        .deleteFrom('person_identifiers')
        .where('owner', '=', owner)
        .where('person', '=', person)
        .returning('sealed')
        .executeTakeFirst();
      if (identifiers.length > 0)
        await trx
          .insertInto('person_identifiers')
          .values({ owner, person, sealed: seal(sealing, identifiers) })
          .execute();
      const counted = (list: readonly string[]): unknown =>
        list.length === 0
          ? null
          : {
              identifiers: list.length,
              digests: list.map((one) => hash(one).toString('base64url').slice(0, 12)),
            };
      return {
        kind: 'identifiers',
        registry: null,
        name: person,
        before: before ? counted(unseal(sealing, before.sealed) as string[]) : null,
        after: counted(identifiers),
      };
    },

    async delegate(
      trx: Trx,
      owner: string,
      id: string,
      given: DelegationInput,
    ): Promise<RightsChange | undefined> {
      const written = await trx
        .insertInto('delegation')
        .values({
          id,
          owner,
          delegate: given.delegate,
          subject_hash: hash(given.subject),
          subject_sealed: seal(sealing, given.subject),
          registries: given.registries ? [...given.registries] : null,
          methods: [...given.methods],
          ground: given.ground,
          from_at: given.from,
          until_at: given.until,
        })
        .onConflict((one) => one.constraint('delegation_pkey').doNothing())
        .executeTakeFirst();
      if (written.numInsertedOrUpdatedRows === 0n) {
        const there = await trx
          .selectFrom('delegation')
          .select(['owner', 'delegate', 'subject_hash', 'ground'])
          .where('id', '=', id)
          .executeTakeFirst();
        const same =
          there?.owner === owner &&
          there.delegate === given.delegate &&
          there.ground === given.ground &&
          there.subject_hash.equals(hash(given.subject));
        if (!same) throw conflict('This delegation says something else already');
        return undefined;
      }
      const { subject: _, ...after } = given;
      return { kind: 'delegation', registry: null, name: id, before: null, after };
    },

    /** Ends a delegation; one that has ended stays so. */
    async revoke(trx: Trx, owner: string, id: string, at: string): Promise<RightsChange | undefined> {
      const row = await trx
        .updateTable('delegation')
        .set({ revoked_at: at })
        .where('owner', '=', owner)
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .returning(['delegate', 'ground'])
        .executeTakeFirst();
      if (row) return { kind: 'delegation', registry: null, name: id, before: row, after: { revokedAt: at } };
      const there = await trx
        .selectFrom('delegation')
        .select('id')
        .where('owner', '=', owner)
        .where('id', '=', id)
        .executeTakeFirst();
      if (!there) throw notFound('Delegation');
      return undefined;
    },

    /** Delegations of an owner, of one delegate or for one subject when asked, newest first. */
    async list(
      owner: string,
      sought: { readonly delegate?: string | undefined; readonly subject?: string | undefined },
    ): Promise<Delegation[]> {
      const rows = await db
        .selectFrom('delegation')
        .selectAll()
        .where('owner', '=', owner)
        .$if(sought.delegate !== undefined, (query) =>
          query.where('delegate', '=', sought.delegate as string),
        )
        .$if(sought.subject !== undefined, (query) =>
          query.where('subject_hash', '=', hash(sought.subject as string)),
        )
        .orderBy('id', 'desc')
        .limit(mostDelegations)
        .execute();
      return rows.map(delegationOf);
    },
  };
}

export type StandInStore = ReturnType<typeof openStandIns>;
