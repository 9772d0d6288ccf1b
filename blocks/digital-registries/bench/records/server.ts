/** The process under load: the block served alone, and beside it the floor on the same tables. */
import { digitalRegistries } from '@govstack/digital-registries';
import { connect, startNode } from '@govstack/platform';
import { pino } from 'pino';
import { floor } from './floor.ts';

const { adminUrl, secret, key, databaseUrl } = JSON.parse(process.env.BENCH as string);
const node = await startNode({
  adminUrl,
  databasePrefix: 'bench_',
  secret: Buffer.from(secret, 'base64'),
  blocks: [{ block: digitalRegistries, application: 'BENCH/GOV/AGENCY/registries', answersAs: '*' }],
  mediatorKeys: [key],
  log: pino({ level: 'fatal' }),
});
const url = await node.listen({ port: 0, all: 'digital-registries' });
process.send?.({ url });
process.once('disconnect', () => process.exit(1));
process.on(
  'message',
  async (message: { tables?: { plain: string; personal: string }; stop?: true; rss?: true }) => {
    if (message.tables) {
      const { pool } = connect(databaseUrl);
      const plain = floor(pool, message.tables.plain, false);
      const personal = floor(pool, message.tables.personal, true);
      const [plainUrl, personalUrl] = await Promise.all(
        [plain, personal].map((app) => app.listen({ port: 0, host: '127.0.0.1' })),
      );
      process.send?.({ plainUrl, personalUrl });
    }
    if (message.rss) process.send?.({ rss: process.memoryUsage.rss() });
    if (message.stop) process.exit(0);
  },
);
