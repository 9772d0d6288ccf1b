import type { KeyObject } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Keyring } from '../keys/keyring.ts';
import type { MediatorTables } from '../tables.ts';
import { answerTimeStampRequest } from '../time-stamps/rfc3161.ts';
import { answerOcsp, type OcspStatus } from './ocsp.ts';
import {
  type CertificateUse,
  makeCertificate,
  type ReadCertificate,
  readCertificate,
  type Subject,
} from './x509.ts';

/**
 * A certification authority, OCSP responder and time-stamping authority for demonstrations and tests, its
 * keys in the mediator's own database. It believes whoever may call it. In production authorities that the country has approved take its place.
 */
export interface TestAuthority {
  readonly certificate: ReadCertificate;
  readonly der: Buffer;
  /** Issues a certificate and remembers it; for the same key the one there is. */
  issue(use: CertificateUse, subject: Subject, keyId: string, publicKey: KeyObject): Promise<Buffer>;
  /** Takes a certificate out of force. Answers whether there was one in force. */
  revoke(keyId: string): Promise<boolean>;
  /** Answers an OCSP request; undefined when it is none. */
  ocsp(request: Buffer): Promise<Buffer | undefined>;
  /** The certificate under its time stamps, DER. */
  readonly timeStampingCertificate: Buffer;
  /** Answers a request for a time stamp; undefined when it is none. */
  timeStamp(request: Buffer): Promise<Buffer | undefined>;
}

const dayMs = 86_400_000;
const lifetimeDays = 365;
const ocspLifetimeMs = 10 * 60_000;

export const serialOf = ({ certificate }: ReadCertificate): string =>
  Buffer.from(certificate.serialNumber.valueBlock.valueHexView).toString('hex');

/** Remembers a certificate under its key. */
export async function storeCertificate(
  db: Kysely<MediatorTables>,
  keyId: string,
  use: CertificateUse,
  der: Buffer,
): Promise<void> {
  const read = readCertificate(der);
  if (!read) throw new Error('this is not a certificate');
  await sql`
    insert into certificate (key_id, owner, use, der, serial, not_after)
    values (${keyId}, ${read.owner}, ${use}, ${der}, ${serialOf(read)}, ${read.notAfter})
    on conflict on constraint certificate_pkey do nothing`.execute(db);
}

export const storedCertificate = async (
  db: Kysely<MediatorTables>,
  keyId: string,
): Promise<Buffer | undefined> =>
  (await db.selectFrom('certificate').select('der').where('key_id', '=', keyId).executeTakeFirst())?.der;

/** Opens the test authority of an installation; nodes that share a database share it. */
export async function openTestAuthority(
  db: Kysely<MediatorTables>,
  keyring: Keyring,
  own: string,
  now: () => Date,
): Promise<TestAuthority> {
  const key = await keyring.current(own, 'authority');
  const issuer: Subject = { name: `Test authority of ${own.split('/')[0]}, not for production`, id: own };
  const make = (use: CertificateUse, subject: Subject, publicKey: KeyObject, days: number): Promise<Buffer> =>
    makeCertificate({
      use,
      subject,
      publicKey,
      issuer,
      issuerKey: key.privateKey,
      issuerPublicKey: key.publicKey,
      notBefore: new Date(now().getTime() - dayMs),
      notAfter: new Date(now().getTime() + days * dayMs),
    });
  if (!(await storedCertificate(db, key.keyId)))
    await storeCertificate(db, key.keyId, 'authority', await make('authority', issuer, key.publicKey, 3650));
  // Another node may have been quicker: its certificate is the one.
  const der = (await storedCertificate(db, key.keyId)) as Buffer;
  const certificate = readCertificate(der) as ReadCertificate;

  async function statusOf(serial: string): Promise<{ status: OcspStatus; since?: Date }> {
    const row = await db
      .selectFrom('certificate')
      .select('revoked_at')
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (!row) return { status: 'unknown' };
    return row.revoked_at === null
      ? { status: 'good' }
      : { status: 'revoked', since: new Date(row.revoked_at) };
  }

  const issue: TestAuthority['issue'] = async (use, subject, keyId, publicKey) => {
    if (!(await storedCertificate(db, keyId)))
      await storeCertificate(db, keyId, use, await make(use, subject, publicKey, lifetimeDays));
    return (await storedCertificate(db, keyId)) as Buffer;
  };
  const stampingKey = await keyring.current(own, 'time-stamping');
  const stampingDer = await issue(
    'time-stamping',
    { name: `Test time stamps of ${own.split('/')[0]}, not for production`, id: own },
    stampingKey.keyId,
    stampingKey.publicKey,
  );
  const stamping = {
    certificate: readCertificate(stampingDer) as ReadCertificate,
    der: stampingDer,
    key: stampingKey.privateKey,
  };

  return {
    certificate,
    der,
    issue,
    timeStampingCertificate: stampingDer,
    timeStamp: (request) => answerTimeStampRequest(request, stamping, now()),
    async revoke(keyId) {
      const { numAffectedRows } = await sql`
        update certificate
        set revoked_at = ${now()}
        where key_id = ${keyId} and revoked_at is null and use <> 'authority'`.execute(db);
      return numAffectedRows === 1n;
    },
    ocsp: (request) =>
      answerOcsp(request, { certificate, key: key.privateKey }, statusOf, now(), ocspLifetimeMs),
  };
}
