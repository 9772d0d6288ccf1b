import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { migrate } from '@govstack/platform/database';
import { createTestDatabase } from '@govstack/platform/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { query } from './child-stack.ts';

let directory: string;
let url: string;

const file = (name: string, sql: string): void => writeFileSync(join(directory, name), sql);
const run = (history = 'notes'): Promise<string[]> => migrate({ url, history, directory });
const tables = async (): Promise<unknown[]> =>
  (await query(url, "select tablename from pg_tables where schemaname = 'public' order by tablename")).map(
    (row) => row.tablename,
  );

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'govstack-migrations-'));
  url = await createTestDatabase();
  file('0001-note.sql', 'create table note (id int primary key);');
  file('0002-author.sql', "alter table note add author text;\ninsert into note values (1, 'first');");
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('migrations', () => {
  it('[CFR-DEV-4] bring a database from empty to current, each file once, in order', async () => {
    expect(await run()).toEqual(['0001-note.sql', '0002-author.sql']);
    expect(await run()).toEqual([]);
    expect(await query(url, 'select id, author from note')).toEqual([{ id: 1, author: 'first' }]);
    file('0003-tag.sql', 'create table tag (id int);');
    expect(await migrate({ url, history: 'notes', directory: pathToFileURL(`${directory}/`) })).toEqual([
      '0003-tag.sql',
    ]);
    expect(
      await query(url, 'select history, name, length(sha256) from platform.migration order by name'),
    ).toEqual([
      { history: 'notes', name: '0001-note.sql', length: 64 },
      { history: 'notes', name: '0002-author.sql', length: 64 },
      { history: 'notes', name: '0003-tag.sql', length: 64 },
    ]);
  });

  it('[CFR-DEV-4] run once when several nodes start at the same moment', async () => {
    file('0003-slow.sql', "select pg_sleep(0.2); insert into note values (2, 'second');");
    const applied = await Promise.all(Array.from({ length: 6 }, () => run()));
    expect(applied.flat()).toEqual(['0001-note.sql', '0002-author.sql', '0003-slow.sql']);
    expect(await query(url, 'select count(*)::int as notes from note')).toEqual([{ notes: 2 }]);
  });

  it('keep one history per name', async () => {
    await run('notes');
    file('0001-note.sql', 'create table other (id int);');
    file('0002-author.sql', 'create table another (id int);');
    await run('others');
    expect(await tables()).toEqual(['another', 'note', 'other']);
  });

  it('[CFR-DEV-4] refuse a file that was changed after it was applied, and apply nothing', async () => {
    await run();
    file('0001-note.sql', 'create table note (id bigint primary key);');
    file('0003-tag.sql', 'create table tag (id int);');
    await expect(run()).rejects.toThrow('migration 0001-note.sql of notes was changed after it was applied');
    expect(await tables()).toEqual(['note']);
  });

  it('refuse a missing applied file, and one slipped in before an applied one', async () => {
    file('0004-last.sql', 'create table last (id int);');
    await run();
    file('0003-late.sql', 'create table late (id int);');
    await expect(run()).rejects.toThrow(
      'migration 0004-last.sql of notes was applied but the files now say 0003-late.sql in its place',
    );
    rmSync(join(directory, '0003-late.sql'));
    rmSync(join(directory, '0004-last.sql'));
    await expect(run()).rejects.toThrow('0004-last.sql of notes was applied but the files now say nothing');
    expect(await tables()).toEqual(['last', 'note']);
  });

  it.each([
    '3-tag.sql',
    '0003_tag.sql',
    '0003-Tag.sql',
    '0003-tag.sql.orig',
    'notes.txt',
  ])('refuse a file named %s', async (name) => {
    file(name, 'create table tag (id int);');
    await expect(run()).rejects.toThrow(`${name} in ${directory} is not named NNNN-title.sql`);
    expect(await tables()).toEqual([]);
  });

  it('refuse two files with one number', async () => {
    file('0002-tag.sql', 'create table tag (id int);');
    await expect(run()).rejects.toThrow('have the number 0002');
  });

  it('leave nothing of a file that fails, keep those before it, and go on when it is mended', async () => {
    file('0003-broken.sql', 'create table tag (id int);\nselect nonsense;');
    await expect(run()).rejects.toThrow('migration 0003-broken.sql of notes failed: column "nonsense"');
    expect(await tables()).toEqual(['note']);
    file('0003-broken.sql', 'create table tag (id int);');
    expect(await run()).toEqual(['0003-broken.sql']);
  });

  it('mean the same one by one and all at once: settings of one file do not reach the next', async () => {
    file('0003-schema.sql', 'create schema elsewhere;\nset search_path to elsewhere;');
    file('0004-tag.sql', 'create table tag (id int);');
    await run();
    expect(await tables()).toEqual(['note', 'tag']);
  });
});
