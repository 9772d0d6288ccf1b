import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { buildHashTree } from '../evidence/hash-tree.ts';
import { signatureValue } from '../evidence/signed-info.ts';
import type { MediatorTables } from '../tables.ts';
import type { StampingAuthority } from './authorities.ts';
import { stampedManifest } from './manifest.ts';
import { makeTimeStampRequest, readTimeStamp, tokenIn } from './rfc3161.ts';

export interface StampingOptions {
  readonly db: Kysely<MediatorTables>;
  /** Those approved now, in the order in which they are asked; none: nothing is stamped. */
  readonly authorities: () => readonly StampingAuthority[];
  readonly seconds: () => number;
  /** Records under one time stamp, at most. */
  readonly records: number;
  readonly patienceSeconds: number;
  readonly now: () => Date;
  readonly log: Logger;
}

/** A record as it stands in the tree under a time stamp. */
export interface StampedRecord {
  readonly signature: Buffer | null;
  readonly hash: Buffer;
}

/** Of a signed record its signature is stamped (XAdES-T), of another one its place in the chain. */
export const leafOf = ({ signature, hash }: StampedRecord): Buffer =>
  signature ? Buffer.from(signatureValue(signature)) : hash;

/** The records from one place to another, in their order. */
export const recordsBetween = (
  db: Kysely<MediatorTables>,
  from: string,
  to: string,
): Promise<StampedRecord[]> =>
  db
    .selectFrom('message_log')
    .select(['signature', 'hash'])
    .where('seq', '>=', from)
    .where('seq', '<=', to)
    .orderBy('seq')
    .execute();

/** A record that has no time stamp although it should have one before it goes on. */
export class NotStamped extends Error {
  constructor(cause?: unknown) {
    super('no time stamp could be had', { cause });
    this.name = 'NotStamped';
  }
}

export interface Stamping {
  /** Stamps all that has none now. Rejects with `NotStamped`. */
  stamp(): Promise<void>;
  /** Resolves when the record at a place is stamped; rejects with `NotStamped`. */
  stamped(seq: bigint): Promise<void>;
  /** Whether records wait for longer than is allowed: evidence first, nothing more is exchanged. */
  overdue(): boolean;
  /** Since when the oldest record waits. */
  waitingSince(): Date | undefined;
  close(): Promise<void>;
}

/**
 * Fetches time stamps over the log, one for all records since the last (x-road.md 5). Nodes that share the database may
 * each fetch one for the same records; the first that is stored counts.
 */
export async function openStamping(options: StampingOptions): Promise<Stamping> {
  const { db, log } = options;
  let oldest: Date | undefined;
  let last = 0n;
  let silent = false;

  async function ask(manifest: Buffer) {
    let failure: unknown;
    for (const authority of options.authorities()) {
      try {
        const { der, nonce } = makeTimeStampRequest(manifest);
        const token = tokenIn(await authority.ask(der));
        const { at } = readTimeStamp(token, manifest, [authority.certificate], nonce);
        return { token, authority: authority.certificate, stamped_at: at.toISOString() };
      } catch (error) {
        failure = error;
        log.warn({ err: error, authority: authority.name }, 'a time stamp could not be had');
      }
    }
    throw new NotStamped(failure);
  }

  async function place(): Promise<bigint> {
    const row = await db
      .selectFrom('time_stamp')
      .select('to_seq')
      .orderBy('to_seq', 'desc')
      .limit(1)
      .executeTakeFirst();
    return BigInt(row?.to_seq ?? '0');
  }

  /** Answers whether there may be more. */
  async function stampNext(): Promise<boolean> {
    last = await place();
    const from = (last + 1n).toString();
    const waiting = await db
      .selectFrom('message_log')
      .select(['seq', 'at', 'signature', 'hash'])
      .where('seq', '>=', from)
      .orderBy('seq')
      .limit(options.records)
      .execute();
    const first = waiting[0];
    oldest = first && new Date(first.at);
    if (!first) return false;
    const to = (waiting.at(-1) as typeof first).seq;
    const { root } = buildHashTree(waiting.map(leafOf));
    const stamp = await ask(stampedManifest(root));
    await db
      .insertInto('time_stamp')
      .values({ from_seq: first.seq, to_seq: to, root, ...stamp })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    last = BigInt(to);
    oldest = undefined;
    return waiting.length === options.records;
  }

  async function round(): Promise<void> {
    if (options.authorities().length === 0) {
      if (!silent) log.warn('no time-stamping authority is approved: messages are signed, not stamped');
      silent = true;
      oldest = undefined;
      return;
    }
    while (await stampNext());
  }

  let running: Promise<void> | undefined;
  let following: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    running = round().finally(() => {
      running = undefined;
    });
    return running;
  };
  /** A round that begins from now on: one that runs already may have looked before. */
  const stamp = (): Promise<void> => {
    if (!running) return begin();
    following ??= running
      .catch(() => undefined)
      .then(() => {
        following = undefined;
        return begin();
      });
    return following;
  };

  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const next = (): void => {
    if (closed) return;
    timer = setTimeout(() => {
      stamp().then(next, (error: unknown) => {
        if (!(error instanceof NotStamped)) log.error({ err: error }, 'time stamps could not be stored');
        next();
      });
    }, options.seconds() * 1000);
    timer.unref();
  };
  next();

  return {
    stamp,
    async stamped(seq) {
      await stamp();
      if (last < seq) throw new NotStamped();
    },
    overdue: () =>
      oldest !== undefined && options.now().getTime() - oldest.getTime() > options.patienceSeconds * 1000,
    waitingSince: () => oldest,
    async close() {
      closed = true;
      clearTimeout(timer);
      await running?.catch(() => undefined);
    },
  };
}
