import { X509Certificate } from 'node:crypto';
import {
  badRequest,
  type Caller,
  type ImplementedSurface,
  implement,
  memberOf,
  type Person,
} from '@govstack/platform';
import { type Kysely, type SqlBool, sql } from 'kysely';
import { type Keyring, thumbprint } from '../../keys/keyring.ts';
import type { MediatorTables } from '../../tables.ts';
import { storeCertificate } from '../../trust/test-authority.ts';
import type { Trust } from '../../trust/trust.ts';
import { makeRequest, readCertificate } from '../../trust/x509.ts';
import { assertAuthority, authorityOf, type Governance } from '../authority.ts';
import { derOf } from '../centre/handlers.ts';
import { page, pageOf } from '../paging.ts';
import { mediatorKeys } from './operations.ts';

export interface KeysSurface {
  readonly db: Kysely<MediatorTables>;
  readonly governance: Governance;
  readonly keyring: Keyring;
  readonly trust: Trust;
  /** Id of this security server; undefined: it has none. */
  readonly server: string | undefined;
  readonly nameOf: (owner: string) => string;
}

const uses = { message: 'signing', authentication: 'authentication' } as const;

export function keysOf(parts: KeysSurface): ImplementedSurface {
  const { db, governance, keyring, trust, server } = parts;
  const over = ({ caller, person }: { caller: Caller; person: Person | undefined }, id: string): void =>
    assertAuthority(authorityOf(governance, caller, person), id);

  async function stateOf(der: Buffer | null, use: 'signing' | 'authentication'): Promise<string> {
    if (!der) return 'none';
    if (use === 'authentication') return (await trust.authenticationFault(der)) ?? 'good';
    const accepted = await trust.acceptSigner(der);
    return 'fault' in accepted ? accepted.fault : 'good';
  }

  return implement(mediatorKeys, {
    async listKeys({ query, ...who }) {
      const authority = authorityOf(governance, who.caller, who.person);
      const request = pageOf(query);
      const prefix = authority.kind === 'all' ? '' : authority.id;
      const rows = await db
        .selectFrom('signing_key as k')
        .leftJoin('certificate as c', 'c.key_id', 'k.key_id')
        .select(['k.key_id', 'k.owner', 'k.purpose', 'k.created_at', 'k.retired_at', 'c.der'])
        .where('k.purpose', 'in', ['message', 'authentication'])
        .where('k.key_id', '>', request.after)
        .where(
          sql<SqlBool>`(k.owner = ${prefix} or starts_with(k.owner, ${prefix === '' ? '' : `${prefix}/`}))`,
        )
        .orderBy('k.key_id')
        .limit(request.limit + 1)
        .execute();
      const items = await Promise.all(
        rows.map(async ({ key_id, owner, purpose, created_at, retired_at, der }) => {
          const use = uses[purpose as keyof typeof uses];
          const certificate = der && new X509Certificate(der);
          return {
            keyId: key_id,
            owner,
            use,
            createdAt: created_at,
            retiredAt: retired_at === null ? null : String(retired_at),
            certificate: certificate ? certificate.toString() : null,
            issuer: certificate ? certificate.issuer.replaceAll('\n', ', ') : null,
            notAfter: certificate ? new Date(certificate.validTo).toISOString() : null,
            state: await stateOf(der, use),
          };
        }),
      );
      return { status: 200, body: page(items, request, ({ keyId }) => keyId) };
    },
    async createRequest({ body, ...who }) {
      const owner = body.use === 'authentication' ? server : body.member;
      if (owner === undefined)
        throw badRequest(
          body.use === 'signing'
            ? 'Name the member whose key it is'
            : 'This mediator is not a security server yet',
          [{ in: 'body', pointer: '/member', detail: 'is missing' }],
        );
      over(who, body.use === 'authentication' ? governance.application : memberOf(owner));
      const key = await keyring.current(owner, body.use === 'signing' ? 'message' : 'authentication');
      const der = await makeRequest({ name: parts.nameOf(owner), id: owner }, key.privateKey);
      const lines = der.toString('base64').replaceAll(/.{1,64}/g, '$&\n');
      return {
        status: 200,
        body: {
          keyId: key.keyId,
          request: `-----BEGIN CERTIFICATE REQUEST-----\n${lines}-----END CERTIFICATE REQUEST-----\n`,
        },
      };
    },
    async importCertificate({ body, ...who }) {
      const refuse = (detail: string): Error =>
        badRequest('The certificate cannot be taken over', [{ in: 'body', pointer: '/certificate', detail }]);
      const der = derOf(body.certificate);
      const read = readCertificate(der);
      if (!read) throw refuse('is not a certificate');
      const keyId = thumbprint(read.publicKey.export({ format: 'jwk' }));
      const key = await keyring.find(keyId);
      if (!key || (key.purpose !== 'message' && key.purpose !== 'authentication'))
        throw refuse('is for a key that is not here');
      over(who, key.purpose === 'authentication' ? governance.application : key.owner);
      if (key.owner !== read.owner) throw refuse('is for another owner than the key');
      const use = uses[key.purpose];
      const state = await stateOf(der, use);
      if (state !== 'good') throw refuse(`is ${state}`);
      await storeCertificate(db, keyId, use, der);
      return { status: 200, body: { keyId, owner: key.owner } };
    },
  });
}
