import { type Connection, connect, prepared, transaction } from '@govstack/platform/database';
import { createTestDatabase, testAdminUrl } from '@govstack/platform/testing';
import { type Generated, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { query } from './child-stack.ts';

interface Tables {
  account: { id: Generated<number>; balance: string };
}

let url: string;
let connection: Connection<Tables>;

const value = async (expression: string): Promise<unknown> =>
  (await connection.pool.query<{ value: unknown }>(`select ${expression} as value`)).rows[0]?.value;

beforeAll(async () => {
  url = await createTestDatabase();
  await query(url, 'create table account (id int primary key, balance numeric not null)');
  connection = connect<Tables>(url, { max: 10, applicationName: 'test' });
});
afterAll(() => connection.close());

describe('values read from the database', () => {
  it.each([
    ["timestamptz '2026-02-03 04:05:06.789123+03'", '2026-02-03T01:05:06.789Z'],
    ["timestamptz '2026-02-03 04:05:06+05:45'", '2026-02-02T22:20:06.000Z'],
    ["timestamptz 'infinity'", 'infinity'],
    ["timestamp '2026-02-03 04:05:06.789123'", '2026-02-03T04:05:06.789123'],
    ["date '2026-02-03'", '2026-02-03'],
    ['9007199254740993::int8', '9007199254740993'],
    ['12345678901234567.89::numeric', '12345678901234567.89'],
    ['count(*)', '1'],
    ['7::int4', 7],
    ["array[timestamptz '2026-02-03 04:05:06+00', null]", ['2026-02-03T04:05:06.000Z', null]],
    ["array[date '2026-02-03']", ['2026-02-03']],
    ['array[[12345678901234567.89::numeric], [1]]', [['12345678901234567.89'], ['1']]],
    ['array[9007199254740993::int8]', ['9007199254740993']],
  ])('[CFR-DAT-2] %s is %j', async (expression, expected) => {
    expect(await value(expression)).toEqual(expected);
  });

  it('[CFR-DAT-2] are in UTC whatever zone and date style the database prefers', async () => {
    const own = await createTestDatabase();
    const database = new URL(own).pathname.slice(1);
    await query(own, `alter database "${database}" set timezone to 'Asia/Kathmandu'`);
    await query(own, `alter database "${database}" set datestyle to 'German'`);
    const there = connect(own);
    const { rows } = await there.pool.query(
      "select timestamptz '2026-02-03 04:05:06Z' as instant, timestamptz '2026-02-03 04:05:06Z'::text as text",
    );
    await there.close();
    expect(rows).toEqual([{ instant: '2026-02-03T04:05:06.000Z', text: '2026-02-03 04:05:06+00' }]);
  });

  it('are parsed so for this pool alone', async () => {
    const plain = new pg.Client({ connectionString: url });
    await plain.connect();
    const { rows } = await plain.query("select timestamptz '2026-02-03 04:05:06Z' as instant");
    await plain.end();
    expect(rows[0]?.instant).toBeInstanceOf(Date);
  });
});

describe('a transaction', () => {
  beforeEach(async () => {
    await query(url, "truncate account; insert into account values (1, '100'), (2, '100')");
  });

  const add = (id: number, amount: number) =>
    sql`update account set balance = balance + ${amount} where id = ${id}`;

  it('is repeated when PostgreSQL ends a deadlock by refusing one side', async () => {
    let runs = 0;
    let met = 0;
    const meeting = Promise.withResolvers<void>();
    const move = (from: number, to: number): Promise<void> =>
      transaction(connection.db, async (trx) => {
        runs += 1;
        await add(from, -10).execute(trx);
        met += 1;
        if (met === 2) meeting.resolve();
        await meeting.promise;
        await add(to, 10).execute(trx);
      });
    await Promise.all([move(1, 2), move(2, 1)]);
    expect(runs).toBe(3);
    expect(await query(url, 'select id, balance::int from account order by id')).toEqual([
      { id: 1, balance: 100 },
      { id: 2, balance: 100 },
    ]);
  });

  it('is repeated when it cannot be put in a serial order', async () => {
    let runs = 0;
    let met = 0;
    const meeting = Promise.withResolvers<void>();
    const withdrawIfCovered = (id: number): Promise<boolean> =>
      transaction(
        connection.db,
        async (trx) => {
          runs += 1;
          const { sum } = await trx
            .selectFrom('account')
            .select((eb) => eb.fn.sum<string>('balance').as('sum'))
            .executeTakeFirstOrThrow();
          met += 1;
          if (met === 2) meeting.resolve();
          await meeting.promise;
          if (Number(sum) < 150) return false;
          await add(id, -100).execute(trx);
          return true;
        },
        { isolation: 'serializable' },
      );
    const answers = await Promise.all([withdrawIfCovered(1), withdrawIfCovered(2)]);
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(runs).toBe(3);
  });

  it('takes turns with others that try again', async () => {
    let done = 0;
    const contend = async (): Promise<void> => {
      let runs = 0;
      await transaction(connection.db, async (trx) => {
        runs += 1;
        if (runs === 1)
          await sql`do $$ begin raise exception 'again' using errcode = '40P01'; end $$`.execute(trx);
        const waiting = sql<{ n: number }>`
          select count(*)::int as n from pg_locks
          where locktype = 'advisory' and not granted
            and database = (select oid from pg_database where datname = current_database())`;
        await expect
          .poll(async () => (await waiting.execute(trx)).rows[0]?.n, { timeout: 3_000 })
          .toBe(3 - done);
        done += 1;
      });
    };
    await Promise.all([contend(), contend(), contend(), contend()]);
    expect(done).toBe(4);
  });

  it('is given up after eight attempts, with nothing kept', async () => {
    let runs = 0;
    await expect(
      transaction(connection.db, async (trx) => {
        runs += 1;
        await add(1, 1).execute(trx);
        await sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`.execute(trx);
      }),
    ).rejects.toMatchObject({ code: '40001' });
    expect(runs).toBe(8);
    expect(await query(url, 'select balance::int from account where id = 1')).toEqual([{ balance: 100 }]);
  });

  it('is not repeated for any other error', async () => {
    let runs = 0;
    await expect(
      transaction(connection.db, async (trx) => {
        runs += 1;
        await trx.insertInto('account').values({ id: 1, balance: '1' }).execute();
      }),
    ).rejects.toMatchObject({ code: '23505' });
    expect(runs).toBe(1);
  });

  it('whose connection is cut fails, and the process and the pool live on', async () => {
    await expect(
      transaction(connection.db, async (trx) => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
        await query(testAdminUrl(), `select pg_terminate_backend(${rows[0]?.pid}, 5000)`);
        await add(1, 1).execute(trx);
      }),
    ).rejects.toThrow();
    expect(await value('1')).toBe(1);
  });
});

describe('a statement that is marked', () => {
  it('is prepared once a connection, whatever its parameters, in transactions too, and after the table has grown', async () => {
    const one = connect<Tables>(url, { max: 1 });
    const sum = (lowest: number, db = one.db) =>
      sql<{
        sum: string;
      }>`${prepared} select coalesce(sum(balance), 0) as sum from account where id >= ${lowest}`
        .execute(db)
        .then(({ rows }) => rows[0]?.sum);
    await sum(1);
    await transaction(one.db, (trx) => sum(2, trx));
    await query(url, 'alter table account add column note text');
    await sum(3);
    const kept = await one.pool.query('select statement from pg_prepared_statements');
    expect(kept.rows.map(({ statement }) => statement)).toEqual([
      '/* prepared */ select coalesce(sum(balance), 0) as sum from account where id >= $1',
    ]);
    await query(url, 'alter table account drop column note');
    await one.close();
  });
});
