import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { Keyring } from '../keys/keyring.ts';
import { thumbprint } from '../keys/keyring.ts';
import type { CertificateFault, Certificates } from '../peers/peer-trust.ts';
import type { MediatorTables } from '../tables.ts';
import { httpPost } from './http-post.ts';
import { makeOcspRequest, type OcspAnswer, readOcspAnswer } from './ocsp.ts';
import { storeCertificate, storedCertificate, type TestAuthority } from './test-authority.ts';
import { type CertificateUse, type ReadCertificate, readCertificate } from './x509.ts';

/** An approved certification authority and where its responder answers. */
export interface Authority {
  /** The instance whose members and servers it certifies; it is not believed about others. */
  readonly instance: string;
  readonly certificate: ReadCertificate;
  /** Asks its responder, over HTTP or in this process, with the same bytes. */
  readonly ask: (ocspRequest: Buffer) => Promise<Buffer>;
}

export interface TrustOptions {
  readonly db: Kysely<MediatorTables>;
  readonly keyring: Keyring;
  /** Those approved now: by the configuration of the instance, and this installation's own. */
  readonly authorities: () => readonly Authority[];
  /** Issues certificates of own keys by itself; without it they are imported. */
  readonly testAuthority: TestAuthority | undefined;
  /** Name under which a certificate's owner is known. */
  readonly nameOf: (owner: string) => string;
  /** Seconds for which an OCSP answer is believed. */
  readonly freshness: () => number;
  /** Seconds after which a newer one is asked for: a revocation counts within that time. */
  readonly refreshSeconds: number;
  readonly now: () => Date;
  readonly log: Logger;
}

export interface Trust extends Certificates {
  /** The certificate (DER) of the approved authority that issued one; undefined: none did. */
  issuerOf(der: Buffer): Promise<Buffer | undefined>;
  /** The answer (DER) about a key's certificate that was in force at a time; undefined: none is kept. */
  ocspAnswerAt(keyId: string, at: Date): Promise<Buffer | undefined>;
}

const largestAnswer = 65_536;

/** A responder over HTTP (RFC 6960, appendix A.1). */
export const httpResponder =
  (url: string): Authority['ask'] =>
  (body) =>
    httpPost(url, 'application/ocsp-request', body, largestAnswer);

interface Checked {
  readonly keyId: string;
  readonly owner: string;
  readonly uses: ReadonlySet<CertificateUse>;
  readonly read: ReadCertificate;
  readonly authority: Authority;
}

interface Known {
  answer: OcspAnswer | undefined;
  /** When a newer answer is asked for. */
  due: number;
  asking: Promise<void> | undefined;
}

/** Which certificates are believed: issued by an approved authority, valid now, and good by a fresh OCSP answer. */
export function openTrust(options: TrustOptions): Trust {
  const { db, keyring, testAuthority, log } = options;
  const checked = new Map<string, Checked>();
  const statuses = new Map<string, Known>();
  const certificates = new Map<string, Buffer>();

  async function chain(der: Buffer): Promise<Checked | undefined> {
    const name = createHash('sha256').update(der).digest('hex');
    const known = checked.get(name);
    const approved = options.authorities();
    if (known && approved.includes(known.authority)) return known;
    const read = readCertificate(der);
    if (!read) return undefined;
    for (const authority of approved) {
      const { certificate } = authority.certificate;
      if (!read.owner.startsWith(`${authority.instance}/`)) continue;
      if (!certificate.subject.isEqual(read.certificate.issuer)) continue;
      if (!(await read.certificate.verify(certificate).catch(() => false))) continue;
      const found: Checked = {
        keyId: thumbprint(read.publicKey.export({ format: 'jwk' })),
        owner: read.owner,
        uses: read.uses,
        read,
        authority,
      };
      checked.set(name, found);
      return found;
    }
    return undefined;
  }

  /** Kept only of certificates that are: what others name here is not believed before it is checked. */
  const keep = (keyId: string, { thisUpdate, status, der }: OcspAnswer): Promise<unknown> =>
    sql`
      insert into ocsp_answer (key_id, this_update, status, der)
      select ${keyId}, ${thisUpdate}, ${status}, ${der}
      where exists (select from certificate where key_id = ${keyId})
      on conflict on constraint ocsp_answer_pkey do nothing`.execute(db);

  async function ask({ keyId, read, authority }: Checked, known: Known): Promise<void> {
    try {
      const { der, nonce } = await makeOcspRequest(read, authority.certificate);
      const answer = await readOcspAnswer(await authority.ask(der), read, authority.certificate, nonce);
      known.answer = answer;
      await keep(keyId, answer);
    } catch (error) {
      log.warn({ err: error, keyId }, 'the state of a certificate could not be asked for');
    }
    known.due = Date.now() + options.refreshSeconds * 1000;
  }

  async function fault(der: Buffer, use: CertificateUse): Promise<CertificateFault | Checked> {
    const found = await chain(der);
    if (!found?.uses.has(use)) return 'untrusted';
    const now = options.now();
    if (now < found.read.notBefore || now > found.read.notAfter) return 'expired';
    const known: Known = statuses.get(found.keyId) ?? { answer: undefined, due: 0, asking: undefined };
    statuses.set(found.keyId, known);
    if (known.due <= Date.now()) {
      known.asking ??= ask(found, known).finally(() => {
        known.asking = undefined;
      });
      await known.asking;
    }
    const { answer } = known;
    const age = answer && now.getTime() - answer.thisUpdate.getTime();
    if (!answer || age === undefined || age > options.freshness() * 1000) return 'unknown';
    if (answer.status === 'revoked') return 'revoked';
    return answer.status === 'good' ? found : 'unknown';
  }

  return {
    async authenticationFault(der) {
      const found = await fault(der, 'authentication');
      return typeof found === 'string' ? found : undefined;
    },
    async acceptSigner(der) {
      const found = await fault(der, 'signing');
      if (typeof found === 'string') return { fault: found };
      if (!certificates.has(found.keyId)) {
        await storeCertificate(db, found.keyId, 'signing', der);
        const answer = statuses.get(found.keyId)?.answer;
        if (answer) await keep(found.keyId, answer);
        certificates.set(found.keyId, der);
      }
      return { keyId: found.keyId, owner: found.owner };
    },
    async certificateOf(keyId) {
      const known = certificates.get(keyId) ?? (await storedCertificate(db, keyId));
      if (known) {
        certificates.set(keyId, known);
        return known;
      }
      const key = await keyring.find(keyId);
      if (!key || !testAuthority) return undefined;
      const use = key.purpose === 'authentication' ? 'authentication' : 'signing';
      const issued = await testAuthority.issue(
        use,
        { name: options.nameOf(key.owner), id: key.owner },
        keyId,
        key.publicKey,
      );
      certificates.set(keyId, issued);
      return issued;
    },
    async issuerOf(der) {
      const found = await chain(der);
      return found && Buffer.from(found.authority.certificate.certificate.toSchema(true).toBER());
    },
    async ocspAnswerAt(keyId, at) {
      const row = await db
        .selectFrom('ocsp_answer')
        .select('der')
        .where('key_id', '=', keyId)
        .where('this_update', '<=', at.toISOString())
        .orderBy('this_update', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row?.der;
    },
  };
}
