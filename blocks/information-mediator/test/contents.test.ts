import {
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  randomBytes,
  verify,
} from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openContents } from '../src/evidence/contents.ts';
import { digestsOf } from '../src/evidence/message.ts';
import { eraseOldContents } from '../src/evidence/retention.ts';
import { bodyOf } from '../src/exchange/body.ts';
import { consumer, echoService, grant, type Instance, startInstance } from './fixtures/instance.ts';

const secret = randomBytes(32);
/** As the platform derives a block's secrets from the installation's. */
const contentKey = createSecretKey(
  createHmac('sha256', secret).update('information-mediator/message-contents').digest(),
);

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance({ secret, settings: { keepBodyLimit: 100 } });
  await grant(instance);
});
afterAll(() => instance.node.stop());

const exchange = async (path: string, body: string): Promise<string> => {
  const answer = await instance.node.mediator.exchange({
    client: consumer,
    service: echoService,
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', authorization: 'Bearer secret', 'x-road-id': 'own-id' },
    body,
  });
  return answer.headers['x-road-request-id'] ?? '';
};

const recordOf = (exchangeId: string, kind: 'request' | 'response') =>
  instance.db
    .selectFrom('message_log')
    .innerJoin('message_content', 'message_content.seq', 'message_log.seq')
    .select(['path', 'head_digest', 'body_digest', 'body_size', 'contents'])
    .where('exchange_id', '=', exchangeId)
    .where('kind', '=', kind)
    .executeTakeFirstOrThrow();

describe('what is kept of a message', () => {
  it('[IM-6.6-a] is the message that was signed, in X-Road’s form, sealed', async () => {
    const exchangeId = await exchange('/say/kept?nin=12345', '{"text":"a"}');
    const record = await recordOf(exchangeId, 'request');
    const { head, body } = openContents(contentKey, record.contents, exchangeId, 'request');
    const [method, target, ...headers] = head.split('\r\n');
    expect([method, target]).toEqual(['POST', `/r1/${echoService}/say/kept?nin=12345`]);
    expect(headers).toEqual(
      expect.arrayContaining([
        'content-type:application/json',
        `X-Road-Client:${consumer}`,
        'X-Road-Id:own-id',
        `X-Road-Request-Id:${exchangeId}`,
        `authorization:sha-256=${createHash('sha256').update('Bearer secret').digest('base64')}`,
      ]),
    );
    expect(body.toString()).toBe('{"text":"a"}');
    const digests = digestsOf({ head, body: bodyOf(body) });
    expect(digests.head.equals(record.head_digest)).toBe(true);
    expect(digests.body?.equals(record.body_digest as Buffer)).toBe(true);
    expect(record.path).toBe('/say/kept');
    expect(() => openContents(contentKey, record.contents, exchangeId, 'response')).toThrow();
  });

  it('[IM-6.6-a] can be proven by whoever has the message, with what the log gives out and nothing of ours', async () => {
    const exchangeId = await exchange('/say/proven', '{"text":"a"}');
    const record = await recordOf(exchangeId, 'request');
    const { head, body } = openContents(contentKey, record.contents, exchangeId, 'request');
    const { request } = (await instance.log.getExchange({ params: { exchangeId } })).body;
    const key = (await instance.log.getSigningKey({ params: { keyId: request.keyId ?? '' } })).body;
    const sha = (name: string, ...parts: (Uint8Array | string)[]): Buffer =>
      parts.reduce((hash, part) => hash.update(part), createHash(name)).digest();

    const ds = 'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"';
    const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
    const sha256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
    const method = `<DigestMethod Algorithm="${sha256}"></DigestMethod>`;
    const digestOf = (text: string): string =>
      `<ds:DigestMethod Algorithm="${sha256}"></ds:DigestMethod><ds:DigestValue>${sha('sha256', text).toString('base64')}</ds:DigestValue>`;
    const certificateDigest = sha('sha256', Buffer.from(key.certificate ?? '', 'base64')).toString('base64');
    const properties = `<xades:SignedProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Id="signed-properties"><xades:SignedSignatureProperties><xades:SigningTime>${request.signedAt}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod ${ds} Algorithm="${sha256}"></ds:DigestMethod><ds:DigestValue ${ds}>${certificateDigest}</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties><xades:SignedDataObjectProperties><xades:DataObjectFormat ObjectReference="#tree"><xades:MimeType>text/xml</xades:MimeType></xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>`;
    const treeOf = (root: string): string =>
      `<HashTreeResult xmlns="urn:govstack:information-mediator:hash-tree:1"><Leaf prefix="00">${method}</Leaf><Node prefix="01">${method}</Node><Root>${root}</Root></HashTreeResult>`;
    const signedInfo = (root: string): string =>
      `<ds:SignedInfo ${ds}><ds:CanonicalizationMethod Algorithm="${exclusive}"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"></ds:SignatureMethod><ds:Reference Id="tree" URI="META-INF/sig-hashchainresult.xml">${digestOf(treeOf(root))}</ds:Reference><ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#signed-properties"><ds:Transforms><ds:Transform Algorithm="${exclusive}"></ds:Transform></ds:Transforms>${digestOf(properties)}</ds:Reference></ds:SignedInfo>`;

    const proves = (text: string): boolean => {
      let reached = sha('sha256', Uint8Array.of(0), sha('sha512', sha('sha512', text), sha('sha512', body)));
      const chain = Buffer.from(request.hashChain ?? '', 'base64');
      for (let at = 0; at < chain.length; at += 33) {
        const neighbour = chain.subarray(at + 1, at + 33);
        const pair = chain[at] === 0 ? [neighbour, reached] : [reached, neighbour];
        reached = sha('sha256', Uint8Array.of(1), ...pair);
      }
      return verify(
        'sha256',
        Buffer.from(signedInfo(reached.toString('base64'))),
        {
          key: createPublicKey({ key: key.publicKey as JsonWebKey, format: 'jwk' }),
          dsaEncoding: 'ieee-p1363',
        },
        Buffer.from(request.signature ?? '', 'base64'),
      );
    };
    expect(key.owner).toBe('T/GOV/MSP');
    expect(proves(head)).toBe(true);
    expect(proves(head.replace('own-id', 'own-ie'))).toBe(false);
  });

  it('[IM-6.6-a] a signature of a key without certificate names the root alone; it holds also when certificates have come', async () => {
    const bare = await startInstance({ secret, settings: { testTrustServices: false } });
    await grant(bare);
    const { exchangeId } = (await bare.say('without certificate')).body;
    await bare.node.stop();
    const later = await startInstance({ secret, databasePrefix: bare.node.databasePrefix });
    try {
      await later.say('with certificate');
      const { request, verified } = (await later.log.getExchange({ params: { exchangeId } })).body;
      expect({ signedAt: request.signedAt, verified }).toEqual({ signedAt: null, verified: true });
      expect((await later.log.verifyChain({ query: {} })).body).toMatchObject({ broken: null });
    } finally {
      await later.node.stop();
    }
  });

  it('of a body above the limit only the digest stays', async () => {
    const text = `{"text":"${'x'.repeat(200)}"}`;
    const exchangeId = await exchange('/say/large', text);
    const record = await recordOf(exchangeId, 'request');
    const { head, body } = openContents(contentKey, record.contents, exchangeId, 'request');
    expect(body).toHaveLength(0);
    expect(record.body_size).toBe(text.length);
    expect(
      digestsOf({ head, body: bodyOf(Buffer.from(text)) }).body?.equals(record.body_digest as Buffer),
    ).toBe(true);
  });

  it('is nothing but digests when contents are not kept', async () => {
    const without = await startInstance({
      secret,
      databasePrefix: instance.node.databasePrefix,
      settings: { keepContents: false },
    });
    try {
      const { body } = await without.say('not kept');
      await expect(recordOf(body.exchangeId, 'request')).rejects.toThrow();
      const { verified } = (await without.log.getExchange({ params: { exchangeId: body.exchangeId } })).body;
      expect(verified).toBe(true);
    } finally {
      await without.node.stop();
    }
  });

  it('is erased after its time, and chain and signatures still hold', async () => {
    const exchangeId = await exchange('/say/erased', '{"text":"a"}');
    const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
    expect(await eraseOldContents(instance.db, 30, inDays(29))).toBe(0);
    expect(await eraseOldContents(instance.db, 30, inDays(31))).toBeGreaterThan(2);
    await expect(recordOf(exchangeId, 'request')).rejects.toThrow();
    expect((await instance.log.verifyChain({ query: { limit: 100_000 } })).body.broken).toBeNull();
    const { verified } = (await instance.log.getExchange({ params: { exchangeId } })).body;
    expect(verified).toBe(true);
  });
});
