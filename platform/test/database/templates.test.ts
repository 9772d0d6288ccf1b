import { createTestDatabaseFromTemplate, newDatabaseName } from '@govstack/platform/testing';
import { describe, expect, it } from 'vitest';
import { query } from './child-stack.ts';

describe('a test database from a template', () => {
  it('is prepared once a key and shares nothing with the others', async () => {
    const key = newDatabaseName();
    let prepared = 0;
    const prepare = async (url: string): Promise<void> => {
      prepared += 1;
      await query(url, 'create table note (id int); insert into note values (1)');
    };
    const urls = await Promise.all(
      Array.from({ length: 4 }, () => createTestDatabaseFromTemplate(key, prepare)),
    );
    expect(prepared).toBe(1);
    expect(new Set(urls).size).toBe(4);
    await query(urls[0], 'insert into note values (2)');
    expect(await query(urls[1], 'select id from note')).toEqual([{ id: 1 }]);
  });

  it('is prepared anew when the first preparation failed', async () => {
    const key = newDatabaseName();
    await expect(
      createTestDatabaseFromTemplate(key, async (url) => {
        await query(url, 'create table note (id int)');
        throw new Error('half-way');
      }),
    ).rejects.toThrow('half-way');
    const url = await createTestDatabaseFromTemplate(key, async (one) => {
      await query(one, 'create table note (id int)');
    });
    expect(await query(url, 'select id from note')).toEqual([]);
  });
});
