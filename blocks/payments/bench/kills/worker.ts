import { startNode } from '@govstack/platform';
import { pino } from 'pino';
import { payments } from '../../src/block.ts';
import { forward } from '../../test/fixtures/forward.ts';
import { quick } from '../../test/fixtures/times.ts';

/** A node in a process of its own that works on what waits in the database, until it is killed. */
const [adminUrl = '', databasePrefix = '', secret = '', railUrl = ''] = process.argv.slice(2);
const node = await startNode({
  blocks: [
    {
      block: payments,
      application: 'BENCH/GOV/BLOCKS/payments',
      config: { ...quick, subBatchSize: 50, maximumInstructions: 2_000 },
    },
  ],
  adminUrl,
  databasePrefix,
  secret: Buffer.from(secret, 'hex'),
  mediator: { exchange: (request) => forward(railUrl, request), publish: async () => undefined },
  log: pino({ level: 'fatal' }),
});
process.on('SIGTERM', () => void node.stop().then(() => process.exit(0)));
process.stdout.write('ready\n');
