import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { provisionDatabase } from '../database/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Administrator URL of the run's PostgreSQL server. */
    adminUrl: string;
  }
}

/** The PostgreSQL server of this test run. */
export const testAdminUrl = (): string => inject('adminUrl');

/** A new, empty database with its own role; answers its URL. It goes with the run's server. */
export const createTestDatabase = (name = `t${randomBytes(6).toString('hex')}`): Promise<string> =>
  provisionDatabase({ adminUrl: testAdminUrl(), name, secret: 'test' });
