import { createHash, X509Certificate } from 'node:crypto';
import {
  badRequest,
  type Caller,
  type ImplementedSurface,
  implement,
  memberOf,
  notFound,
  type Person,
} from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Centre } from '../../centre/centre.ts';
import { deleteServer, listServers, putServer } from '../../centre/security-servers.ts';
import type { Directory } from '../../directory/directory.ts';
import type { GlobalConfiguration } from '../../global-configuration/configuration.ts';
import { thumbprint } from '../../keys/keyring.ts';
import type { MediatorTables } from '../../tables.ts';
import type { TestAuthority } from '../../trust/test-authority.ts';
import type { Trust } from '../../trust/trust.ts';
import { readCertificate, readRequest } from '../../trust/x509.ts';
import { assertAuthority, authorityOf, type Governance } from '../authority.ts';
import { mediatorCentre } from './operations.ts';

export interface CentreSurface {
  readonly db: Kysely<MediatorTables>;
  readonly directory: Directory;
  readonly governance: Governance;
  readonly centre: Centre;
  readonly configuration: GlobalConfiguration;
  readonly trust: Trust;
  readonly testAuthority: TestAuthority | undefined;
  /** Where the configuration is published. */
  readonly urls: readonly string[];
}

/** DER behind PEM; a request or a certificate. */
export const derOf = (pem: string): Buffer =>
  Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');

export const pemOf = (der: Buffer): string => new X509Certificate(der).toString();

export function centreOf(parts: CentreSurface): ImplementedSurface {
  const { db, directory, governance, centre, configuration, trust, testAuthority } = parts;
  const govern = ({ caller, person }: { caller: Caller; person: Person | undefined }): void =>
    assertAuthority(authorityOf(governance, caller, person), governance.application);
  const done = async (work: Promise<boolean>): Promise<{ readonly status: 204 }> => {
    if (await work) {
      await directory.refresh();
      await configuration.refresh();
    }
    return { status: 204 };
  };

  /** SHA-256 of certificates that are good, for connections, and of this server. */
  const fingerprints = (server: string, pems: readonly string[]): Promise<string[]> =>
    Promise.all(
      pems.map(async (pem, index) => {
        const refuse = (detail: string): Error =>
          badRequest('A certificate cannot be registered', [
            { in: 'body', pointer: `/certificates/${index}`, detail },
          ]);
        const der = derOf(pem);
        const read = readCertificate(der);
        if (!read) throw refuse('is not a certificate');
        if (read.owner !== server) throw refuse('is not for this server');
        const fault = await trust.authenticationFault(der);
        if (fault) throw refuse(`is ${fault}`);
        return createHash('sha256').update(der).digest('hex');
      }),
    );

  return implement(mediatorCentre, {
    async getAnchor(who) {
      govern(who);
      const { instance, keys, urls } = await centre.anchor(parts.urls);
      return {
        status: 200,
        body: { instance, urls: [...urls], keys: keys.map((key) => ({ ...key })) },
      };
    },
    async putServer({ params: { server }, body, ...who }) {
      govern(who);
      if (!directory.hasMember(memberOf(server))) throw badRequest('The member is not registered');
      const unknown = body.clients.findIndex((client) => !directory.application(client));
      if (unknown >= 0)
        throw badRequest('An application is not registered', [
          { in: 'body', pointer: `/clients/${unknown}`, detail: 'is not registered' },
        ]);
      const certificates = await fingerprints(server, body.certificates);
      const { address, clients, maintenance } = body;
      return done(
        putServer(db, {
          id: server,
          address,
          clients,
          certificates,
          ...(maintenance === undefined ? {} : { maintenance }),
        }),
      );
    },
    async deleteServer({ params, ...who }) {
      govern(who);
      return done(deleteServer(db, params.server));
    },
    async listServers(who) {
      govern(who);
      const items = await listServers(db);
      return {
        status: 200,
        body: {
          items: items.map((one) => ({
            ...one,
            clients: [...one.clients],
            certificates: [...one.certificates],
          })),
        },
      };
    },
    async issueCertificate({ body, ...who }) {
      govern(who);
      if (!testAuthority) throw notFound('A test authority');
      const request = await readRequest(derOf(body.request));
      if (!request)
        throw badRequest('The signing request is not valid', [
          { in: 'body', pointer: '/request', detail: 'is not a signing request signed with its key' },
        ]);
      if (!directory.hasMember(memberOf(request.subject.id)))
        throw badRequest('The member is not registered', [
          { in: 'body', pointer: '/request', detail: 'names a member that is not registered' },
        ]);
      const keyId = thumbprint(request.publicKey.export({ format: 'jwk' }));
      const der = await testAuthority.issue(body.use, request.subject, keyId, request.publicKey);
      return { status: 200, body: { keyId, certificate: pemOf(der) } };
    },
    async revokeCertificate({ params, ...who }) {
      govern(who);
      if (!(await testAuthority?.revoke(params.keyId))) throw notFound('A certificate in force');
      return { status: 204 };
    },
  });
}
