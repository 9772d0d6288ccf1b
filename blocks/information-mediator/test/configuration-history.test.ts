import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  administrator,
  type Configured,
  type Given,
  small,
  startConfigured,
} from './fixtures/configuration.ts';
import { governance, own, refusal } from './fixtures/instance.ts';

let instance: Configured;
beforeAll(async () => {
  instance = await startConfigured();
});
afterAll(() => instance.node.stop());

const at = (domain: string): Given => ({ ...small(), domain });
const versions = async () => (await instance.api.listVersions({ query: {} })).body.items;
const etag = async () => (await instance.api.listIMconf({})).headers.etag;

describe('the history of the configuration', () => {
  it('has every document that was applied: who, how, what changed', async () => {
    await instance.api.createIMconf({ query: {}, body: at('one.example') });
    await instance.ask('PATCH', '/config', { body: { instance: 'T', domain: 'two.example' } });
    await instance.api.replaceIMconf({ query: {}, body: { ...at('two.example'), members: [] } });
    expect((await versions()).map(({ at: _at, etag: _etag, ...rest }) => rest)).toEqual([
      {
        version: 4,
        actor: governance,
        method: 'replace',
        restored: null,
        counts: { added: 0, changed: 0, removed: 6 },
      },
      {
        version: 3,
        actor: `${own} person ${administrator.id}`,
        method: 'update',
        restored: null,
        counts: { added: 0, changed: 1, removed: 0 },
      },
      {
        version: 2,
        actor: governance,
        method: 'create',
        restored: null,
        counts: { added: 7, changed: 0, removed: 0 },
      },
      {
        version: 1,
        actor: own,
        method: 'found',
        restored: null,
        counts: { added: 0, changed: 0, removed: 0 },
      },
    ]);
    expect((await versions())[0]?.etag).toBe(await etag());
  });

  it('is read version by version, in JSON and in YAML', async () => {
    const { body, headers } = await instance.api.readVersion({ params: { version: 2 } });
    expect(body.domain).toBe('one.example');
    expect(headers.etag).toBe((await versions()).find(({ version }) => version === 2)?.etag);
    const yaml = await instance.ask('GET', '/config/versions/2', { headers: { accept: 'text/yaml' } });
    expect(yaml.text).toMatch(/^domain: one\.example\ninstance: T\nmembers:\n/);
    expect((await refusal(instance.api.readVersion({ params: { version: 99 } }))).status).toBe(404);
  });

  it('tells what leads from one version to another', async () => {
    const compare = async (version: number, from?: number) => {
      const query = from === undefined ? {} : { from };
      return (await instance.api.compareVersions({ params: { version }, query })).body.lines;
    };
    expect(await compare(3)).toEqual(['~ domain two.example: domain "one.example" → "two.example"']);
    expect(await compare(2, 3)).toEqual(['~ domain one.example: domain "two.example" → "one.example"']);
    expect(await compare(4, 2)).toEqual([
      '~ domain two.example: domain "one.example" → "two.example"',
      '- member T/GOV/7001',
      '- member T/GOV/8001',
      '- application T/GOV/7001/CitizensRegistry',
      '- application T/GOV/8001/Portal',
      '- service T/GOV/7001/CitizensRegistry/registration',
      '- right of T/GOV/8001/Portal to T/GOV/7001/CitizensRegistry/registration',
    ]);
    expect(await compare(4, 4)).toEqual([]);
    const unknown = instance.api.compareVersions({ params: { version: 4 }, query: { from: 99 } });
    expect((await refusal(unknown)).status).toBe(404);
  });

  it('rolls back: tried first, then done, and that is a version too', async () => {
    const params = { version: 3 };
    const before = await etag();
    const dry = await instance.api.restoreVersion({ params, query: { dryRun: true } });
    expect(dry).toMatchObject({ status: 200, body: { counts: { added: 6, changed: 0, removed: 0 } } });
    expect(await etag()).toBe(before);
    const headers = { 'if-match': before as string };
    const done = await instance.api.restoreVersion({ params, query: {}, headers });
    expect(done.body).toContain('Version 5 applied: 6 added, 0 changed, 0 removed');
    expect((await instance.api.listIMconf({})).body).toEqual(
      (await instance.api.readVersion({ params })).body,
    );
    expect((await versions())[0]).toMatchObject({ version: 5, method: 'restore', restored: 3 });
    const late = await refusal(instance.api.restoreVersion({ params: { version: 2 }, query: {}, headers }));
    expect(late.status).toBe(412);
    const again = await instance.api.restoreVersion({ params, query: {} });
    expect(again.body).toBe('Nothing to change: version 5 stands');
  });

  it('also has what was changed by other means, as it was found', async () => {
    await instance.admin.putMember({ params: { member: 'T/NGO/1' }, body: { name: 'By hand' } });
    const byHand = (await instance.api.listIMconf({})).body;
    await instance.api.replaceIMconf({ query: {}, body: at('three.example') });
    const [newest, found] = await versions();
    expect([newest?.method, found?.method, found?.version]).toEqual(['replace', 'found', 6]);
    expect((await instance.api.readVersion({ params: { version: 6 } })).body).toEqual(byHand);
    await instance.api.restoreVersion({ params: { version: 6 }, query: {} });
    expect((await instance.api.listIMconf({})).body).toEqual(byHand);
  });

  it('is listed page by page, newest first', async () => {
    const all = (await versions()).map(({ version }) => version);
    expect(all).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    const seen: number[] = [];
    let pageToken: string | undefined;
    do {
      const query = { pageSize: 3, ...(pageToken === undefined ? {} : { pageToken }) };
      const { body } = await instance.api.listVersions({ query });
      seen.push(...body.items.map(({ version }) => version));
      pageToken = body.nextPageToken;
    } while (pageToken !== undefined);
    expect(seen).toEqual(all);
    expect((await refusal(instance.api.listVersions({ query: { pageToken: 'eA' } }))).status).toBe(400);
  });

  it('is never rewritten', async () => {
    for (const statement of [
      sql`update configuration_version set actor = 'x'`,
      sql`delete from configuration_version`,
      sql`truncate configuration_version`,
    ])
      await expect(statement.execute(instance.db)).rejects.toThrow('append-only');
  });
});
