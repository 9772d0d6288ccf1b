import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Caller,
  connect,
  createClient,
  type GovstackNode,
  type MediatedRequest,
  type MediatedResponse,
  newId,
  type Operations,
  type Surface,
  startEmbeddedPostgres,
  startNode,
} from '@govstack/platform';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Kysely, sql } from 'kysely';
import { pino } from 'pino';
import { g2p, paymentsAdmin } from '../../src/api/operations.ts';
import { payments } from '../../src/block.ts';
import type { Db } from '../../src/tables.ts';

const application = 'BENCH/GOV/BLOCKS/payments';
const source = 'BENCH/GOV/MSP/cash-transfer';
const railService = 'BENCH/COM/BANK/rail/rail-v1';
const callbackService = `${source}/results-v1`;
const programme = { sourceId: 'cash-transfer', programmeId: 'cash-transfer' };

const json = (status: number, body: unknown): MediatedResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
});

/** A bank that pays everything and says so at once, in the process of the block. */
function bankAnswers(request: MediatedRequest): MediatedResponse {
  const body = JSON.parse(Buffer.from(request.body as string).toString()) as {
    batchId: string;
    transfers?: { reference: string }[];
  };
  if (request.path === '/fund-authorisations') return json(200, { batchId: body.batchId, status: 'Y' });
  if (request.path === '/account-validations') return json(200, { batchId: body.batchId, failures: [] });
  return json(200, {
    batchId: body.batchId,
    results: (body.transfers ?? []).map(({ reference }) => ({
      reference,
      status: 'completed',
      bankReference: `B-${reference.slice(-12)}`,
    })),
  });
}

/** The block over a PostgreSQL of its own with durable commits, a rail and a source in one process. */
export async function startStage(config: Readonly<Record<string, unknown>>) {
  const dataDir = mkdtempSync(join(tmpdir(), 'govstack-bench-'));
  chmodSync(dataDir, 0o755);
  const server = await startEmbeddedPostgres({
    dataDir,
    ...(process.env.PROFILE
      ? {
          settings: {
            shared_preload_libraries: 'pg_stat_statements,auto_explain',
            'pg_stat_statements.track': 'all',
            ...(process.env.PROFILE === 'plans'
              ? {
                  'auto_explain.log_min_duration': '40',
                  'auto_explain.log_analyze': 'on',
                  'auto_explain.log_nested_statements': 'on',
                  'auto_explain.log_triggers': 'on',
                  'auto_explain.log_timing': 'off',
                  'auto_explain.log_parameter_max_length': '0',
                }
              : {}),
          },
        }
      : {}),
  });
  const databasePrefix = 'bench_';
  const secret = randomBytes(32);
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
  /** Messages the source got, with the moment. */
  const told: { readonly at: number; readonly body: Record<string, unknown> }[] = [];
  const statistics = connect(server.adminUrl, { max: 1 });
  if (process.env.PROFILE) await sql`create extension pg_stat_statements`.execute(statistics.db);
  let node: GovstackNode;
  const exchange = async (request: MediatedRequest): Promise<MediatedResponse> => {
    if (request.service === railService) return bankAnswers(request);
    if (request.service === callbackService) {
      told.push({ at: performance.now(), body: JSON.parse(Buffer.from(request.body as string).toString()) });
      return json(200, {});
    }
    const caller: Caller = {
      application: request.client,
      service: request.service,
      operator: undefined,
      exchangeId: newId(),
    };
    const surface = request.service.split('/')[4] as string;
    return (
      (await node.localProviders.dispatch('payments', surface, request, caller)) ??
      json(500, { title: surface })
    );
  };
  node = await startNode({
    blocks: [{ block: payments, application, config }],
    adminUrl: server.adminUrl,
    databasePrefix,
    secret,
    identity: { issuer: 'https://identity.bench', audience: 'govstack', jwks: { keys: [jwk] } },
    mediator: { exchange, publish: async () => undefined },
    log: pino({ level: process.env.LOG_LEVEL ?? 'warn' }, pino.destination(2)),
  });
  const client = <O extends Operations>(surface: Surface<O>, as: string) =>
    createClient(surface, { client: as, service: `${application}/${surface.name}` }, exchange);
  const admin = client(paymentsAdmin, application);
  await admin.putRail({
    params: { railId: 'bank' },
    body: {
      adapter: 'bank',
      service: railService,
      name: 'Bank',
      modalities: ['00'],
      currencies: ['USD'],
      isDefault: true,
      batchSize: 1000,
      concurrency: 8,
    },
  });
  await admin.putSource({
    params: { sourceId: programme.sourceId },
    body: {
      application: source,
      name: 'Cash transfer',
      institutionId: 'MSP',
      callbackService,
      callbackPath: '/results',
    },
  });
  await admin.putProgramme({
    params: programme,
    body: {
      name: 'Cash transfer',
      agency: 'BENCH/GOV/MSP',
      currency: 'USD',
      fundingAccount: 'US00BENCH01',
      payerRail: 'bank',
    },
  });
  await admin.releaseBudget({
    params: programme,
    body: { reference: 'b-1', amount: '90000000000.00', currency: 'USD' },
  });
  const officer = (role: string): Promise<string> =>
    new SignJWT({ roles: [role], agency: 'BENCH/GOV/BLOCKS', client_id: 'bench' })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
      .setIssuer('https://identity.bench')
      .setAudience('govstack')
      .setSubject(role)
      .setIssuedAt()
      .setExpirationTime('2h')
      .sign(privateKey);
  return {
    node,
    server,
    db: node.database('payments') as Kysely<unknown> as unknown as Db,
    /** The server's administrator. */
    statistics: statistics.db,
    admin,
    api: client(g2p, source),
    exchange: (request: Omit<MediatedRequest, 'client' | 'service'>) =>
      exchange({ ...request, client: source, service: `${application}/${g2p.name}` }),
    approver: () => officer('payment-approver'),
    administrator: () => officer('administrator'),
    databasePrefix,
    secret,
    told,
    programme,
    async stop() {
      await node.stop();
      await statistics.close();
      await server.stop();
      if (process.env.PROFILE) copyFileSync(join(server.directory, 'server.log'), '/tmp/bench-server.log');
      rmSync(server.directory, { recursive: true, force: true });
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export type Stage = Awaited<ReturnType<typeof startStage>>;
