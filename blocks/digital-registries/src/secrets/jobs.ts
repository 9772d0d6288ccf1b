import type { JobSpec, Jobs } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { SecretKeeping } from '../schema/publish.ts';
import type { RegistryTables } from '../tables.ts';
import { keepSecrets, secretsToKeep } from './keep-secrets.ts';
import type { KeyInfo, Keyring } from './keyring.ts';

const jobName = 'keep-secrets';

/** The keys of registries, and the work that goes with them. */
export interface Secrets extends SecretKeeping {
  readonly jobs: readonly JobSpec[];
  /** Gives a registry another key; everything is sealed anew with it in the background. */
  rotate(registryId: string, by: string): Promise<KeyInfo>;
}

interface Parts {
  readonly db: Kysely<RegistryTables>;
  readonly keyring: Keyring;
  readonly jobs: Jobs;
  readonly now: () => Date;
}

export function secretKeeping({ db, keyring, jobs, now }: Parts): Secrets {
  const ask = (trx: Transaction<RegistryTables>, registryId: string, startAfter?: Date): Promise<void> =>
    jobs.send(
      trx,
      jobName,
      { registryId },
      { singletonKey: registryId, ...(startAfter ? { startAfter } : {}) },
    );
  return {
    keyring,
    conceal: (trx, registryId) => ask(trx, registryId),
    rotate: (registryId, by) =>
      db.transaction().execute(async (trx) => {
        const key = await keyring.rotate(trx, registryId, by);
        await ask(trx, registryId, new Date(key.activeFrom));
        return key;
      }),
    jobs: [
      {
        name: jobName,
        expireInSeconds: 6 * 3600,
        handle: (data, signal) =>
          keepSecrets(db, keyring, (data as { readonly registryId: string }).registryId, signal, now()),
      },
      {
        // Whatever became of a job: what is left to do is found here.
        name: 'look-after-secrets',
        schedule: { cron: '41 * * * *', timeZone: 'UTC' },
        async handle() {
          for (const registryId of await secretsToKeep(db))
            await db.transaction().execute((trx) => ask(trx, registryId));
        },
      },
    ],
  };
}
