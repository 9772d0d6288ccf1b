import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';

/** Header with a detached JWS (RFC 7515 appendix F) over the bytes of the body. */
export const signatureHeader = 'x-jws-signature';

/** What is signed with a body, in the protected header. */
export interface Envelope {
  /** Id of the message: the same however often it is sent. */
  readonly id: string;
  /** 1 the first time; each sending is signed anew. */
  readonly attempt: number;
  /** Id of the source it is for. */
  readonly audience: string;
  readonly at: Date;
}

export interface Signer {
  readonly keyId: string;
  sign(body: string, envelope: Envelope): Promise<string>;
}

type Keys = Pick<Payments, 'db' | 'vault'>;

interface KeyRow {
  id: string;
  number: number;
  public_key: JWK;
  private_cipher: Buffer;
  created_at: string;
}

/**
 * How long a key is published after another took its place: longer than a message is tried, and each trying is signed
 * with the key of its moment.
 */
const publishedAfterMs = 7 * 86_400_000;

const keyId = (number: number): string => (number === 1 ? 'callbacks' : `callbacks-${number}`);

/** The block's keys for callbacks, newest first. */
const readKeys = async (db: Db | Trx): Promise<KeyRow[]> => {
  const { rows } = await sql<KeyRow>`
    select id, number, public_key, private_cipher, created_at
    from (
      select *, coalesce(substring(id from '^callbacks-([0-9]+)$')::integer, 1) as number
      from signing_key
      where id ~ '^callbacks(-[0-9]+)?$'
    ) k
    order by number desc`.execute(db);
  return rows;
};

/** Makes the key of an id; whoever else makes it at the same moment, one of them is kept. */
async function makeKey({ vault }: Keys, db: Db | Trx, id: string): Promise<void> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const publicKey = { ...(await exportJWK(pair.publicKey)), kid: id, alg: 'ES256', use: 'sig' };
  await db
    .insertInto('signing_key')
    .values({
      id,
      public_key: JSON.stringify(publicKey),
      private_cipher: vault.seal(JSON.stringify(await exportJWK(pair.privateKey)), `signing-key/${id}`),
    })
    .onConflict((clash) => clash.column('id').doNothing())
    .execute();
}

const privateKeyOf = ({ vault }: Keys, { id, private_cipher }: Pick<KeyRow, 'id' | 'private_cipher'>) =>
  importJWK(JSON.parse(vault.open(private_cipher, `signing-key/${id}`)) as JWK, 'ES256');

/** Keys for statements that are kept and must be checkable for ever: they are not replaced. */
export type StatementKey = 'decisions' | 'vouchers';

const readStatementKey = async (payments: Keys, id: StatementKey) => {
  const read = () =>
    payments.db
      .selectFrom('signing_key')
      .select(['id', 'public_key', 'private_cipher'])
      .where('id', '=', id)
      .executeTakeFirst();
  const known = await read();
  if (known) return known;
  await makeKey(payments, payments.db, id);
  const made = await read();
  if (!made) throw new Error('the signing key could not be stored');
  return made;
};

/** The public half of a key for statements, made on first use. */
export const statementKey = async (payments: Keys, id: StatementKey): Promise<JWK> =>
  (await readStatementKey(payments, id)).public_key;

/** A compact JWS (ES256) that carries the text. */
export async function signStatement(payments: Keys, id: StatementKey, text: string): Promise<string> {
  const row = await readStatementKey(payments, id);
  return new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'ES256', kid: id })
    .sign(await privateKeyOf(payments, row));
}

async function keysOrFirst(payments: Keys): Promise<KeyRow[]> {
  const keys = await readKeys(payments.db);
  if (keys.length > 0) return keys;
  await makeKey(payments, payments.db, keyId(1));
  return readKeys(payments.db);
}

/** Keys with which a receiver may have to check a signature, newest first. */
export async function publishedKeys(payments: Keys, now: Date): Promise<JWK[]> {
  const keys = await keysOrFirst(payments);
  return keys
    .filter((_, index) => {
      const successor = keys[index - 1];
      return !successor || now.getTime() - Date.parse(successor.created_at) < publishedAfterMs;
    })
    .map((key) => key.public_key);
}

/**
 * Puts a new key in place of the named one; the earlier ones stay published until no message signed with them can be on
 * its way. Naming one that has been replaced changes nothing, so the request can be repeated. Answers whether it did.
 */
export async function rotateKey(payments: Keys, trx: Trx, current: string): Promise<boolean> {
  await sql`lock table signing_key in share row exclusive mode`.execute(trx);
  const [newest] = await readKeys(trx);
  if (newest?.id !== current) return false;
  await makeKey(payments, trx, keyId(newest.number + 1));
  return true;
}

/**
 * Signs with the newest key of the block (ES256) what leaves without the mediator. The first key is made on first use;
 * two processes that start together agree on one, and a new one is used by all of them at once.
 */
export async function currentSigner(payments: Keys): Promise<Signer> {
  const [row] = await keysOrFirst(payments);
  if (!row) throw new Error('the signing key could not be stored');
  const key = await privateKeyOf(payments, row);
  return {
    keyId: row.id,
    async sign(body, { id, attempt, audience, at }) {
      const jws = await new CompactSign(new TextEncoder().encode(body))
        .setProtectedHeader({
          alg: 'ES256',
          kid: row.id,
          iat: Math.floor(at.getTime() / 1000),
          jti: id,
          attempt,
          aud: audience,
        })
        .sign(key);
      const [header, , signature] = jws.split('.');
      return `${header}..${signature}`;
    },
  };
}
