/** One security server with full evidence. Arguments: own port, port of the provider, PostgreSQL URL, database prefix. */
import { randomBytes } from 'node:crypto';
import { informationMediator } from '@govstack/information-mediator';
import { mediatorAdmin } from '@govstack/information-mediator/api';
import { createClient, createLogger, startNode } from '@govstack/platform';

const [port, provider, adminUrl, databasePrefix] = process.argv.slice(2) as [string, string, string, string];
const mediator = 'BENCH/GOV/DGA/mediator';
const node = await startNode({
  adminUrl,
  databasePrefix,
  secret: randomBytes(32),
  log: createLogger('error'),
  blocks: [{ block: informationMediator, application: mediator }],
});
const admin = createClient(
  mediatorAdmin,
  { client: mediator, service: `${mediator}/${mediatorAdmin.name}` },
  (request) => node.mediator.exchange(request),
);
const consumer = 'BENCH/GOV/MSP/service';
const service = 'BENCH/GOV/MOF/scores/scores-v1';
await admin.putMember({ params: { member: 'BENCH/GOV/MSP' }, body: { name: 'Social protection' } });
await admin.putMember({ params: { member: 'BENCH/GOV/MOF' }, body: { name: 'Finance' } });
await admin.putApplication({
  params: { application: consumer },
  body: { name: 'Service', connection: 'http' },
});
await admin.putApplication({ params: { application: 'BENCH/GOV/MOF/scores' }, body: { name: 'Scores' } });
await admin.putService({
  params: { service },
  body: { title: 'Scores', target: `http://127.0.0.1:${provider}`, timeoutMs: 600_000 },
});
await admin.putRight({ params: { service, subject: consumer }, body: {} });
await node.listen({ port: Number(port) });
process.send?.('ready');
process.once('SIGTERM', () => void node.stop().then(() => process.exit(0)));
