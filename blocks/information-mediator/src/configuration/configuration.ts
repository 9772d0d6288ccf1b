import type { Endpoint } from '../directory/snapshot.ts';
import type { Connection } from '../tables.ts';

export interface Member {
  readonly id: string;
  readonly name: string;
}

export interface Application {
  readonly id: string;
  readonly name: string;
  readonly status: 'registered' | 'disabled';
  readonly connection: Connection;
  /** Public P-256 JWK. */
  readonly publicKey: Record<string, unknown> | null;
  readonly operators: readonly string[];
  /** PEM. */
  readonly tlsCertificates: readonly string[];
}

export interface Service {
  readonly id: string;
  readonly title: string;
  readonly serviceUrl: string;
  /** Null: under `/openapi.json` of the service. */
  readonly specUrl: string | null;
  readonly timeoutMs: number;
  readonly enabled: boolean;
  readonly notice: string | null;
  readonly openapi: Record<string, unknown> | null;
}

export interface Right {
  /** `service subject`. */
  readonly id: string;
  readonly service: string;
  readonly subject: string;
  readonly endpoints: readonly Endpoint[];
}

/** What a configuration document says, every entry under its full identifier. */
export interface Configuration {
  readonly instance: string;
  readonly domain: string;
  readonly members: ReadonlyMap<string, Member>;
  readonly applications: ReadonlyMap<string, Application>;
  readonly services: ReadonlyMap<string, Service>;
  readonly rights: ReadonlyMap<string, Right>;
}

export const rightId = (service: string, subject: string): string => `${service} ${subject}`;

/** The domain of an instance for which nobody has said one. */
export const defaultDomain = 'localhost';

/** An entry of which only the identifier is known: what a document leaves out, it leaves like this. */
export const defaults = {
  member: (id: string): Member => ({ id, name: codeOf(id) }),
  application: (id: string): Application => ({
    id,
    name: codeOf(id),
    status: 'registered',
    connection: 'https',
    publicKey: null,
    operators: [],
    tlsCertificates: [],
  }),
  service: (id: string): Service => ({
    id,
    title: codeOf(id),
    serviceUrl: '',
    specUrl: null,
    timeoutMs: 30_000,
    enabled: true,
    notice: null,
    openapi: null,
  }),
};

export const codeOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

/** Where the description of a service is when nobody says where. */
export const usualSpecUrl = (serviceUrl: string): string => `${serviceUrl.replace(/\/$/, '')}/openapi.json`;

/** Entries in the order of their identifiers, which does not depend on where they came from. */
export const inOrder = <T extends { readonly id: string }>(entries: Iterable<T>): Map<string, T> =>
  new Map([...entries].sort((a, b) => (a.id < b.id ? -1 : 1)).map((entry) => [entry.id, entry]));
