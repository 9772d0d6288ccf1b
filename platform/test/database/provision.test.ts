import { connect, provisionDatabase } from '@govstack/platform/database';
import { newDatabaseName, testAdminUrl } from '@govstack/platform/testing';
import { describe, expect, it } from 'vitest';
import { query } from './child-stack.ts';

const secret = 'a secret of the installation';
const provision = (name: string, adminUrl = testAdminUrl()): Promise<string> =>
  provisionDatabase({ adminUrl, name, secret });

describe('the database of a block', () => {
  it('is made once, whoever asks and however often, and its owner can work in it', async () => {
    const name = newDatabaseName();
    const urls = await Promise.all(Array.from({ length: 8 }, () => provision(name)));
    expect(new Set(urls).size).toBe(1);
    await query(urls[0], 'create table note (id int)');
    expect(await provision(name)).toBe(urls[0]);
    expect(
      await query(urls[0], 'select current_user as role, current_database() as database from note'),
    ).toEqual([]);
    expect(await query(urls[0], 'select current_user as role')).toEqual([{ role: name }]);
  });

  it('[CFR-ARC-1] cannot be reached with the role of a neighbour, who has no other rights either', async () => {
    const mine = newDatabaseName();
    const theirs = newDatabaseName();
    const url = new URL(await provision(mine));
    await provision(theirs);
    url.pathname = `/${theirs}`;
    await expect(query(url.toString(), 'select 1')).rejects.toMatchObject({ code: '42501' });
    url.pathname = `/${mine}`;
    expect(
      await query(
        url.toString(),
        'select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user',
      ),
    ).toEqual([{ rolsuper: false, rolcreatedb: false, rolcreaterole: false }]);
  });

  it('has another password under another secret', async () => {
    const name = newDatabaseName();
    const first = await provision(name);
    const second = await provisionDatabase({ adminUrl: testAdminUrl(), name, secret: 'another' });
    expect(new URL(first).password).not.toBe(new URL(second).password);
    await expect(query(first, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('can be made by an administrator who is no superuser', async () => {
    const admin = newDatabaseName();
    await query(testAdminUrl(), `create role "${admin}" login createdb createrole password 'admin'`);
    const url = new URL(testAdminUrl());
    url.username = admin;
    url.password = 'admin';
    const block = await provision(newDatabaseName(), url.toString());
    await query(block, 'create table note (id int)');
    expect(await provision(new URL(block).username, url.toString())).toBe(block);
  });

  it.each([
    'postgres',
    'template1',
    'pg_blocks',
    'Payments',
    'pay"ments',
    '',
  ])('is not made under the name %j', async (name) => {
    await expect(provision(name)).rejects.toThrow('cannot be the name');
  });

  it('never belongs to a role that administers the server', async () => {
    const admin = newDatabaseName();
    await query(testAdminUrl(), `create role "${admin}" superuser`);
    await expect(provision(admin)).rejects.toThrow('administers this server');
    expect(await query(testAdminUrl(), `select rolsuper from pg_roles where rolname = '${admin}'`)).toEqual([
      { rolsuper: true },
    ]);
  });

  it('needs a URL that names a host', async () => {
    await expect(provision('payments', 'postgres:///postgres?host=/tmp')).rejects.toThrow('must name a host');
  });

  it('is used over a pool that ends with the block', async () => {
    const { pool, close } = connect(await provision(newDatabaseName()), {
      max: 2,
      applicationName: 'payments',
    });
    const { rows } = await pool.query("select current_setting('application_name') as name");
    expect(rows).toEqual([{ name: 'payments' }]);
    await close();
    expect(pool.ended).toBe(true);
  });
});
