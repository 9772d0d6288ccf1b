/**
 * A process engine to be killed: starts the block on the given database, deploys, starts every instance (again), and
 * ends when all instances have ended. Dies by its own hand at a given database statement, or by its parent's.
 */
import { createClient, httpMediator, startNode } from '@govstack/platform';
import { exportJWK, generateKeyPair } from 'jose';
import pg from 'pg';
import { pino } from 'pino';
import { workflowApi } from '../../src/api/operations.ts';
import { workflow } from '../../src/block.ts';
import { crashed, instances, owner } from './process.ts';

const setting = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

/** Dies at the n-th statement after the start: before it is sent, or after it is done. */
function dieAtStatement(n: number, after: boolean): void {
  const query = pg.Client.prototype.query as (...args: unknown[]) => unknown;
  let count = 0;
  const die = (): void => {
    process.kill(process.pid, 'SIGKILL');
  };
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    count += 1;
    if (count < n) return query.apply(this, args);
    if (!after) die();
    const result = query.apply(this, args);
    if (result instanceof Promise) return result.finally(die);
    return result;
  } as typeof pg.Client.prototype.query;
}

const application = 'TEST/GOV/DGA/workflow';
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const mediator = httpMediator({
  url: setting('CALLEE_URL'),
  keys: new Map([[application, await exportJWK(privateKey)]]),
});
const node = await startNode({
  blocks: [
    {
      block: workflow,
      application,
      config: {
        pollMs: 20,
        concurrency: 4,
        callTimeoutMs: 5_000,
        retries: Array.from({ length: 12 }, () => 'PT0.02S'),
      },
    },
  ],
  adminUrl: setting('ADMIN_URL'),
  databasePrefix: setting('DATABASE_PREFIX'),
  secret: Buffer.from(setting('SECRET'), 'hex'),
  mediator,
  log: pino({ level: 'fatal' }),
});
if (process.env.DIE_AT !== undefined)
  dieAtStatement(Number(process.env.DIE_AT), process.env.DIE_AFTER === 'true');

const service = `${application}/workflow-v1`;
const api = createClient(workflowApi, { client: owner, service }, async (request) => {
  const caller = { application: owner, service, operator: undefined, exchangeId: 'test' };
  const response = await node.localProviders.dispatch('workflow', 'workflow-v1', request, caller);
  if (!response) throw new Error('the block is not mounted');
  return response;
});
await api.addProcess({ body: crashed });
for (let n = 0; n < instances; n += 1) {
  await api.start({
    params: { processId: 'crashed' },
    body: { businessKey: `case-${n}`, variables: { n, items: [1, 2, 3] } },
    idempotencyKey: `start-${n}`,
  });
}
process.stdout.write('started\n');
for (;;) {
  const { body } = await api.getInstances({ query: { state: 'running', limit: 1 } });
  if (body.length === 0) break;
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await node.stop();
await mediator.close();
process.stdout.write('done\n');
process.exit(0);
