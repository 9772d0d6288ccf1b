import { memberOf } from '@govstack/platform';
import type { FastifyInstance } from 'fastify';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { bodyFrom } from '../api/rest/routes.ts';
import { type Centre, createCentre } from '../centre/centre.ts';
import type { MediatorConfig } from '../config.ts';
import type { VerificationConfiguration } from '../containers/verify.ts';
import type { Directory } from '../directory/directory.ts';
import type { ServePeer } from '../exchange/serve-peer.ts';
import type { GlobalConfiguration } from '../global-configuration/configuration.ts';
import { openAnchored, openReceived } from '../global-configuration/from-anchor.ts';
import { groupsOf } from '../global-configuration/held.ts';
import { openOwnCentre } from '../global-configuration/own-centre.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { MediatorTables } from '../tables.ts';
import { httpStampingAuthority, type StampingAuthority } from '../time-stamps/authorities.ts';
import { openTestAuthority, type TestAuthority } from '../trust/test-authority.ts';
import { type Authority, httpResponder, openTrust, type Trust } from '../trust/trust.ts';
import { readCertificate } from '../trust/x509.ts';
import { openPeers, type PeerIdentity } from './peer-client.ts';
import { openPeerServer, type PeerServer } from './peer-server.ts';
import { createPeerTrust, type PeerTrust } from './peer-trust.ts';
import type { Peers } from './peers.ts';

export interface SecurityServerOptions {
  readonly db: Kysely<MediatorTables>;
  readonly directory: Directory;
  readonly keyring: Keyring;
  readonly settings: MediatorConfig;
  /** The mediator's own application; its member owns the server. */
  readonly own: string;
  readonly instance: string;
  readonly now: () => Date;
  readonly log: Logger;
}

/** What makes a mediator one security server among others: trust, the configuration of the instance, the peers. */
export interface SecurityServerParts {
  readonly id: string | undefined;
  readonly testAuthority: TestAuthority | undefined;
  readonly trust: Trust;
  readonly centre: Centre;
  readonly configuration: GlobalConfiguration;
  /** Where the configuration of this centre is published. */
  readonly urls: readonly string[];
  readonly peers: Peers;
  readonly peerTrust: PeerTrust;
  /** Authorities whose time stamps count in this instance, in the order in which they are asked. */
  readonly stampingAuthorities: () => readonly StampingAuthority[];
  readonly stampingSeconds: () => number;
  readonly nameOf: (owner: string) => string;
  /** Groups of the instance to which its centre, elsewhere, says that an application belongs. */
  readonly globalGroupsOf: (application: string) => readonly string[];
  /** Whether an application is registered here, or on another server of an instance this one exchanges with; or a group of the instance. */
  readonly knows: (application: string) => boolean;
  /** Public paths: the configuration, the test authority's certificate and responder. */
  registerRoutes(fastify: FastifyInstance): void;
  /** Opens the listener for other servers, when the settings name one. */
  listen(serve: ServePeer): Promise<void>;
  close(): Promise<void>;
}

const patienceMs = 10_000;
const largestTrustRequest = 16_384;

export async function openSecurityServer(options: SecurityServerOptions): Promise<SecurityServerParts> {
  const { db, directory, keyring, settings, own, instance, now, log } = options;
  const id = settings.server && `${memberOf(own)}/${settings.server.code}`;
  const base = settings.publicUrl ?? settings.audiences[0] ?? '';
  const nameOf = (owner: string): string =>
    directory.members().find((member) => member.id === memberOf(owner))?.name ?? owner;

  // A server that belongs to a centre elsewhere has no authority of its own: its certificates come from there.
  const testAuthority =
    settings.testTrustServices && !settings.anchor
      ? await openTestAuthority(db, keyring, own, now)
      : undefined;
  const inProcess: Authority[] = testAuthority
    ? [
        {
          instance,
          certificate: testAuthority.certificate,
          ask: async (request) => (await testAuthority.ocsp(request)) ?? Buffer.alloc(0),
        },
      ]
    : [];
  const certificationAuthorities = [
    ...(testAuthority
      ? [
          {
            name: 'Test authority',
            certificate: testAuthority.der.toString('base64'),
            ocspUrl: `${base}/trust/ocsp`,
          },
        ]
      : []),
    ...settings.certificationAuthorities,
  ];
  const timeStampingAuthorities = [
    ...(testAuthority
      ? [
          {
            name: 'Test time stamps',
            certificate: testAuthority.timeStampingCertificate.toString('base64'),
            url: `${base}/trust/tsa`,
          },
        ]
      : []),
    ...settings.timeStampingAuthorities,
  ];
  const centre = createCentre({
    db,
    directory,
    keyring,
    own,
    instance,
    lifetimeSeconds: settings.configurationLifetimeSeconds,
    ocspFreshness: settings.ocspFreshnessSeconds,
    timeStampingInterval: settings.timeStamps.seconds,
    certificationAuthorities: () => certificationAuthorities,
    timeStampingAuthorities: () => timeStampingAuthorities,
    now,
  });
  const configuration: GlobalConfiguration = settings.anchor
    ? await openAnchored({
        db,
        anchor: settings.anchor,
        partners: settings.partners,
        server: id ?? own,
        refreshSeconds: settings.configurationRefreshSeconds,
        now,
        log,
      })
    : await openOwnCentre(
        centre,
        id,
        directory.version,
        await openReceived({
          db,
          anchors: settings.partners,
          refreshSeconds: settings.configurationRefreshSeconds,
          now,
          log,
        }),
        log,
      );

  /** Authorities by their certificate, so that the same one is the same object every time. */
  const known = new Map<string, Authority>();
  const approved = (): readonly Authority[] => {
    const named = [instance, ...settings.partners.map((partner) => partner.instance)].flatMap((one) =>
      (configuration.of(one)?.certificationAuthorities ?? []).map((authority) => ({
        ...authority,
        instance: one,
      })),
    );
    return [
      ...inProcess,
      ...named.flatMap(({ instance: of, certificate, ocspUrl }) => {
        const name = `${of} ${certificate} ${ocspUrl}`;
        const before = known.get(name);
        if (before) return [before];
        const read = readCertificate(Buffer.from(certificate, 'base64'));
        if (!read?.uses.has('authority')) return [];
        const authority: Authority = { instance: of, certificate: read, ask: httpResponder(ocspUrl) };
        known.set(name, authority);
        return [authority];
      }),
    ];
  };
  const stampingAuthorities = (): readonly StampingAuthority[] =>
    (configuration.of(instance)?.timeStampingAuthorities ?? []).map(({ name, certificate, url }) => {
      const der = Buffer.from(certificate, 'base64');
      return testAuthority?.timeStampingCertificate.equals(der)
        ? {
            name,
            certificate: der,
            ask: async (request) => (await testAuthority.timeStamp(request)) ?? Buffer.alloc(0),
          }
        : httpStampingAuthority(name, der, url);
    });
  const trust = openTrust({
    db,
    keyring,
    authorities: approved,
    testAuthority,
    nameOf,
    freshness: () => configuration.of(instance)?.ocspFreshness ?? settings.ocspFreshnessSeconds,
    refreshSeconds: settings.ocspRefreshSeconds,
    now,
    log,
  });
  const peerTrust = createPeerTrust(configuration, trust);

  async function identity(): Promise<PeerIdentity> {
    if (id === undefined)
      throw new Error('this mediator is not a security server: the setting `server` is missing');
    const key = await keyring.current(id, 'authentication');
    const der = await trust.certificateOf(key.keyId);
    if (!der) throw new Error(`${id} has no authentication certificate yet`);
    return {
      certificate: `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`,
      key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    };
  }
  const peers = openPeers({
    configuration,
    certificates: trust,
    trust: peerTrust,
    identity,
    timeoutMs: settings.server?.timeoutMs ?? 120_000,
    largestAnswer: settings.bodyLimit,
    log,
  });

  let listener: PeerServer | undefined;
  let renewing: NodeJS.Timeout | undefined;
  return {
    id,
    testAuthority,
    trust,
    centre,
    configuration,
    urls: [`${base}/configuration/${encodeURIComponent(instance)}`],
    peers,
    peerTrust,
    stampingAuthorities,
    stampingSeconds: () => configuration.of(instance)?.timeStampingInterval ?? settings.timeStamps.seconds,
    nameOf,
    globalGroupsOf: (application) => {
      const held = settings.anchor && configuration.of(instance);
      return held ? groupsOf(held, application) : [];
    },
    knows: (application) =>
      directory.application(application) !== undefined ||
      (configuration
        .of(application.split('/')[0] as string)
        ?.applications.some((one) => one.id === application) ??
        false) ||
      (settings.anchor && configuration.of(instance))?.groups.some(
        ({ code }) => application === `${instance}/GLOBALGROUP/${code}`,
      ) === true,
    registerRoutes(fastify) {
      if (!settings.anchor)
        fastify.get('/configuration/:instance', async (request, reply) => {
          if ((request.params as { instance: string }).instance !== instance)
            return reply.code(404).header('content-type', 'text/plain').send('another instance\n');
          return reply
            .header('content-type', 'application/jwt')
            .header('cache-control', 'no-cache')
            .send(await centre.signed());
        });
      fastify.get('/trust/verification.json', async () => {
        const inForce = [instance, ...settings.partners.map((partner) => partner.instance)].flatMap(
          (one) => configuration.of(one) ?? [],
        );
        const believed: VerificationConfiguration = {
          certificationAuthorities: inForce.flatMap((one) =>
            one.certificationAuthorities.map(({ name, certificate }) => ({
              instance: one.instance,
              name,
              certificate,
            })),
          ),
          timeStampingAuthorities: inForce.flatMap((one) =>
            one.timeStampingAuthorities.map(({ name, certificate }) => ({ name, certificate })),
          ),
          ocspFreshness: Math.max(settings.ocspFreshnessSeconds, ...inForce.map((one) => one.ocspFreshness)),
        };
        return believed;
      });
      if (!testAuthority) return;
      fastify.get('/trust/ca.crt', async (_request, reply) =>
        reply.header('content-type', 'application/pkix-cert').send(testAuthority.der),
      );
      const answering = (
        path: string,
        type: string,
        kind: string,
        answer: (request: Buffer) => Promise<Buffer | undefined>,
      ): void => {
        fastify.post(path, { bodyLimit: largestTrustRequest }, async (request, reply) => {
          const asked = (await bodyFrom(request, largestTrustRequest)).bytes;
          const answered = asked && (await answer(asked));
          return answered
            ? reply.header('content-type', type).send(answered)
            : reply.code(400).header('content-type', 'text/plain').send(`not ${kind}\n`);
        });
      };
      answering('/trust/ocsp', 'application/ocsp-response', 'an OCSP request', testAuthority.ocsp);
      answering('/trust/tsa', 'application/timestamp-reply', 'a time-stamp request', testAuthority.timeStamp);
    },
    async listen(serve) {
      const { server } = settings;
      if (!server) return;
      const open = async (): Promise<void> => {
        try {
          listener = await openPeerServer({
            host: server.host,
            port: server.port,
            identity: await identity(),
            trust: peerTrust,
            certificates: trust,
            serve,
            bodyLimit: settings.bodyLimit,
            log,
          });
          clearInterval(renewing);
        } catch (error) {
          // Its certificate may have to be imported first.
          if (!renewing) log.warn({ err: error }, 'other servers cannot reach this one yet');
        }
      };
      await open();
      if (!listener) {
        renewing = setInterval(() => void open(), 1000);
        renewing.unref();
      }
    },
    async close() {
      clearInterval(renewing);
      await listener?.close(patienceMs);
      await peers.close();
      await configuration.close();
    },
  };
}
