import { compileValidator } from '@govstack/platform';
import { Type } from '@govstack/platform/operation';
import { compactVerify, importJWK, type JWK } from 'jose';
import type { InstanceConfiguration } from './configuration.ts';

export const configurationType = 'govstack-configuration+jwt';

const text = Type.String({ maxLength: 20_000 });
const texts = Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 100_000 });
const named = Type.Array(Type.Object({ id: text, name: text }), { maxItems: 100_000 });
const Configuration = Type.Object({
  instance: text,
  version: Type.Integer({ minimum: 1 }),
  issuedAt: Type.String({ format: 'date-time' }),
  expiresAt: Type.String({ format: 'date-time' }),
  memberClasses: texts,
  members: named,
  applications: named,
  servers: Type.Array(
    Type.Object({
      id: text,
      address: Type.String({ pattern: '^https://' }),
      certificates: texts,
      clients: texts,
      maintenance: Type.Optional(text),
    }),
    { maxItems: 10_000 },
  ),
  groups: Type.Array(Type.Object({ code: text, description: text, members: texts }), { maxItems: 10_000 }),
  certificationAuthorities: Type.Array(Type.Object({ name: text, certificate: text, ocspUrl: text }), {
    maxItems: 100,
  }),
  timeStampingAuthorities: Type.Array(Type.Object({ name: text, url: text, certificate: text }), {
    maxItems: 100,
  }),
  ocspFreshness: Type.Integer({ minimum: 1 }),
  timeStampingInterval: Type.Integer({ minimum: 1 }),
});
const faults = compileValidator(Configuration, 'body', false);

/** A configuration that cannot be believed, and why. */
export class ConfigurationRefused extends Error {
  constructor(why: string) {
    super(`the configuration ${why}`);
    this.name = 'ConfigurationRefused';
  }
}

/**
 * Reads a signed configuration: signed with one of the anchor's keys, for the instance, not expired at `now`, and not
 * older than the version known before. Throws `ConfigurationRefused`.
 */
export async function readConfiguration(
  document: string,
  anchor: { readonly instance: string; readonly keys: readonly object[] },
  knownVersion: number,
  now: Date,
): Promise<InstanceConfiguration> {
  let payload: unknown;
  try {
    const { payload: bytes } = await compactVerify(
      document,
      async ({ kid }) => {
        const key = anchor.keys.find((one) => (one as JWK).kid === kid);
        if (!key) throw new Error('unknown key');
        return importJWK(key as JWK, 'ES256');
      },
      { algorithms: ['ES256'] },
    );
    const header = JSON.parse(Buffer.from(document.split('.')[0] as string, 'base64url').toString('utf8'));
    if (header.typ !== configurationType) throw new Error('another kind of document');
    payload = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new ConfigurationRefused('is not signed by the centre');
  }
  const configuration = (payload as { configuration?: unknown }).configuration;
  if (faults(configuration)) throw new ConfigurationRefused('is not well-formed');
  const read = configuration as InstanceConfiguration;
  if (read.instance !== anchor.instance) throw new ConfigurationRefused('is of another instance');
  if (read.version < knownVersion) throw new ConfigurationRefused('is older than the one known');
  if (Date.parse(read.expiresAt) <= now.getTime()) throw new ConfigurationRefused('has expired');
  return read;
}
