import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { promisify } from 'node:util';
import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { open, seal } from './sealed-box.ts';

/**
 * `message`: a member's key, under every request and response of its applications. `caller`: the node's key, under
 * caller tokens. `authentication`: a security server's, for connections to others. `configuration`: the centre's,
 * under the configuration of the instance. `authority` and `time-stamping`: the test authorities'.
 */
export type KeyPurpose =
  | 'message'
  | 'caller'
  | 'authority'
  | 'authentication'
  | 'configuration'
  | 'time-stamping';

export interface SigningKey {
  /** JWK thumbprint (RFC 7638). */
  readonly keyId: string;
  /** Member or application the key speaks for. */
  readonly owner: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface FoundKey {
  readonly owner: string;
  readonly publicKey: KeyObject;
  readonly purpose: KeyPurpose;
}

/** P-256 keys in the database, the private halves sealed. Nodes that share the database share the keys. */
export interface Keyring {
  /** The owner's current key, made on first use. */
  current(owner: string, purpose: KeyPurpose): Promise<SigningKey>;
  /** A public key by its id, current or retired, or of a certificate that was accepted, and whose it is. */
  find(keyId: string): Promise<FoundKey | undefined>;
  /** Public halves of all keys of a purpose that are not retired. */
  published(purpose: KeyPurpose): Promise<JsonWebKey[]>;
}

const generate = promisify(generateKeyPair);

/** JWK thumbprint (RFC 7638). */
export const thumbprint = ({ crv, kty, x, y }: JsonWebKey): string =>
  createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');

export function openKeyring(db: Kysely<MediatorTables>, sealingKey: KeyObject): Keyring {
  const currentKeys = new Map<string, Promise<SigningKey>>();
  const publicKeys = new Map<string, FoundKey>();

  async function stored(owner: string, purpose: KeyPurpose): Promise<SigningKey | undefined> {
    const row = await db
      .selectFrom('signing_key')
      .select(['key_id', 'public_key', 'private_key'])
      .where('owner', '=', owner)
      .where('purpose', '=', purpose)
      .where('retired_at', 'is', null)
      .executeTakeFirst();
    return (
      row && {
        keyId: row.key_id,
        owner,
        privateKey: createPrivateKey({
          key: open(sealingKey, row.private_key, row.key_id),
          type: 'pkcs8',
          format: 'der',
        }),
        publicKey: createPublicKey({ key: row.public_key as JsonWebKey, format: 'jwk' }),
      }
    );
  }

  async function make(owner: string, purpose: KeyPurpose): Promise<SigningKey> {
    const pair = await generate('ec', { namedCurve: 'P-256' });
    const jwk = pair.publicKey.export({ format: 'jwk' });
    const keyId = thumbprint(jwk);
    const sealed = seal(sealingKey, pair.privateKey.export({ type: 'pkcs8', format: 'der' }), keyId);
    await sql`
      insert into signing_key (key_id, owner, purpose, public_key, private_key)
      values (${keyId}, ${owner}, ${purpose}, ${JSON.stringify(jwk)}::jsonb, ${sealed})
      on conflict (owner, purpose) where retired_at is null do nothing`.execute(db);
    // Another node may have been quicker: its key is the current one.
    const key = await stored(owner, purpose);
    if (!key) throw new Error(`the ${purpose} key of ${owner} was retired while it was made`);
    return key;
  }

  async function ownKey(keyId: string): Promise<FoundKey | undefined> {
    const row = await db
      .selectFrom('signing_key')
      .select(['owner', 'purpose', 'public_key'])
      .where('key_id', '=', keyId)
      .executeTakeFirst();
    return (
      row && {
        owner: row.owner,
        purpose: row.purpose,
        publicKey: createPublicKey({ key: row.public_key as JsonWebKey, format: 'jwk' }),
      }
    );
  }

  /** A key of another server's member, known by its certificate. */
  async function certifiedKey(keyId: string): Promise<FoundKey | undefined> {
    const row = await db
      .selectFrom('certificate')
      .select(['owner', 'der'])
      .where('key_id', '=', keyId)
      .where('use', '=', 'signing')
      .executeTakeFirst();
    return row && { owner: row.owner, purpose: 'message', publicKey: new X509Certificate(row.der).publicKey };
  }

  return {
    current(owner, purpose) {
      const name = `${purpose} ${owner}`;
      const known = currentKeys.get(name);
      if (known) return known;
      const key = stored(owner, purpose).then((found) => found ?? make(owner, purpose));
      currentKeys.set(name, key);
      key.catch(() => currentKeys.delete(name));
      return key;
    },
    async find(keyId) {
      const known = publicKeys.get(keyId);
      if (known) return known;
      const found = (await ownKey(keyId)) ?? (await certifiedKey(keyId));
      if (found) publicKeys.set(keyId, found);
      return found;
    },
    async published(purpose) {
      const rows = await db
        .selectFrom('signing_key')
        .select(['key_id', 'public_key'])
        .where('purpose', '=', purpose)
        .where('retired_at', 'is', null)
        .orderBy('created_at')
        .limit(100)
        .execute();
      return rows.map((row) => ({
        ...(row.public_key as JsonWebKey),
        kid: row.key_id,
        alg: 'ES256',
        use: 'sig',
      }));
    },
  };
}
