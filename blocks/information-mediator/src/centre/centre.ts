import type { JsonWebKey } from 'node:crypto';
import { importJWK, type JWK, SignJWT } from 'jose';
import { type Kysely, sql } from 'kysely';
import type { Directory } from '../directory/directory.ts';
import type {
  CertificationAuthority,
  InstanceConfiguration,
  TimeStampingAuthority,
} from '../global-configuration/configuration.ts';
import { configurationType } from '../global-configuration/document.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { MediatorTables } from '../tables.ts';
import { listServers } from './security-servers.ts';

export interface CentreOptions {
  readonly db: Kysely<MediatorTables>;
  readonly directory: Directory;
  readonly keyring: Keyring;
  /** The mediator's own application, in whose name the configuration is signed. */
  readonly own: string;
  readonly instance: string;
  readonly lifetimeSeconds: number;
  readonly ocspFreshness: number;
  readonly timeStampingInterval: number;
  readonly certificationAuthorities: () => readonly CertificationAuthority[];
  readonly timeStampingAuthorities: () => readonly TimeStampingAuthority[];
  readonly now: () => Date;
}

/** What a server is given out of band to recognise the configuration of an instance. */
export interface Anchor {
  readonly instance: string;
  readonly urls: readonly string[];
  readonly keys: readonly JsonWebKey[];
}

/** The centre of an instance: renders and signs what everybody must know (x-road.md 7). */
export interface Centre {
  /** The configuration as it stands now. */
  current(): Promise<InstanceConfiguration>;
  /** The same, signed (compact JWS), good for its lifetime. */
  signed(): Promise<string>;
  anchor(urls: readonly string[]): Promise<Anchor>;
}

export function createCentre(options: CentreOptions): Centre {
  const { db, directory, keyring, own, instance } = options;

  async function content(): Promise<Omit<InstanceConfiguration, 'version' | 'issuedAt' | 'expiresAt'>> {
    const members = directory.members().filter(({ id }) => id.startsWith(`${instance}/`));
    return {
      instance,
      memberClasses: [...new Set(members.map(({ id }) => id.split('/')[1] as string))].sort(),
      members: members.map(({ id, name }) => ({ id, name })),
      applications: directory
        .applications()
        .filter(({ id, enabled }) => enabled && id.startsWith(`${instance}/`))
        .map(({ id, name }) => ({ id, name })),
      servers: await listServers(db),
      groups: [...directory.groups().values()]
        .filter(({ id }) => id.startsWith(`${instance}/GLOBALGROUP/`))
        .map(({ id, description, members }) => ({ code: id.split('/')[2] as string, description, members })),
      certificationAuthorities: options.certificationAuthorities(),
      timeStampingAuthorities: options.timeStampingAuthorities(),
      ocspFreshness: options.ocspFreshness,
      timeStampingInterval: options.timeStampingInterval,
    };
  }

  async function current(): Promise<InstanceConfiguration> {
    const facts = await content();
    const text = JSON.stringify(facts);
    const { rows } = await sql<{ version: string }>`
      insert into published_configuration as known (instance, version, content)
      values (${instance}, 1, ${text})
      on conflict on constraint published_configuration_pkey do update
      set version = case when known.content = excluded.content then known.version else known.version + 1 end,
        content = excluded.content
      returning version`.execute(db);
    const now = options.now();
    return {
      ...facts,
      version: Number(rows[0]?.version),
      issuedAt: now.toISOString(),
      expiresAt: new Date(now.getTime() + options.lifetimeSeconds * 1000).toISOString(),
    };
  }

  return {
    current,
    async signed() {
      const key = await keyring.current(own, 'configuration');
      const jwk = key.privateKey.export({ format: 'jwk' }) as JWK;
      return new SignJWT({ configuration: await current() })
        .setProtectedHeader({ alg: 'ES256', typ: configurationType, kid: key.keyId })
        .setIssuer(instance)
        .sign(await importJWK(jwk, 'ES256'));
    },
    async anchor(urls) {
      const key = await keyring.current(own, 'configuration');
      return {
        instance,
        urls,
        keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: key.keyId, alg: 'ES256', use: 'sig' }],
      };
    },
  };
}
