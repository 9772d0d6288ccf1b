import type { CallFailed } from '@govstack/platform';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildHashTree } from '../src/evidence/hash-tree.ts';
import { stampedManifest } from '../src/time-stamps/manifest.ts';
import { readTimeStamp } from '../src/time-stamps/rfc3161.ts';
import { leafOf, recordsBetween } from '../src/time-stamps/stamping.ts';
import { echoService, eventually, grant, type Instance, startInstance } from './fixtures/instance.ts';
import { type StampingAuthorityServer, startStampingAuthority } from './fixtures/stamping-authority.ts';

let authority: StampingAuthorityServer;
beforeAll(async () => {
  authority = await startStampingAuthority();
});
afterEach(() => {
  authority.mode = 'answers';
});
afterAll(() => authority.stop());

const start = async (timeStamps: Record<string, unknown>): Promise<Instance> => {
  const instance = await startInstance({
    settings: { testTrustServices: false, timeStampingAuthorities: [authority.approved], timeStamps },
  });
  await grant(instance);
  return instance;
};

const stampsOf = ({ db }: Instance) => db.selectFrom('time_stamp').selectAll().orderBy('to_seq').execute();
const lastRecord = async ({ db }: Instance): Promise<string> =>
  (await db.selectFrom('chain_head').select('seq').executeTakeFirstOrThrow()).seq;

/** What becomes of an exchange: its status, or the type under which the mediator refused it. */
const outcome = (instance: Instance, what: string): Promise<number | string | undefined> =>
  instance.say(what).then(
    ({ status }) => status,
    (error: CallFailed) => error.mediatorError,
  );
const timestampingFailed = 'Server.ClientProxy.TimestampingFailed';

describe('in batches', () => {
  let instance: Instance;
  beforeAll(async () => {
    instance = await start({ seconds: 1, records: 10, patienceSeconds: 1 });
  });
  afterAll(() => instance.node.stop());

  it('[IM-6.6-c] every record comes under a time stamp, many under one, and each stamp is over what the log holds', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, index) => instance.say(`number ${index}`)));
    const last = await lastRecord(instance);
    await eventually(async () =>
      Number((await stampsOf(instance)).at(-1)?.to_seq ?? 0),
    ).toBeGreaterThanOrEqual(Number(last));
    const stamps = await stampsOf(instance);
    expect(stamps.length).toBeLessThan(Number(last));
    let next = 1;
    for (const { from_seq, to_seq, root, token } of stamps) {
      expect(Number(from_seq)).toBe(next);
      expect(Number(to_seq) - next).toBeLessThan(10);
      next = Number(to_seq) + 1;
      const records = await recordsBetween(instance.db, from_seq, to_seq);
      expect(buildHashTree(records.map(leafOf)).root.equals(root)).toBe(true);
      const approved = [Buffer.from(authority.approved.certificate, 'base64')];
      const { at } = readTimeStamp(token, stampedManifest(root), approved);
      expect(Math.abs(at.getTime() - Date.now())).toBeLessThan(60_000);
      expect(() => readTimeStamp(token, stampedManifest(root.subarray(1)), approved)).toThrow('other data');
    }
  });

  it('[IM-9.1-b] an authority that is down stops exchanges only when records wait for too long; its return lets them go on', async () => {
    authority.mode = 'is down';
    await instance.say('while it is down');
    await eventually(() => outcome(instance, 'too late')).toBe(timestampingFailed);
    // Its own services stay.
    expect((await instance.log.verifyChain({ query: {} })).body.broken).toBeNull();
    authority.mode = 'answers';
    await eventually(() => outcome(instance, 'again')).toBe(200);
  });

  it.each([
    'signs with another key',
    'repeats an old answer',
  ] as const)('[IM-6.6-c] an authority that %s is not believed', async (mode) => {
    await eventually(async () => (await stampsOf(instance)).at(-1)?.to_seq).toBe(await lastRecord(instance));
    const before = (await stampsOf(instance)).length;
    authority.mode = mode;
    await instance.say('stamped later');
    await eventually(() => outcome(instance, 'refused')).toBe(timestampingFailed);
    expect(await stampsOf(instance)).toHaveLength(before);
    authority.mode = 'answers';
    await eventually(async () => (await stampsOf(instance)).length).toBeGreaterThan(before);
  });
});

describe('at once', () => {
  let instance: Instance;
  beforeAll(async () => {
    instance = await start({ seconds: 3600, atOnce: [echoService] });
  });
  afterAll(() => instance.node.stop());

  it('[IM-9.1-b] a message is stamped before it goes on, and the answer before it is given', async () => {
    await Promise.all(['a', 'b', 'c'].map((what) => instance.say(what)));
    const response = await instance.db
      .selectFrom('message_log')
      .select((fields) => fields.fn.max('seq').as('seq'))
      .where('service', '=', echoService)
      .executeTakeFirstOrThrow();
    expect(Number((await stampsOf(instance)).at(-1)?.to_seq)).toBeGreaterThanOrEqual(Number(response.seq));
  });

  it('[IM-9.1-b] without a time stamp nothing reaches the provider', async () => {
    authority.mode = 'is down';
    const said = instance.record.said.length;
    expect(await outcome(instance, 'never')).toBe(timestampingFailed);
    expect(instance.record.said).toHaveLength(said);
    authority.mode = 'answers';
    expect(await outcome(instance, 'now')).toBe(200);
    expect(instance.record.said.slice(said)).toEqual(['now']);
  });
});
