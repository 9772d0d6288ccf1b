import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  claimDataDirectory,
  createLogger,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
  startNode,
} from '@govstack/platform';
import type { JWK } from 'jose';
import { folder, readOptions, wholeNumber } from '../arguments.ts';
import { blockNamed } from '../stack/blocks.ts';
import { installationSecret } from '../stack/secret.ts';
import { untilStopped } from './until-stopped.ts';

/** `serve <block>`: one block alone, with its own database and nothing else. */
export async function serve(argv: readonly string[]): Promise<number> {
  const { positional, options } = readOptions(argv, {
    port: 'value',
    profile: 'value',
    data: 'value',
    application: 'value',
    host: 'value',
    certificate: 'value',
    key: 'value',
  });
  const { host, certificate, key } = options;
  if ((certificate === undefined) !== (key === undefined))
    throw new Error('--certificate and --key, PEM files, belong together');
  const block = blockNamed(positional[0]);
  const profile = options.profile ?? 'standard';
  if (profile !== 'standard' && profile !== 'compliance')
    throw new Error('--profile is standard or compliance');
  const seeded = profile === 'compliance';
  const dataDir = folder(options.data, `.govstack/${seeded ? 'compliance' : 'serve'}-${block.name}`);
  const directory = claimDataDirectory(dataDir);
  // A suite changes what it finds: unless told where its data stays, each start begins with the seed.
  if (seeded && options.data === undefined)
    rmSync(join(dataDir, 'postgres'), { recursive: true, force: true });
  const say = (message: string): void => void process.stderr.write(`${message}\n`);
  let postgres: EmbeddedPostgres | undefined;
  try {
    if (!process.env.DATABASE_URL) postgres = await startEmbeddedPostgres({ dataDir, log: say });
    const issuer = process.env.GOVSTACK_ISSUER;
    const node = await startNode({
      adminUrl: process.env.DATABASE_URL ?? (postgres?.adminUrl as string),
      databasePrefix: 'govstack_',
      secret: installationSecret(dataDir),
      profile,
      blocks: [
        { block, application: options.application ?? `LOCAL/GOV/LOCAL/${block.name}`, answersAs: '*' },
      ],
      mediatorKeys: process.env.GOVSTACK_MEDIATOR_KEYS
        ? (JSON.parse(process.env.GOVSTACK_MEDIATOR_KEYS) as JWK[])
        : [],
      ...(issuer ? { identity: { issuer, audience: 'govstack', jwks: new URL(`${issuer}/jwks`) } } : {}),
      log: createLogger(process.env.LOG_LEVEL ?? 'info'),
      processMetrics: true,
      metricsAnywhere: process.env.GOVSTACK_METRICS === 'anywhere',
    });
    const url = await node.listen({
      port: wholeNumber(options.port, 'port', 4000, 0, 65_535),
      all: block.name,
      ...(host === undefined ? {} : { host }),
      ...(certificate === undefined || key === undefined
        ? {}
        : {
            tls: {
              certificate: readFileSync(folder(certificate, '.'), 'utf8'),
              key: readFileSync(folder(key, '.'), 'utf8'),
            },
          }),
    });
    directory.announceUrl(url);
    process.stdout.write(`ready ${url}\n`);
    return await untilStopped(async () => {
      await node.stop();
      await postgres?.stop();
      directory.release();
    }, say);
  } catch (error) {
    await postgres?.stop();
    directory.release();
    throw error;
  }
}
