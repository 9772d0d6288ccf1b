import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Master secret of an installation: `GOVSTACK_SECRET`, or made on the first start and kept beside the data. */
export function installationSecret(dataDir: string): Buffer {
  const given = process.env.GOVSTACK_SECRET;
  if (given !== undefined) {
    const secret = Buffer.from(given, 'base64');
    if (secret.length < 32) throw new Error('GOVSTACK_SECRET must be at least 32 bytes in base64');
    return secret;
  }
  const file = join(dataDir, 'secret');
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' });
  return Buffer.from(readFileSync(file, 'utf8'), 'base64');
}
