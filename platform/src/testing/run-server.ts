import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { claimDataDirectory, startEmbeddedPostgres } from '../database/index.ts';

const prefix = 'govstack-test-';

const settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '500',
};

/** A PostgreSQL for one test run, in a new folder below `parent`; stopping it removes the folder. */
export async function startRunServer(
  parent: string,
): Promise<{ readonly adminUrl: string; readonly directory: string; stop(): Promise<void> }> {
  const dataDir = mkdtempSync(join(parent, prefix));
  chmodSync(dataDir, 0o755);
  const claim = claimDataDirectory(dataDir);
  const server = await startEmbeddedPostgres({ dataDir, settings });
  return {
    adminUrl: server.adminUrl,
    directory: server.directory,
    async stop() {
      await server.stop();
      rmSync(server.directory, { recursive: true, force: true });
      claim.release();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A run that was killed leaves its server behind; the next one clears it away. */
export async function stopAbandonedServers(parent: string): Promise<void> {
  for (const name of readdirSync(parent).filter((one) => one.startsWith(prefix))) {
    const dataDir = join(parent, name);
    try {
      // A folder without a lock belongs to a run that has just begun.
      if (!existsSync(join(dataDir, 'govstack.lock'))) continue;
      claimDataDirectory(dataDir);
      const server = await startEmbeddedPostgres({ dataDir, settings });
      await server.stop();
      rmSync(server.directory, { recursive: true, force: true });
      rmSync(dataDir, { recursive: true, force: true });
    } catch {
      // Another run's, another user's, or being cleared away at this moment.
    }
  }
}
