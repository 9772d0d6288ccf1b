/**
 * One of two security servers with mutual TLS between them, each its own process and database. Arguments: role
 * (provider, which is also the centre, or consumer), own port, port for other servers, port of the provider's program,
 * PostgreSQL URL. The parent carries what operators would carry between the two.
 */
import { randomBytes } from 'node:crypto';
import { informationMediator } from '@govstack/information-mediator';
import { mediatorAdmin, mediatorCentre, mediatorKeys } from '@govstack/information-mediator/api';
import { createClient, createLogger, type GovstackNode, startNode } from '@govstack/platform';

const [role = '', port = '', peerPort = '', program = '', adminUrl = ''] = process.argv.slice(2);
const consumer = 'BENCH/GOV/MSP/service';
const provider = 'BENCH/GOV/MOF/scores';
const own = role === 'provider' ? 'BENCH/GOV/MOF/mediator' : 'BENCH/GOV/MSP/mediator';

const start = (settings: Record<string, unknown>): Promise<GovstackNode> =>
  startNode({
    adminUrl,
    databasePrefix: `bench_${role}_`,
    secret: randomBytes(32),
    log: createLogger('error'),
    blocks: [
      {
        block: informationMediator,
        application: own,
        config: {
          bootstrap: { instance: 'BENCH', governance: own },
          publicUrl: `http://127.0.0.1:${port}`,
          server: { code: 'ss', port: Number(peerPort), timeoutMs: 600_000 },
          ...settings,
        },
      },
    ],
  });

interface Message {
  readonly type: string;
  readonly value?: unknown;
}
const told = <T>(type: string): Promise<T> =>
  new Promise((resolve) => {
    const hear = (message: Message): void => {
      if (message.type !== type) return;
      process.off('message', hear);
      resolve(message.value as T);
    };
    process.on('message', hear);
  });
const tell = (type: string, value?: unknown): void => void process.send?.({ type, value });

async function provide(): Promise<GovstackNode> {
  const node = await start({});
  const exchange = (request: Parameters<typeof node.mediator.exchange>[0]) => node.mediator.exchange(request);
  const admin = createClient(
    mediatorAdmin,
    { client: own, service: `${own}/${mediatorAdmin.name}` },
    exchange,
  );
  const centre = createClient(
    mediatorCentre,
    { client: own, service: `${own}/${mediatorCentre.name}` },
    exchange,
  );
  const keys = createClient(mediatorKeys, { client: own, service: `${own}/${mediatorKeys.name}` }, exchange);
  await node.listen({ port: Number(port) });
  await admin.putMember({ params: { member: 'BENCH/GOV/MSP' }, body: { name: 'Social protection' } });
  for (const application of [consumer, provider, 'BENCH/GOV/MSP/mediator'])
    await admin.putApplication({ params: { application }, body: { name: application } });
  const service = `${provider}/scores-v1`;
  await admin.putService({
    params: { service },
    body: { title: 'Scores', target: `http://127.0.0.1:${program}`, timeoutMs: 600_000 },
  });
  await admin.putRight({ params: { service, subject: consumer }, body: {} });
  const issue = async (request: string, use: 'signing' | 'authentication') =>
    (await centre.issueCertificate({ body: { request, use } })).body.certificate;
  const { request } = (await keys.createRequest({ body: { use: 'authentication' } })).body;
  const certificate = await issue(request, 'authentication');
  await keys.importCertificate({ body: { certificate } });
  const register = (server: string, address: string, certificates: string[], clients: string[]) =>
    centre.putServer({ params: { server }, body: { address, certificates, clients } });
  await register('BENCH/GOV/MOF/ss', `https://127.0.0.1:${peerPort}`, [certificate], [provider, own]);
  tell('anchor', (await centre.getAnchor({})).body);
  const asked = await told<{ authentication: string; signing: string; address: string }>('requests');
  const authentication = await issue(asked.authentication, 'authentication');
  tell('certificates', [authentication, await issue(asked.signing, 'signing')]);
  await told('imported');
  await register('BENCH/GOV/MSP/ss', asked.address, [authentication], [consumer, 'BENCH/GOV/MSP/mediator']);
  return node;
}

async function consume(): Promise<GovstackNode> {
  tell('asking');
  const anchor = await told<Record<string, unknown>>('anchor');
  const node = await start({ anchor, configurationRefreshSeconds: 1 });
  const exchange = (request: Parameters<typeof node.mediator.exchange>[0]) => node.mediator.exchange(request);
  const admin = createClient(
    mediatorAdmin,
    { client: own, service: `${own}/${mediatorAdmin.name}` },
    exchange,
  );
  const keys = createClient(mediatorKeys, { client: own, service: `${own}/${mediatorKeys.name}` }, exchange);
  await node.listen({ port: Number(port) });
  await admin.putApplication({
    params: { application: consumer },
    body: { name: 'Service', connection: 'http' },
  });
  const request = async (body: { use: 'signing' | 'authentication'; member?: string }) =>
    (await keys.createRequest({ body })).body.request;
  tell('requests', {
    authentication: await request({ use: 'authentication' }),
    signing: await request({ use: 'signing', member: 'BENCH/GOV/MSP' }),
    address: `https://127.0.0.1:${peerPort}`,
  });
  for (const certificate of await told<string[]>('certificates'))
    await keys.importCertificate({ body: { certificate } });
  tell('imported');
  return node;
}

const node = await (role === 'provider' ? provide() : consume());
tell('ready');
process.once('SIGTERM', () => void node.stop().then(() => process.exit(0)));
