import { copyTestDatabase, createTestDatabase, newDatabaseName } from '@govstack/platform/testing';
import { describe, expect, it } from 'vitest';
import { query } from './child-stack.ts';

/** A copy, as its owner sees it. */
async function copy(key: string, prepare: (url: string) => Promise<void>): Promise<string> {
  const name = newDatabaseName();
  await copyTestDatabase(name, key, prepare);
  return createTestDatabase(name);
}

describe('a test database from a template', () => {
  it('is prepared once a key, belongs to its own role and shares nothing with the others', async () => {
    const key = newDatabaseName();
    let prepared = 0;
    const prepare = async (url: string): Promise<void> => {
      prepared += 1;
      await query(url, 'create table note (id int); insert into note values (1)');
    };
    const urls = await Promise.all(Array.from({ length: 4 }, () => copy(key, prepare)));
    expect(prepared).toBe(1);
    expect(new Set(urls).size).toBe(4);
    await query(urls[0], 'insert into note values (2)');
    expect(await query(urls[1], 'select id from note')).toEqual([{ id: 1 }]);
    expect(
      await query(urls[2], "select tableowner = current_user as own from pg_tables where tablename = 'note'"),
    ).toEqual([{ own: true }]);
    await expect(query(urls[3], `set role "${new URL(urls[2] as string).username}"`)).rejects.toThrow(
      /permission denied/,
    );
  });

  it('is prepared anew when the first preparation failed', async () => {
    const key = newDatabaseName();
    await expect(
      copy(key, async (url) => {
        await query(url, 'create table note (id int)');
        throw new Error('half-way');
      }),
    ).rejects.toThrow('half-way');
    const url = await copy(key, async (one) => {
      await query(one, 'create table note (id int)');
    });
    expect(await query(url, 'select id from note')).toEqual([]);
  });
});
