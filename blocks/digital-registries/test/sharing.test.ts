import { jsonResponse } from '@govstack/platform/testing';
import { parse } from 'csv-parse/sync';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registrySharing } from '../src/api/operations.ts';
import {
  type Agency,
  at,
  agency as owner,
  query,
  refusal,
  startAgency,
  stranger,
  write,
} from './fixtures/agency.ts';

const portal = 'TEST/GOV/DGA/portal';
const messaging = 'TEST/GOV/DGA/messaging/messaging-v1';
const consent = 'TEST/GOV/DGA/consent/consent-v1';
const shareUrl = 'https://portal.test/shared';

let agency: Agency;
const withdrawn = new Set<string>();
const sent: { to: string; body: string }[] = [];
let mailFails = false;
const logged: string[] = [];
beforeAll(async () => {
  agency = await startAgency(
    {
      consoles: [portal],
      shareUrl,
      messagingService: messaging,
      consentService: consent,
      consentCacheSeconds: 0,
    },
    {
      node: { log: pino({ level: 'trace' }, { write: (line) => void logged.push(line) }) },
      providers: {
        [messaging]: async ({ body }) => {
          if (mailFails) return jsonResponse(503, { status: 503 });
          sent.push(JSON.parse(String(body)));
          return jsonResponse(202, { id: 'm1' });
        },
        [consent]: async ({ path }) => {
          const reference = path.split('/').at(-2) ?? '';
          return jsonResponse(200, { consentRecord: { effective: !withdrawn.has(reference) } });
        },
      },
    },
  );
});
afterAll(() => agency.node.stop());

const sharingAs = (as: string) =>
  agency.node.client(registrySharing, { as, service: `${owner}/registry-sharing-v1` });
const token = (id: string, role: string, member = 'TEST/GOV/CRA') =>
  agency.node.token({ id, roles: [role], agency: member });
const schema = {
  type: 'object',
  properties: {
    'National ID': { type: 'string', id: 1, unique: true, owner: true, personal: true },
    Name: { type: 'string', id: 2, personal: true },
    Note: { type: 'string', id: 3 },
    Pin: { type: 'string', id: 4, secret: true },
  },
};
let people = 0;
const fresh = async (details: object = {}, changes: object = {}) => {
  const code = await agency.publish({ ...schema, ...changes }, details);
  people += 1;
  const person = { 'National ID': `N${people}`, Name: 'Ana', Note: '=SUM(A1)', Pin: '1234' };
  const { uuid } = (await agency.data.createRecord({ params: at(code), body: write(person) })).body;
  return { code, uuid, id: `N${people}` };
};
const share = async ({ code, uuid }: { code: string; uuid: string }, rest: object = {}) =>
  (await sharingAs(owner).createShare({ body: { registry: code, record: uuid, ...rest } as never })).body;
const open = async (tokenOfLink: string, personToken: string | null = null) =>
  (await sharingAs(portal).openShare({ body: { token: tokenOfLink }, personToken })).body;
const download = (tokenOfLink: string, format: 'csv' | 'json' | 'text') =>
  sharingAs(portal).downloadShare({ body: { token: tokenOfLink, format }, personToken: null });

describe('a share link', () => {
  it('[REG-6.1-27-a] leads to a record, or some fields of it, by an address that nobody can guess', async () => {
    const record = await fresh();
    const whole = await share(record);
    expect(whole.token).toMatch(/^[A-Za-z0-9_-]{22}@/);
    expect(whole.url).toBe(`${shareUrl}#${whole.token}`);
    expect(await open(whole.token)).toMatchObject({
      content: { 'National ID': record.id, Name: 'Ana', Note: '=SUM(A1)' },
      viewOnly: true,
    });
    const part = await share(record, { fields: ['Name'] });
    expect(part.token).not.toBe(whole.token);
    expect((await open(part.token)).content).toEqual({ Name: 'Ana' });
    const days = (Date.parse(part.expiresAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
  });

  it('[REG-6.1-27-a][REG-6.1-8-a][REG-6.1-7-c] leaves an entry in the read log each time: which link, shared by whom', async () => {
    const record = await fresh();
    const { id, token: link } = await share(record);
    await open(link);
    await open(link, await token('reader-1', 'officer'));
    const usage = (await agency.data.queryUsage({ body: { identifier: record.id } })).body;
    expect(usage).toMatchObject([
      { readerId: 'reader-1', purpose: `share link ${id} of ${owner}`, fields: ['National ID', 'Name'] },
      { readerId: `share-link/${id}`, purpose: `share link ${id} of ${owner}`, readerApplication: portal },
    ]);
  });

  it('[REG-6.1-27-a] is known to its holder only: no table, no log and no address has its token', async () => {
    const record = await fresh();
    const { token: link } = await share(record, { sendTo: 'ana@example.org' });
    await open(link);
    const secret = link.split('@')[0] as string;
    const db = agency.node.database('digital-registries');
    const { rows } = await sql<{ schema: string; name: string }>`
      select table_schema as schema, table_name as name from information_schema.tables
      where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`.execute(
      db,
    );
    for (const { schema: of, name } of rows) {
      const { rows: found } = await sql`
        select from ${sql.id(of, name)} t where t::text like ${`%${secret}%`}`.execute(db);
      expect(found, `${of}.${name}`).toHaveLength(0);
    }
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.filter((line) => line.includes(secret))).toEqual([]);
    expect(agency.node.exchanges.filter(({ path }) => decodeURIComponent(path).includes(secret))).toEqual([]);
  });

  it('[REG-6.1-27-c] ends with its time, its number of openings, or when it is taken back; all are answered alike', async () => {
    const record = await fresh();
    const gone = async (link: string) => {
      const { status, problem } = await refusal(open(link));
      const { instance: _, ...rest } = problem ?? {};
      return { status, ...rest };
    };
    const unknown = await gone(`${'A'.repeat(22)}@${owner}`);
    expect(unknown.status).toBe(404);

    const once = await share(record, { mostOpenings: 3 });
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => open(once.token)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await gone(once.token)).toEqual(unknown);

    const late = await share(record);
    await sql`update share_link set expires_at = now() - interval '1 second' where id = ${late.id}::uuid`.execute(
      agency.node.database('digital-registries'),
    );
    expect(await gone(late.token)).toEqual(unknown);

    const back = await share(record);
    await open(back.token);
    await sharingAs(owner).revokeShare({ params: { id: back.id } });
    await sharingAs(owner).revokeShare({ params: { id: back.id } });
    expect(await gone(back.token)).toEqual(unknown);

    const orphan = await share(record);
    await agency.data.deleteRecord({ params: { ...at(record.code), id: record.uuid } });
    expect(await gone(orphan.token)).toEqual(unknown);
    expect((await gone(`${orphan.token.split('@')[0]}@${stranger}`)).status).toBe(404);

    const tomorrow = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const other = await fresh();
    for (const expiresAt of [tomorrow(-1), tomorrow(91)])
      expect((await refusal(share(other, { expiresAt }))).problem?.errors?.[0]?.pointer).toBe('/expiresAt');
    expect((await share(other, { expiresAt: tomorrow(30) })).expiresAt.slice(0, 10)).toBe(
      tomorrow(30).slice(0, 10),
    );
  });

  it('[REG-6.1-27-c] needs consent: without it there is none, and when it ends so does the link', async () => {
    const record = await fresh({}, { 'x-requires': 'consent' });
    expect((await refusal(share(record))).problem?.errors?.[0]?.pointer).toBe('/consentReference');
    withdrawn.add('c0');
    expect((await refusal(share(record, { consentReference: 'c0' }))).status).toBe(403);
    const { token: link } = await share(record, { consentReference: 'c1' });
    await open(link);
    expect(
      (await agency.data.queryUsage({ body: { identifier: record.id } })).body[0]?.consentReference,
    ).toBe('c1');
    withdrawn.add('c1');
    expect((await refusal(open(link))).status).toBe(404);
  });

  it('[REG-6.1-27-c] is limited to a role', async () => {
    const record = await fresh();
    const officers = await share(record, { role: 'officer' });
    expect((await refusal(open(officers.token))).status).toBe(403);
    expect((await refusal(open(officers.token, await token('p', 'clerk')))).status).toBe(403);
    expect((await open(officers.token, await token('p', 'officer'))).content.Name).toBe('Ana');
    const anybody = await share(record, { role: 'any' });
    expect((await refusal(open(anybody.token))).status).toBe(403);
    expect((await open(anybody.token, await token('p', 'clerk'))).content.Name).toBe('Ana');
    const { shares } = (await sharingAs(owner).listShares({ query: { registry: record.code } })).body;
    expect(shares.map(({ openings }) => openings)).toEqual([1, 1]);
  });

  it('[REG-6.1-27-c] is for looking only, or for download with a watermark of link and time', async () => {
    const record = await fresh();
    const looking = await share(record);
    expect((await refusal(download(looking.token, 'csv'))).status).toBe(403);
    const { id, token: link } = await share(record, { download: true, fields: ['Name', 'Note'] });
    expect((await open(link)).viewOnly).toBe(false);
    const watermark = new RegExp(`link ${id}, downloaded \\d{4}-\\d\\d-\\d\\dT`);
    const file = async (format: 'csv' | 'json' | 'text') => {
      const { body, headers } = await download(link, format);
      expect(headers['content-disposition']).toContain('attachment');
      return Buffer.from(body).toString('utf8');
    };
    const csv = parse(await file('csv')) as string[][];
    expect(csv.slice(0, 3)).toEqual([
      ['Field', 'Value'],
      ['Name', 'Ana'],
      ['Note', "'=SUM(A1)"],
    ]);
    expect(csv[3]?.[1]).toMatch(watermark);
    const json = JSON.parse(await file('json'));
    expect(json.content).toEqual({ Name: 'Ana', Note: '=SUM(A1)' });
    expect(json.watermark).toMatch(watermark);
    expect(await file('text')).toMatch(watermark);
    expect(
      (await sharingAs(owner).listShares({ query: { registry: record.code } })).body.shares[0]?.openings,
    ).toBe(4);
  });

  it('[REG-6.1-27-a][REG-6.1-27-c] comes as QR code, and by e-mail without what the record says', async () => {
    const record = await fresh();
    const { url, qr, emailed } = await share(record, { sendTo: 'ana@example.org' });
    expect(qr).toMatch(/^<svg[^>]*>/);
    expect(emailed).toBe(true);
    const last = sent.at(-1);
    expect(last?.to).toBe('ana@example.org');
    expect(last?.body).toContain(url);
    expect(JSON.stringify(last)).not.toContain(record.id);
    mailFails = true;
    try {
      const unsent = await share(record, { sendTo: 'ana@example.org' });
      expect(unsent.emailed).toBe(false);
      expect((await open(unsent.token)).content.Name).toBe('Ana');
    } finally {
      mailFails = false;
    }
    expect((await share(record)).emailed).toBeNull();
  });
});

describe('sharing', () => {
  it('[REG-6.1-27-b] is switched off for a registry, for links that there are too; off where records are confidential', async () => {
    const record = await fresh();
    const { token: link } = await share(record);
    const set = (code: string, allowed: boolean, as = owner) =>
      sharingAs(as).putSharing({ params: { code }, body: { allowed } });
    expect((await refusal(set(record.code, false, stranger))).status).toBe(403);
    await set(record.code, false);
    expect((await sharingAs(owner).getSharing({ params: { code: record.code } })).body.allowed).toBe(false);
    expect((await refusal(open(link))).status).toBe(404);
    expect((await refusal(share(record))).status).toBe(403);
    await set(record.code, true);
    expect((await open(link)).content.Name).toBe('Ana');
    const confidential = await fresh({ classification: 'confidential' });
    expect((await refusal(share(confidential))).status).toBe(403);
    await set(confidential.code, true);
    await share(confidential);
  });

  it('[REG-6.1-27-a][REG-6.1-6-f] goes no further than what the sharer sees, and never to secret fields', async () => {
    const record = await fresh();
    const refusedAt = async (fields: string[]) =>
      (await refusal(share(record, { fields }))).problem?.errors?.map(({ pointer }) => pointer);
    expect(await refusedAt(['Name', 'Nothing', 'Pin'])).toEqual(['/fields/1', '/fields/2']);
    expect((await open((await share(record)).token)).content).not.toHaveProperty('Pin');
    expect((await refusal(share({ code: record.code, uuid: 'nobody' }))).status).toBe(404);
    expect((await refusal(share({ code: 'no-such', uuid: record.uuid }))).status).toBe(404);
    const asStranger = () =>
      sharingAs(stranger).createShare({ body: { registry: record.code, record: record.uuid } });
    expect((await refusal(asStranger())).status).toBe(404);
    await agency.database.putAccess({
      params: { code: record.code },
      body: { application: stranger, methods: ['read'] },
    });
    expect((await refusal(asStranger())).status).toBe(403);
  });

  it('[REG-6.1-27-b] is seen and ended by who shared, and by the analyst; by nobody else', async () => {
    const record = await fresh();
    const [ana, bo, analyst] = await Promise.all([
      token('ana', 'registrar'),
      token('bo', 'registrar'),
      token('chief', 'registry-analyst'),
    ]);
    const { id, token: link } = (
      await sharingAs(portal).createShare({
        body: { registry: record.code, record: record.uuid },
        personToken: ana,
      })
    ).body;
    const seen = async (personToken: string | null) =>
      (await sharingAs(portal).listShares({ query: { registry: record.code }, personToken })).body.shares;
    expect(await seen(ana)).toMatchObject([{ id, sharedBy: 'ana', registry: record.code, openings: 0 }]);
    expect(await seen(bo)).toEqual([]);
    expect(await seen(analyst)).toMatchObject([{ id }]);
    expect(JSON.stringify(await seen(analyst))).not.toContain(link.split('@')[0]);
    const revoke = (personToken: string) => sharingAs(portal).revokeShare({ params: { id }, personToken });
    expect((await refusal(revoke(bo))).status).toBe(404);
    expect((await open(link)).content.Name).toBe('Ana');
    await revoke(analyst);
    expect((await refusal(open(link))).status).toBe(404);
    expect((await seen(ana))[0]?.revokedAt).toEqual(expect.any(String));
    expect(
      (await agency.data.readRecord({ params: at(record.code), body: query({ Name: 'Ana' }) })).status,
    ).toBe(200);
  });
});
