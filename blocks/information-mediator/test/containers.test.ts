import { X509Certificate } from 'node:crypto';
import type { Client } from '@govstack/platform';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorLog } from '../src/api/operations.ts';
import { type VerificationConfiguration, verifyContainer } from '../src/containers/verify.ts';
import { readZip, writeZip } from '../src/containers/zip.ts';
import { verifyIndependently } from './fixtures/independent-xades.js';
import {
  consumer,
  echoService,
  engine,
  governance,
  grant,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

const reason = 'A court has asked for it';
const limits = { entries: 100, bytes: 100_000_000 };
type Log = Client<typeof mediatorLog.operations>;

let instance: Instance;
let url: string;
let exchangeId: string;
let believed: VerificationConfiguration;

const logAs = (as: string): Log =>
  instance.node.client(mediatorLog, { as, service: `${own}/${mediatorLog.name}` });

const containerOf = async (
  message: 'request' | 'response',
  id = exchangeId,
  as = consumer,
  personToken?: string,
): Promise<Buffer> => {
  const { body } = await logAs(as).getContainer({
    params: { exchangeId: id },
    body: { message, reason },
    ...(personToken === undefined ? {} : { personToken }),
  });
  return Buffer.from(body.container, 'base64');
};

const exchange = async (path: string, body: string): Promise<string> => {
  const answer = await instance.node.mediator.exchange({
    client: consumer,
    service: echoService,
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body,
  });
  return answer.headers['x-road-request-id'] as string;
};

beforeAll(async () => {
  instance = await startInstance({ settings: { keepBodyLimit: 2_000_000 } });
  url = await instance.node.listen({ port: 0 });
  await grant(instance);
  for (const subject of [consumer, provider, engine])
    await instance.admin.putRight({ params: { service: `${own}/${mediatorLog.name}`, subject }, body: {} });
  // Several at once, so that they share a signature.
  const ids = await Promise.all(
    Array.from({ length: 5 }, (_, index) =>
      exchange(`/say/${index}?nin=1%202`, `{"text":"number ${index}"}`),
    ),
  );
  exchangeId = ids[3] as string;
  believed = (await (await fetch(`${url}/trust/verification.json`)).json()) as VerificationConfiguration;
});
afterAll(() => instance.node.stop());

describe('a container', () => {
  it('[IM-6.6-c][IM-6.6-a] proves who said what and when to whoever believes the authorities', async () => {
    const request = await verifyContainer(await containerOf('request'), believed);
    expect(request.signer).toBe('T/GOV/MSP');
    expect(request.head.toString().split('\r\n')).toEqual(
      expect.arrayContaining([
        'POST',
        `/r1/${echoService}/say/3?nin=1%202`,
        `X-Road-Request-Id:${exchangeId}`,
      ]),
    );
    expect(request.body.toString()).toBe('{"text":"number 3"}');
    for (const at of [request.signedAt, request.goodAt, request.stampedAt])
      expect(Math.abs(at.getTime() - Date.now())).toBeLessThan(60_000);
    expect(request.stampedAt.getTime()).toBeGreaterThanOrEqual(request.signedAt.getTime());
    const response = await verifyContainer(await containerOf('response', exchangeId, provider), believed);
    expect(response.signer).toBe('T/GOV/MOH');
    expect(JSON.parse(response.body.toString())).toMatchObject({ text: 'number 3', exchangeId });
    // The answer names the question by its hash, so the two hang together.
    const { body } = await instance.log.getExchange({ params: { exchangeId } });
    expect(response.head.toString()).toContain(`X-Road-Request-Hash:${body.request.hash}\r\n`);
  });

  it('[IM-6.6-c] is the same every time', async () => {
    expect((await containerOf('request')).equals(await containerOf('request'))).toBe(true);
  });

  it('[IM-6.6-c] does not hold with one bit changed anywhere, or else what it proves is not touched', async () => {
    const original = await containerOf('request');
    const proven = await verifyContainer(original, believed);
    const entries = [...(await readZip(original, limits))];
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.nat(7), async (which, where, bit) => {
        const [name, bytes] = entries[which % entries.length] as [string, Buffer];
        const changed = Buffer.from(bytes);
        const at = where % changed.length;
        changed[at] = (changed[at] as number) ^ (1 << bit);
        const forged = await writeZip(new Map([...entries, [name, changed]]));
        const outcome = await verifyContainer(forged, believed).catch(() => undefined);
        if (!outcome) return;
        // Answers of authorities carry certificates and numbers that their own signature leaves out.
        expect(['META-INF/timestamp.tst', 'META-INF/signatures.xml']).toContain(name);
        expect(outcome).toEqual(proven);
      }),
      { numRuns: 300 },
    );
  });

  it('[IM-6.6-c] does not hold with a part missing, of another message, or besides', async () => {
    const entries = await readZip(await containerOf('request'), limits);
    const other = await readZip(
      await containerOf('request', await exchange('/say/other', '{"text":"b"}')),
      limits,
    );
    for (const name of entries.keys()) {
      const without = new Map([...entries].filter(([one]) => one !== name));
      await expect(verifyContainer(await writeZip(without), believed)).rejects.toThrow();
      const swapped = new Map([...entries, [name, other.get(name) as Buffer]]);
      if (!entries.get(name)?.equals(other.get(name) as Buffer))
        await expect(verifyContainer(await writeZip(swapped), believed)).rejects.toThrow();
    }
    const more = new Map([...entries, ['META-INF/more.xml', Buffer.from('<a/>')]]);
    await expect(verifyContainer(await writeZip(more), believed)).rejects.toThrow('does not belong');
  });

  it('[IM-6.6-c] proves nothing to those who do not believe its authorities, and is refused when it is none', async () => {
    const container = await containerOf('request');
    await expect(verifyContainer(container, { ...believed, certificationAuthorities: [] })).rejects.toThrow(
      'not believed',
    );
    await expect(verifyContainer(container, { ...believed, timeStampingAuthorities: [] })).rejects.toThrow(
      'not approved',
    );
    await expect(verifyContainer(Buffer.from('PK'), believed)).rejects.toThrow('not a container');
  });

  it('[IM-6.6-c] holds a large body; one that was too large to be kept is given to the verifier beside it', async () => {
    const large = `{"text":"${'x'.repeat(1_500_000)}"}`;
    const kept = await verifyContainer(
      await containerOf('request', await exchange('/say/large', large)),
      believed,
    );
    expect(kept.body.toString()).toBe(large);
    const huge = Buffer.from(`{"text":"${'y'.repeat(2_500_000)}"}`);
    const container = await containerOf('request', await exchange('/say/huge', huge.toString()));
    await expect(verifyContainer(container, believed)).rejects.toThrow('give it to the verifier');
    expect((await verifyContainer(container, believed, huge)).body.length).toBe(huge.length);
    huge[100] = 0x7a;
    await expect(verifyContainer(container, believed, huge)).rejects.toThrow('not the one that was signed');
  });

  it('[IM-6.6-c] is given to those who took part, and on record; to nobody else, however they govern', async () => {
    expect((await refusal(containerOf('request', exchangeId, governance))).status).toBe(404);
    expect((await refusal(containerOf('request', exchangeId, engine))).status).toBe(404);
    const person = (roles: string[], agency: string) => instance.node.token({ id: 'p', roles, agency });
    const auditor = await person(['auditor'], 'T/GOV/MOH');
    const before = Date.now();
    await containerOf('response', exchangeId, engine, auditor);
    const readings = (
      await instance.log.listContentsReadings({ params: { exchangeId }, query: {}, personToken: auditor })
    ).body.items;
    expect(readings.at(-1)).toMatchObject({
      message: 'response',
      reader: 'p',
      agency: 'T/GOV/MOH',
      application: engine,
      reason,
    });
    expect(Date.parse(readings.at(-1)?.at ?? '')).toBeGreaterThan(before - 1000);
    for (const token of [
      await person(['administrator'], 'T/GOV/MOH'),
      await person(['auditor'], 'T/GOV/DGA'),
    ])
      expect([403, 404]).toContain((await refusal(containerOf('request', exchangeId, engine, token))).status);
  });

  it('[IM-6.6-a][IM-7.2.1-a] holds a signature that another XAdES implementation verifies, by a certificate that its authority issued', async () => {
    const entries = await readZip(await containerOf('request'), limits);
    expect([...entries.keys()][0]).toBe('mimetype');
    const xml = entries.get('META-INF/signatures.xml')?.toString() ?? '';
    const found = await verifyIndependently(xml, (name) => entries.get(name) as Buffer);
    expect(found.signed).toEqual(['META-INF/sig-hashchainresult.xml', '#signed-properties']);
    expect(found.holds).toBe(true);
    const certificate = new X509Certificate(found.certificate);
    expect(certificate.verify(new X509Certificate(found.issuer).publicKey)).toBe(true);
    expect(certificate.subject).toContain('serialNumber=T/GOV/MSP');
    const later = xml.replace(/(<xades:SigningTime>\d{3})\d/, '$19');
    await expect(verifyIndependently(later, (name) => entries.get(name) as Buffer)).rejects.toThrow(
      'not what was',
    );
  });
});
