import { type Kysely, type SqlBool, sql } from 'kysely';
import { type Logger, pino } from 'pino';
import type { MediatorTables } from '../tables.ts';

/** A line of the log, as it is kept: what happened and to which ids, never what was exchanged. */
export interface LogLine {
  readonly at: string;
  readonly level: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

const longestText = 300;
const mostFields = 20;
const left = new Set(['level', 'time', 'msg', 'block', 'pid', 'hostname']);

/** What is kept of an error: its kind and what it says; the rest is on the machine. */
const ofError = ({ type, message, code }: Record<string, unknown>) => ({
  error: type,
  errorMessage: message,
  errorCode: code,
});

function lineOf(text: string): LogLine | undefined {
  try {
    const { err, ...line } = JSON.parse(text) as Record<string, unknown>;
    const all = {
      ...line,
      ...(typeof err === 'object' && err ? ofError(err as Record<string, unknown>) : {}),
    };
    const fields = Object.entries(all)
      .filter(([name, value]) => !left.has(name) && ['string', 'number', 'boolean'].includes(typeof value))
      .slice(0, mostFields)
      .map(([name, value]) => [name, typeof value === 'string' ? clean(value) : value]);
    return {
      at: new Date(line.time as string).toISOString(),
      level: Number(line.level),
      message: clean(String(line.msg ?? '')),
      fields: Object.fromEntries(fields),
    };
  } catch {
    return undefined;
  }
}

const clean = (text: string): string => text.replaceAll('\0', '').slice(0, longestText);

const metadata = Symbol.for('pino.metadata');

interface Stream {
  write(text: string): void;
  flush?(done?: (error?: Error) => void): void;
  flushSync?(): void;
  [metadata]?: boolean;
  lastLevel?: number;
  lastObj?: unknown;
  lastMsg?: string;
  lastTime?: string;
  lastLogger?: unknown;
}

/**
 * Hands the lines of a logger and of its children, from `level` on, to `take` as well. They have been through the
 * logger's own censorship by then. Answers how to end it.
 */
export function tapLog(log: Logger, level: number, take: (line: LogLine) => void): () => void {
  const tapped = log as unknown as Record<symbol, Stream>;
  const stream = tapped[pino.symbols.streamSym] as Stream;
  const tap: Stream = {
    [metadata]: true,
    write(text) {
      const { lastLevel = 0, lastObj, lastMsg, lastTime, lastLogger } = tap;
      // A stream that wants to know of what it writes finds it on itself.
      if (stream[metadata]) Object.assign(stream, { lastLevel, lastObj, lastMsg, lastTime, lastLogger });
      stream.write(text);
      const line = lastLevel < level ? undefined : lineOf(text);
      if (line) take(line);
    },
    flush: (done) => (stream.flush ? stream.flush(done) : done?.()),
    flushSync: () => stream.flushSync?.(),
  };
  tapped[pino.symbols.streamSym] = tap;
  return () => {
    tapped[pino.symbols.streamSym] = stream;
  };
}

export const levels = { warn: 40, error: 50, fatal: 60 } as const;
export type Level = keyof typeof levels;
export const levelName = (level: number): Level => (level >= 60 ? 'fatal' : level >= 50 ? 'error' : 'warn');

export async function keepLines(
  db: Kysely<MediatorTables>,
  node: string,
  lines: readonly LogLine[],
): Promise<void> {
  await db
    .insertInto('system_log')
    .values(lines.map(({ fields, ...line }) => ({ ...line, node, fields: JSON.stringify(fields) })))
    .execute();
}

/** Keeps the newest lines, at most `lines` of them and none older than `before`. */
export async function eraseOldLines(db: Kysely<MediatorTables>, before: Date, lines: number): Promise<void> {
  await sql`
    delete from system_log
    where at < ${before} or seq <= (select max(seq) from system_log) - ${lines}`.execute(db);
}

export interface LineSearch {
  readonly level: Level;
  readonly text: string | undefined;
  readonly exchangeId: string | undefined;
  readonly correlationId: string | undefined;
  readonly from: Date | undefined;
  readonly to: Date | undefined;
  /** Number of the line before which the page begins. */
  readonly before: string | undefined;
  readonly limit: number;
}

export interface StoredLine extends LogLine {
  readonly seq: string;
  readonly node: string;
}

/** Lines that fit, the newest first. */
export async function searchLines(db: Kysely<MediatorTables>, search: LineSearch): Promise<StoredLine[]> {
  const { level, text, exchangeId, correlationId, from, to, before, limit } = search;
  const conditions = [
    sql<SqlBool>`level >= ${levels[level]}`,
    text === undefined
      ? undefined
      : sql<SqlBool>`strpos(lower(message || ' ' || fields::text), lower(${text})) > 0`,
    exchangeId === undefined ? undefined : sql<SqlBool>`fields ->> 'exchangeId' = ${exchangeId}`,
    correlationId === undefined ? undefined : sql<SqlBool>`fields ->> 'correlationId' = ${correlationId}`,
    from && sql<SqlBool>`at >= ${from}`,
    to && sql<SqlBool>`at < ${to}`,
    before === undefined ? undefined : sql<SqlBool>`seq < ${before}::bigint`,
  ].filter((condition) => condition !== undefined);
  const { rows } = await sql<StoredLine>`
    select seq, at, node, level, message, fields
    from system_log
    where ${sql.join(conditions, sql` and `)}
    order by seq desc
    limit ${limit}`.execute(db);
  return rows;
}
