import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { pino } from 'pino';
import type { AnyBlock } from '../block/block.ts';
import type { ApplicationId, Caller, ServiceId } from '../caller/caller.ts';
import { newId } from '../context/ids.ts';
import type { CloudEvent } from '../events/cloud-event.ts';
import { type Client, createClient } from '../mediation/client.ts';
import type { MediatedRequest, MediatedResponse, MediatorPort } from '../mediation/port.ts';
import { type BlockSetup, type GovstackNode, type NodeOptions, startNode } from '../node/node.ts';
import type { Operations } from '../operation/operation.ts';
import type { Surface } from '../operation/surface.ts';
import { createBlockDatabases, newDatabaseName, testAdminUrl } from './postgres.ts';

export const testIssuer = 'https://identity.test';
export const testAudience = 'govstack';

/** Another application in a test: answers requests addressed to its service. */
export type TestProvider = (request: MediatedRequest, caller: Caller) => Promise<MediatedResponse>;

/** A JSON answer of a test provider. */
export const jsonResponse = (status: number, body: unknown): MediatedResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
});

export interface TestNodeOptions {
  readonly blocks: readonly (Omit<BlockSetup, 'application'> & { readonly application?: ApplicationId })[];
  readonly providers?: Readonly<Record<ServiceId, TestProvider>>;
  /** Continue on the databases of an earlier node of this test. */
  readonly databasePrefix?: string;
  readonly node?: Partial<NodeOptions>;
}

export interface TestPerson {
  readonly id: string;
  readonly roles?: readonly string[];
  readonly agency?: string;
  readonly acr?: string;
  readonly scopes?: readonly string[];
}

export interface TestNode extends GovstackNode {
  readonly databasePrefix: string;
  /** Facts the blocks announced, in order of arrival. */
  readonly published: CloudEvent[];
  /** Requests that left a block for another application. */
  readonly exchanges: MediatedRequest[];
  /** Access token such as the identity block would issue. */
  token(person: TestPerson, lifetime?: string): Promise<string>;
  /** Calls a mounted surface as a verified application; `service` defaults to the block's own application. */
  client<O extends Operations>(
    surface: Surface<O>,
    options?: {
      readonly as?: ApplicationId;
      readonly service?: ServiceId;
      readonly operator?: ApplicationId;
    },
  ): Client<O>;
}

export const testApplication = (block: AnyBlock): ApplicationId => `TEST/GOV/BLOCKS/${block.name}`;

/** A secret and signing key that outlive one node of a test process, so that a node can be restarted. */
const secret = randomBytes(32);
let identityKeys: Promise<{ privateKey: JWK; publicKey: JWK }> | undefined;

const keys = (): Promise<{ privateKey: JWK; publicKey: JWK }> => {
  identityKeys ??= generateKeyPair('ES256', { extractable: true }).then(async (pair) => ({
    privateKey: await exportJWK(pair.privateKey),
    publicKey: { ...(await exportJWK(pair.publicKey)), kid: 'test', alg: 'ES256', use: 'sig' },
  }));
  return identityKeys;
};

/**
 * Starts blocks on fresh databases with a loop-back in place of the information mediator: it carries requests
 * between the mounted surfaces (found by service code) and the given providers, naming the caller as a mediator would.
 * Mount the real information mediator block to test with rights and evidence.
 */
export async function startTestNode(options: TestNodeOptions): Promise<TestNode> {
  const { privateKey, publicKey } = await keys();
  const databasePrefix = options.databasePrefix ?? `${newDatabaseName()}_`;
  const published: CloudEvent[] = [];
  const exchanges: MediatedRequest[] = [];
  let node: GovstackNode;
  const blocks: BlockSetup[] = options.blocks.map((setup) => ({
    application: testApplication(setup.block),
    answersAs: '*',
    ...setup,
  }));
  const blockOf = (service: ServiceId): AnyBlock | undefined => {
    const code = service.split('/')[4];
    return blocks.find(({ block }) =>
      code === 'events-v1'
        ? testApplication(block) === service.split('/').slice(0, 4).join('/')
        : block.surfaces.some((surface) => surface.name === code),
    )?.block;
  };
  const loopback: MediatorPort = {
    async exchange(request) {
      exchanges.push(request);
      const caller: Caller = {
        application: request.client,
        service: request.service,
        operator: request.operator,
        exchangeId: newId(),
      };
      const provider = options.providers?.[request.service];
      if (provider) return provider(request, caller);
      const block = blockOf(request.service);
      const response = block
        ? await node.localProviders.dispatch(
            block.name,
            request.service.split('/')[4] as string,
            request,
            caller,
          )
        : undefined;
      return (
        response ?? {
          status: 500,
          headers: { 'x-road-error': 'Server.ServerProxy.UnknownService' },
          body: Buffer.from('{"type":"Server.ServerProxy.UnknownService"}'),
        }
      );
    },
    async publish(_from, event) {
      if (!published.some((known) => known.id === event.id)) published.push(event);
    },
  };
  const adminUrl = options.node?.adminUrl ?? testAdminUrl();
  if (adminUrl === testAdminUrl())
    await createBlockDatabases(
      databasePrefix,
      options.blocks.filter((one) => !one.databaseUrl).map((one) => one.block),
    );
  node = await startNode({
    adminUrl,
    databasePrefix,
    secret,
    identity: { issuer: testIssuer, audience: testAudience, jwks: { keys: [publicKey] } },
    mediator: loopback,
    log: pino({ level: process.env.LOG_LEVEL ?? 'fatal' }),
    strictResponses: true,
    drainMs: 5_000,
    ...options.node,
    blocks,
  });
  return {
    ...node,
    get mediator() {
      return node.mediator;
    },
    databasePrefix,
    published,
    exchanges,
    async token(person, lifetime = '5m') {
      return new SignJWT({
        roles: person.roles ?? [],
        ...(person.agency === undefined ? {} : { agency: person.agency }),
        ...(person.acr === undefined ? {} : { acr: person.acr }),
        ...(person.scopes === undefined ? {} : { scope: person.scopes.join(' ') }),
        client_id: 'test-client',
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'test' })
        .setIssuer(testIssuer)
        .setAudience(testAudience)
        .setSubject(person.id)
        .setIssuedAt()
        .setExpirationTime(lifetime)
        .sign(await importJWK(privateKey, 'ES256'));
    },
    client(surface, clientOptions = {}) {
      const owner = blocks.find(({ block }) => block.surfaces.some((one) => one.name === surface.name));
      const service =
        clientOptions.service ?? `${owner?.application ?? 'TEST/GOV/BLOCKS/unknown'}/${surface.name}`;
      return createClient(
        surface,
        {
          client: clientOptions.as ?? 'TEST/GOV/MINISTRY/service',
          service,
          ...(clientOptions.operator === undefined ? {} : { operator: clientOptions.operator }),
        },
        (request) => node.mediator.exchange(request),
      );
    },
  };
}
