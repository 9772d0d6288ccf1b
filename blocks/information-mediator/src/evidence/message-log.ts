import type pg from 'pg';
import { chainHash, type LogRecord } from './chain.ts';

interface Head {
  readonly seq: bigint;
  readonly hash: Buffer;
}

interface Entry {
  readonly record: LogRecord;
  /** The sealed message; undefined: only its digests are kept. */
  readonly contents: Buffer | undefined;
}

interface Waiting extends Entry {
  readonly done: (seq: bigint) => void;
  readonly fail: (error: Error) => void;
}

/** Whether PostgreSQL refused the data (SQLSTATE classes 22 and 23) rather than failed. */
const refusedData = (error: unknown): boolean => /^2[23]/.test((error as { code?: string }).code ?? '');

const columns = `seq bigint, exchange_id uuid, kind text, at timestamptz, message_id text, client text, operator text,
  service text, method text, path text, correlation_id text, trace_id text, status integer, error text,
  duration_ms integer, access_right text, head_digest text, body_digest text, body_size integer, signer text,
  key_id text, signature text, signed_at timestamptz, hash_chain text, verified boolean, hash text, contents text`;

/**
 * Writes a batch and moves the end of the chain in one statement, one round trip. It writes nothing when the chain no
 * longer ends where this node believes it does.
 */
const extendChain = `
  with head as (
    update chain_head
    set seq = $1, hash = $2
    where seq = $3 and hash = $4
    returning seq
  ), record as (
    select * from json_to_recordset($5::json) as r(${columns})
    where exists (select from head)
  ), log as (
    insert into message_log (seq, exchange_id, kind, at, message_id, client, operator, service, method, path,
      correlation_id, trace_id, status, error, duration_ms, access_right, head_digest, body_digest, body_size, signer,
      key_id, signature, signed_at, hash_chain, verified, hash)
    select seq, exchange_id, kind, at, message_id, client, operator, service, method, path, correlation_id, trace_id,
      status, error, duration_ms, access_right, decode(head_digest, 'base64'), decode(body_digest, 'base64'), body_size,
      signer, key_id, decode(signature, 'base64'), signed_at, decode(hash_chain, 'base64'), verified,
      decode(hash, 'base64')
    from record
  ), content as (
    insert into message_content (seq, contents)
    select seq, decode(contents, 'base64')
    from record
    where contents is not null
  )
  select seq from head`;

const base64 = (bytes: Buffer | undefined): string | undefined => bytes?.toString('base64');

const toRow = ({ record, contents }: Entry, seq: bigint, hash: Buffer) => ({
  seq: seq.toString(),
  exchange_id: record.exchangeId,
  kind: record.kind,
  at: record.at.toISOString(),
  message_id: record.messageId,
  client: record.client,
  operator: record.operator,
  service: record.service,
  method: record.method,
  path: record.path,
  correlation_id: record.correlationId,
  trace_id: record.traceId,
  status: record.status,
  error: record.error,
  duration_ms: record.durationMs,
  access_right: record.accessRight,
  head_digest: base64(record.headDigest),
  body_digest: base64(record.bodyDigest),
  body_size: record.bodySize,
  signer: record.signature?.signer,
  key_id: record.signature?.keyId,
  signature: base64(record.signature?.value),
  signed_at: record.signature?.signedAt?.toISOString(),
  hash_chain: base64(record.signature?.hashChain),
  verified: record.verified,
  hash: base64(hash),
  contents: base64(contents),
});

export interface MessageLog {
  /** Resolves with its place when the record is durably in the chain; rejects when it could not be written. */
  append(record: LogRecord, contents: Buffer | undefined): Promise<bigint>;
  /** Records that wait to be written now. */
  waiting(): number;
  /** Waits for what is being written; nothing may be appended after. */
  close(): Promise<void>;
}

/** Largest batch: its statement stays far below PostgreSQL's limits even with full bodies. */
const maxRecords = 500;
const maxBytes = 16 * 1024 * 1024;
/** More waiting records than this mean a database that does not keep up: exchanges fail rather than pile up. */
const maxWaiting = 20_000;
const maxWaitingBytes = 512 * 1024 * 1024;

/**
 * The append-only log. All records that arrive while one batch is being written go into the next one: one statement and
 * one commit for many exchanges, and still nobody is answered before their record is on disk.
 */
export function openMessageLog(pool: pg.Pool, onBatch: (records: number) => void = () => {}): MessageLog {
  let queue: Waiting[] = [];
  let queuedBytes = 0;
  let running: Promise<void> | undefined;
  let closed = false;
  let known: Head | undefined;

  async function readHead(client: pg.Pool | pg.PoolClient, lock: '' | 'for update'): Promise<Head> {
    const { rows } = await client.query<{ seq: string; hash: Buffer }>(
      `select seq, hash from chain_head ${lock}`,
    );
    const row = rows[0];
    if (!row) throw new Error('the message log has no chain head');
    return { seq: BigInt(row.seq), hash: row.hash };
  }

  /** Answers the new end of the chain, or undefined when it was not where it was believed to be. */
  async function extend(
    client: pg.Pool | pg.PoolClient,
    from: Head,
    batch: readonly Entry[],
  ): Promise<Head | undefined> {
    let { seq, hash } = from;
    const rows = batch.map((entry) => {
      seq += 1n;
      hash = chainHash(hash, seq, entry.record);
      return toRow(entry, seq, hash);
    });
    const { rowCount } = await client.query({
      name: 'extend-chain',
      text: extendChain,
      values: [seq.toString(), hash, from.seq.toString(), from.hash, JSON.stringify(rows)],
    });
    return rowCount === 1 ? { seq, hash } : undefined;
  }

  /** When another node writes too: holds the end of the chain while extending it. */
  async function extendLocked(batch: readonly Entry[]): Promise<Head> {
    const client = await pool.connect();
    let failed: Error | undefined;
    try {
      await client.query('begin');
      const end = await extend(client, await readHead(client, 'for update'), batch);
      if (!end) throw new Error('the chain moved while it was locked');
      await client.query('commit');
      return end;
    } catch (error) {
      failed = error as Error;
      throw error;
    } finally {
      if (failed) await client.query('rollback').catch(() => undefined);
      client.release(failed);
    }
  }

  /** Answers the place of the first of the batch. */
  async function write(batch: readonly Entry[]): Promise<bigint> {
    const from = known ?? (await readHead(pool, ''));
    // What is believed of the chain's end must not outlive a failure.
    known = undefined;
    known = (await extend(pool, from, batch)) ?? (await extendLocked(batch));
    return known.seq - BigInt(batch.length) + 1n;
  }

  function nextBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { contents } of queue) {
      bytes += contents?.length ?? 0;
      if (count > 0 && (count >= maxRecords || bytes > maxBytes)) break;
      count += 1;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    for (const { contents } of batch) queuedBytes -= contents?.length ?? 0;
    return batch;
  }

  async function settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const first = await write(batch);
      onBatch(batch.length);
      for (const [index, one] of batch.entries()) one.done(first + BigInt(index));
    } catch (error) {
      // A record that cannot be stored fails its own exchange, not those it happened to share a batch with.
      if (batch.length > 1 && refusedData(error)) for (const one of batch) await settle([one]);
      else for (const one of batch) one.fail(error as Error);
    }
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) await settle(nextBatch());
    running = undefined;
  }

  return {
    append: (record, contents) =>
      new Promise((done, fail) => {
        if (closed) return fail(new Error('the message log is closed'));
        if (queue.length >= maxWaiting || queuedBytes >= maxWaitingBytes)
          return fail(new Error('too many records wait to be written'));
        queue.push({ record, contents, done, fail });
        queuedBytes += contents?.length ?? 0;
        // Left to the next turn of the event loop, so that exchanges of this turn share the first batch.
        running ??= new Promise((resolve) => setImmediate(() => resolve(drain())));
      }),
    waiting: () => queue.length,
    async close() {
      closed = true;
      await running;
    },
  };
}
