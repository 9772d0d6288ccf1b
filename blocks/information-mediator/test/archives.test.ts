import { createHash, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { archiveLog, eraseArchived } from '../src/archive/archive.ts';
import type { ContainerSources } from '../src/containers/container.ts';
import { readZip, writeZip } from '../src/containers/zip.ts';
import { openKeyring } from '../src/keys/keyring.ts';
import { openTestAuthority } from '../src/trust/test-authority.ts';
import { openTrust } from '../src/trust/trust.ts';
import { type VerificationConfiguration, verifyArchives } from '../src/verify.ts';
import { grant, type Instance, own, startInstance } from './fixtures/instance.ts';

const secret = randomBytes(32);
const derived = (purpose: string) =>
  createSecretKey(createHmac('sha256', secret).update(`information-mediator/${purpose}`).digest());
const limits = { entries: 10_000, bytes: 100_000_000 };

let folder: string;
let instance: Instance;
let believed: VerificationConfiguration;
let sources: ContainerSources;

const stamped = () =>
  vi.waitFor(
    async () => {
      const { rows } = await sql<{ all: boolean }>`
        select (select max(to_seq) from time_stamp) >= (select seq from chain_head) as all`.execute(
        instance.db,
      );
      expect(rows[0]?.all).toBe(true);
    },
    { timeout: 30_000, interval: 50 },
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govstack-archives-'));
  instance = await startInstance({ secret, settings: { timeStamps: { seconds: 1, records: 7 } } });
  await grant(instance);
  const url = await instance.node.listen({ port: 0 });
  believed = (await (await fetch(`${url}/trust/verification.json`)).json()) as VerificationConfiguration;
  const { db } = instance;
  const keyring = openKeyring(db, derived('signing-keys'));
  const authority = await openTestAuthority(db, keyring, own, () => new Date());
  const trust = openTrust({
    db,
    keyring,
    authorities: () => [
      {
        instance: 'T',
        certificate: authority.certificate,
        ask: async (one) => (await authority.ocsp(one)) as Buffer,
      },
    ],
    testAuthority: authority,
    nameOf: (owner) => owner,
    freshness: () => 3600,
    refreshSeconds: 60,
    now: () => new Date(),
    log: { warn() {} } as never,
  });
  sources = { db, trust, stamping: { stamp: async () => {} }, key: derived('message-contents') };
  await Promise.all(Array.from({ length: 6 }, (_, index) => instance.say(`number ${index}`)));
  await stamped();
});
afterAll(async () => {
  await instance.node.stop();
  await rm(folder, { recursive: true });
});

const files = async (): Promise<string[]> => (await readdir(folder)).sort();

describe('archives', () => {
  it('[IM-6.6-c] hold every stamped record with its container, in files linked to one another', async () => {
    const records = await archiveLog(sources, folder, 20_000);
    expect(records).toBeGreaterThan(12);
    expect((await files()).length).toBeGreaterThan(2);
    const verified = await verifyArchives(folder, believed);
    expect(verified).toMatchObject({ from: '1', to: String(records), records, containers: records });
    expect(await archiveLog(sources, folder, 20_000)).toBe(0);
    await instance.say('later');
    await stamped();
    expect(await archiveLog(sources, folder, 20_000)).toBeGreaterThan(0);
    expect((await verifyArchives(folder, believed)).records).toBeGreaterThan(records);
  });

  it('[IM-6.6-c] do not hold with one missing, changed, or changed and named anew', async () => {
    const names = (await files()).sort((a, b) => Number(a.split('-')[1]) - Number(b.split('-')[1]));
    const name = names[1] as string;
    const path = join(folder, name);
    const bytes = await readFile(path);
    await rm(path);
    await expect(verifyArchives(folder, believed)).rejects.toThrow('does not follow on');
    const bent = Buffer.from(bytes);
    bent[60] = (bent[60] as number) ^ 1;
    await writeFile(path, bent);
    await expect(verifyArchives(folder, believed)).rejects.toThrow('not the file');
    await rm(path);
    const entries = await readZip(bytes, limits);
    const records =
      entries
        .get('records.jsonl')
        ?.toString()
        .replace(/"bodySize":\d+/, '"bodySize":999') ?? '';
    const forged = await writeZip(new Map([...entries, ['records.jsonl', Buffer.from(records)]]));
    const digest = createHash('sha256').update(forged).digest('hex').slice(0, 16);
    const renamed = join(folder, name.replace(/[0-9a-f]{16}\.zip$/, `${digest}.zip`));
    await writeFile(renamed, forged);
    await expect(verifyArchives(folder, believed)).rejects.toThrow(/was changed|does not follow on/);
    await rm(renamed);
    await writeFile(path, bytes);
    expect((await verifyArchives(folder, believed)).archives).toBe(names.length);
  });

  it('[IM-6.6-a] let records leave the log after their time; the chain goes on from the archive', async () => {
    const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
    await instance.say('not archived');
    expect(await eraseArchived(instance.db, 30, inDays(29))).toBe(0);
    const before = (await instance.log.verifyChain({ query: { limit: 100_000 } })).body;
    expect(before).toMatchObject({ from: '1', broken: null });
    const erased = await eraseArchived(instance.db, 30, inDays(31));
    expect(erased).toBeGreaterThan(12);
    const after = (await instance.log.verifyChain({ query: { limit: 100_000 } })).body;
    expect(after).toMatchObject({ from: String(erased + 1), broken: null });
    await expect(sql`delete from message_log`.execute(instance.db)).rejects.toThrow('append-only');
    await instance.say('goes on');
    expect((await instance.log.verifyChain({ query: { limit: 100_000 } })).body.broken).toBeNull();
  });
});
