import fc from 'fast-check';
import { CompactSign, compactVerify, importJWK } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkpointKey } from '../src/history/checkpoints.ts';
import { NotProven, verifyProofs } from '../src/verify.ts';
import { type Agency, at, query, refusal, startAgency, stranger, write } from './fixtures/agency.ts';

let agency: Agency;
let code: string;
beforeAll(async () => {
  agency = await startAgency();
  code = await agency.publish({
    type: 'object',
    properties: {
      ID: { type: 'string', id: 1, unique: true, owner: true },
      Name: { type: 'string', id: 2, personal: true },
      Born: {
        type: 'object',
        id: 3,
        properties: { year: { type: 'integer' }, 'a place': { type: 'string' } },
      },
    },
  });
  await agency.data.createRecords({
    params: at(code),
    body: {
      write: Array.from({ length: 60 }, (_, n) => ({
        content: { ID: `P${n}`, Name: `Žoë "${n}"\n\u2028`, Born: { year: 2000 + n, 'a place': 'Ōsaka' } },
      })),
    },
  });
  await agency.data.updateRecord({
    params: at(code),
    headers: {},
    body: { ...query({ ID: 'P1' }), ...write({ Name: 'Other' }) },
  });
});
afterAll(() => agency.node.stop());

const db = () => agency.node.database('digital-registries');
const checkpoint = async () => (await agency.insight.makeCheckpoint({})).body.newest;
const verified = async (fromCheckpoint?: number) =>
  (await agency.insight.verifyChain({ body: fromCheckpoint === undefined ? {} : { fromCheckpoint } })).body;
const exported = async (contents = false) =>
  (await agency.insight.exportChanges({ body: { registry: code, pageSize: 500, contents } })).body.changes;
const evidence = async () => ({
  checkpoints: (await agency.insight.listCheckpoints({ query: {} })).body.checkpoints.map(
    ({ signed }) => signed,
  ),
  keys: (await agency.insight.listCheckpointKeys({})).body.keys,
});

describe('a proof', () => {
  it('[REG-6.1-7-d] shows without the server that a change is in the chain and what it said', async () => {
    await checkpoint();
    const changes = await exported(true);
    expect(changes).toHaveLength(61);
    const proof = await evidence();
    const proven = await verifyProofs({ ...proof, changes });
    expect(proven.every(({ contentVerified }) => contentVerified)).toBe(true);
    expect(proven.at(-1)).toMatchObject({ action: 'update' });
    expect(JSON.parse(changes[0]?.content?.after ?? '{}')).toMatchObject({ 1: 'P0', 2: 'Žoë "0"\n\u2028' });
    // Looking at what the changes said is a read of personal data.
    const usage = (await agency.insight.readUsageReport({ body: { identifier: 'P7' } })).body.entries;
    expect(usage.map(({ method }) => method)).toContain('list');
    const without = await exported();
    expect(without[0]?.content).toBeUndefined();
    expect(
      (await refusal(agency.insightAs(stranger).exportChanges({ body: { registry: code } }))).status,
    ).toBe(403);
  });

  it('[REG-6.1-7-d] of anything that was altered does not hold', async () => {
    await checkpoint();
    const changes = await exported(true);
    const proof = await evidence();
    const fails = async (altered: object) =>
      expect(verifyProofs({ ...proof, ...altered } as never)).rejects.toBeInstanceOf(NotProven);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(changes.length - 1),
        fc.constantFrom(
          ...([
            'record',
            'rowVersion',
            'action',
            'application',
            'operator',
            'person',
            'exchangeId',
            'at',
          ] as const),
          ...(['beforeDigest', 'afterDigest', 'digest', 'path', 'position', 'content'] as const),
        ),
        async (index, key) => {
          const change = changes[index];
          if (!change) return;
          const altered: Record<string, unknown> = { ...change };
          if (key === 'rowVersion') altered[key] = change.rowVersion + 1;
          else if (key === 'position') altered[key] = String(Number(change.position) === 3 ? 4 : 3);
          else if (key === 'at') altered[key] = new Date(Date.parse(change.at) + 1).toISOString();
          else if (key === 'content') altered[key] = { ...change.content, after: '{"1":"P0"}' };
          else if (key === 'path') altered[key] = changes[(index + 1) % changes.length]?.path;
          else altered[key] = key.endsWith('igest') ? '00'.repeat(32) : 'x';
          await fails({ changes: [altered] });
        },
      ),
      { numRuns: 60 },
    );
    await fails({ changes, keys: [] });
    const [first = '', ...rest] = proof.checkpoints;
    const [head, body, signature] = first.split('.');
    const claims = JSON.parse(Buffer.from(body ?? '', 'base64url').toString('utf8'));
    const forged = [
      head,
      Buffer.from(JSON.stringify({ ...claims, at: 'x' })).toString('base64url'),
      signature,
    ];
    await fails({ changes, checkpoints: [forged.join('.'), ...rest] });
  });

  it('[REG-6.1-7-e] is anchored outside: every checkpoint is announced as it was signed, each naming the one before', async () => {
    await agency.data.createRecord({ params: at(code), body: write({ ID: 'anchor' }) });
    const newest = await checkpoint();
    expect(newest).toBeGreaterThan(1);
    const told = () =>
      agency.node.published
        .filter(({ type }) => type === 'registries.checkpoint.v1')
        .map(({ data }) => (data as { signed: string }).signed);
    const { checkpoints } = await evidence();
    await vi.waitFor(() => expect(told()).toEqual(checkpoints), 30_000);
    // One left out in between is noticed.
    await agency.data.createRecord({ params: at(code), body: write({ ID: 'anchor-2' }) });
    await checkpoint();
    const all = await evidence();
    const gap = verifyProofs({
      ...all,
      checkpoints: [all.checkpoints[0] ?? '', all.checkpoints[2] ?? ''],
      changes: [],
    });
    await expect(gap).rejects.toBeInstanceOf(NotProven);
    expect(await checkpoint()).toBe(newest + 1);
    const last = (await agency.insight.listCheckpoints({ query: { newest: true, limit: 2 } })).body;
    expect(last.checkpoints.map(({ number }) => number)).toEqual([newest + 1, newest]);
  });
});

describe('the key of checkpoints', () => {
  it('signs whatever the secret, also one whose number begins with zeros', async () => {
    const secrets = fc.oneof(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ minLength: 29, maxLength: 31 }).map((end) => Buffer.concat([Buffer.alloc(3), end], 32)),
    );
    await fc.assert(
      fc.asyncProperty(secrets, async (secret) => {
        const { privateKey, publicKey } = await checkpointKey(Buffer.from(secret));
        const signed = await new CompactSign(Buffer.from('x'))
          .setProtectedHeader({ alg: 'ES256' })
          .sign(privateKey);
        await compactVerify(signed, await importJWK(publicKey, 'ES256'));
      }),
      { numRuns: 50 },
    );
  });
});

describe('verification', () => {
  it('[REG-6.1-7-d] holds from the beginning and from a checkpoint on', async () => {
    const newest = await checkpoint();
    await agency.data.createRecord({ params: at(code), body: write({ ID: 'later' }) });
    await checkpoint();
    const whole = await verified();
    expect(whole).toMatchObject({ brokenAt: null, reason: null, complete: true, checkpoints: newest + 1 });
    const part = await verified(newest);
    expect(part).toMatchObject({ brokenAt: null, checkpoints: 1 });
    expect(part.changes).toBeGreaterThan(0);
    expect(part.changes).toBeLessThan(whole.changes);
    expect((await refusal(verified(999))).status).toBe(404);
  });

  it('[REG-6.1-7-d] finds whatever is changed, deleted or inserted behind its back, in any column', async () => {
    await checkpoint();
    const seqs = (await sql<{ seq: string }>`select seq from change_log order by seq`.execute(db())).rows.map(
      ({ seq }) => seq,
    );
    const set = (column: string, value: string) => (seq: string) =>
      sql.raw(`update change_log set ${column} = ${value} where seq = ${seq}`);
    const said = (column: string, value: string) => (seq: string) =>
      sql.raw(`update change_content set ${column} = ${value} where seq = ${seq}`);
    const ofSchema = (assignment: string) => () =>
      sql.raw(`update schema_log set ${assignment} where seq = (select min(seq) from schema_log)`);
    const tamperings: Record<string, (seq: string) => ReturnType<typeof sql.raw>> = {
      registry_id: set('registry_id', '(select max(id) from registry where id <> change_log.registry_id)'),
      record: set('record', 'gen_random_uuid()'),
      row_version: set('row_version', 'row_version + 1'),
      action: set('action', "case action when 'create' then 'update' else 'create' end"),
      application: set('application', "application || 'x'"),
      operator: set('operator', "coalesce(operator, '') || 'x'"),
      person: set('person', "coalesce(person, '') || 'x'"),
      exchange_id: set('exchange_id', "exchange_id || 'x'"),
      at: set('at', "at + interval '1 microsecond'"),
      scheme: set('scheme', '2'),
      before_digest: set('before_digest', "sha256('x')"),
      after_digest: set('after_digest', "sha256('x')"),
      digest: set('digest', "sha256('x')"),
      before: said('before', `'{"1":"P0"}'`),
      after: said('after', `'{"1":"P0"}'`),
      salt: said('salt', "'\\x00'"),
      'no salt': said('salt', 'null'),
      'no content': (seq) => sql.raw(`delete from change_content where seq = ${seq}`),
      'no change': (seq) => sql.raw(`delete from change_log where seq = ${seq}`),
      'another change': (seq) =>
        sql.raw(
          `insert into change_log select seq, registry_id, record, row_version, action, application, operator, person, exchange_id, at + interval '1 second', scheme, before_digest, after_digest, digest from change_log where seq = ${seq}`,
        ),
      'no seal': (seq) => sql.raw(`delete from change_seal where change_seq = ${seq}`),
      'another hash': (seq) =>
        sql.raw(`update change_seal set hash = sha256(hash) where change_seq = ${seq}`),
      'cut off': () =>
        sql.raw(`
          with gone as (
            delete from change_seal where position > (select max(position) - 3 from change_seal) returning change_seq
          ), changes as (
            delete from change_log where seq in (select change_seq from gone)
          )
          delete from schema_log where seq in (select change_seq from gone)`),
      'schema action': ofSchema("action = 'access'"),
      'schema before': ofSchema(`before = '{"a":1}'`),
      'schema report': ofSchema(`report = '[1]'`),
      'schema person': ofSchema(`person = 'x'`),
      'no schema change': () =>
        sql.raw('delete from schema_log where seq = (select max(seq) from schema_log)'),
    };
    await agency.publish({ type: 'object', properties: { A: { type: 'string' } } });
    await checkpoint();
    expect(await verified()).toMatchObject({ brokenAt: null });
    const tables = ['change_log', 'change_content', 'change_seal', 'schema_log'];
    const copies = async (from: (name: string) => string, to: (name: string) => string) => {
      for (const name of tables) {
        await sql.raw(`drop table if exists ${to(name)}`).execute(db());
        await sql.raw(`create table ${to(name)} as select * from ${from(name)}`).execute(db());
      }
    };
    await copies(
      (name) => name,
      (name) => `kept_${name}`,
    );
    for (const name of tables) await sql.raw(`alter table ${name} disable trigger user`).execute(db());
    const restore = async () => {
      for (const name of tables) {
        await sql.raw(`delete from ${name}`).execute(db());
        await sql.raw(`insert into ${name} select * from kept_${name}`).execute(db());
      }
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...seqs),
        fc.shuffledSubarray(Object.keys(tamperings), { minLength: 1, maxLength: 1 }),
        async (seq, [how = '']) => {
          await tamperings[how]?.(seq).execute(db());
          const found = await verified();
          await restore();
          expect(found.brokenAt, how).not.toBeNull();
        },
      ),
      {
        numRuns: 40,
        examples: Object.keys(tamperings).map((how, n) => [seqs[(n * 7) % seqs.length] as string, [how]]),
      },
    );
    for (const name of tables) await sql.raw(`alter table ${name} enable trigger user`).execute(db());
    expect(await verified()).toMatchObject({ brokenAt: null });
  });
});
