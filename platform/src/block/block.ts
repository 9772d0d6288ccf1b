import type { FastifyInstance } from 'fastify';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Static, TObject } from 'typebox';
import type { ApplicationId, ServiceId } from '../caller/caller.ts';
import type { Person } from '../caller/person.ts';
import type { EventSpec } from '../events/cloud-event.ts';
import type { EventHandler } from '../events/inbox.ts';
import type { JobSpec, Jobs } from '../jobs/jobs.ts';
import type { Client } from '../mediation/client.ts';
import type { LocalProviders, MediatedRequest, MediatedResponse, MediatorPort } from '../mediation/port.ts';
import type { Operations } from '../operation/operation.ts';
import type { ImplementedSurface, Surface } from '../operation/surface.ts';

export type Profile = 'standard' | 'compliance';

/** A block's way to other applications: always through the information mediator. */
export interface Mediation {
  /** Typed client of a surface that `service` provides. `as`: the application to act for, if not the block's own. */
  client<O extends Operations>(
    surface: Surface<O>,
    service: ServiceId,
    options?: { readonly as?: ApplicationId },
  ): Client<O>;
  /** A request whose operation is known only at run time. Context headers are added unless given. */
  request(
    request: Omit<MediatedRequest, 'client' | 'operator'> & {
      readonly as?: ApplicationId;
      readonly timeout?: number;
    },
  ): Promise<MediatedResponse>;
}

/** Everything a block may use. It gets nothing else: no neighbour's tables, no global state. */
export interface BlockContext<C = unknown> {
  readonly config: C;
  /** The application this block is in the mediator's directory. */
  readonly application: ApplicationId;
  readonly profile: Profile;
  readonly log: Logger;
  readonly metrics: Registry;
  /** The block's own database, typed by the block's table interface. */
  database<DB>(): Kysely<DB>;
  /** The same database for streams, COPY and LISTEN. */
  readonly pool: pg.Pool;
  readonly jobs: Jobs;
  readonly mediation: Mediation;
  /** 32 secret bytes for one purpose, stable over restarts, different for every block. */
  secret(purpose: string): Buffer;
  /** Verifies an access token, for routes that are not operations. */
  personOf(token: string): Promise<Person | undefined>;
  now(): Date;
  newId(): string;
  /** Only for the information mediator: the blocks of this process. */
  readonly localProviders: LocalProviders | undefined;
}

/** What a started block gives to its host. */
export interface BlockRuntime {
  readonly surfaces: readonly ImplementedSurface[];
  readonly jobs?: readonly JobSpec[];
  readonly hears?: readonly EventHandler[];
  /** Routes that are not operations: pages, OpenID endpoints, the mediator's pass-through. */
  readonly routes?: (fastify: FastifyInstance) => void | Promise<void>;
  /** Runs when every block of the node is started and calls can be made. */
  readonly ready?: () => Promise<void>;
  /** Rejects with the reason when the block cannot do its work now. */
  readonly health?: () => Promise<void>;
  /** Releases what `start` took. In-flight requests are finished by then. */
  readonly stop?: () => Promise<void>;
  /** The information mediator offers this to its node. */
  readonly mediator?: MediatorPort;
}

export interface Block<C extends TObject = TObject> {
  /** Kebab-case; also the name of its database and role (with underscores) and the folder. */
  readonly name: string;
  readonly title: string;
  readonly version: string;
  /** Published surfaces, known without starting the block. */
  readonly surfaces: readonly Surface[];
  /** Typed settings: from overrides, then `GOVSTACK_<BLOCK>_<SETTING>`, then schema defaults. */
  readonly config: C;
  /** Folder of forward-only SQL files. */
  readonly migrations?: URL;
  readonly emits?: readonly EventSpec[];
  /** Event types the block's `hears` handlers react to. */
  readonly hears?: readonly string[];
  /** URL prefixes that the node's public listener hands to this block. */
  readonly publicPaths?: readonly string[];
  /** The information mediator: started first, sees the local blocks. */
  readonly mediator?: boolean;
  readonly start: (context: BlockContext<Static<C>>) => Promise<BlockRuntime>;
}

/** Declares a block. */
export function defineBlock<const C extends TObject>(block: Block<C>): Block<C> {
  if (!/^[a-z][a-z0-9-]*$/.test(block.name)) throw new Error(`block name ${block.name} is not kebab-case`);
  const names = block.surfaces.map((surface) => surface.name);
  if (new Set(names).size !== names.length) throw new Error(`block ${block.name} declares a surface twice`);
  return block;
}

/** A block without its settings type, as hosts handle it. */
export type AnyBlock = Omit<Block, 'start' | 'config'> & {
  readonly config: TObject;
  readonly start: (context: never) => Promise<BlockRuntime>;
};
