import { hash, type KeyObject, randomBytes, verify, X509Certificate } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { type ReadCertificate, toCryptoKey } from '../trust/x509.ts';

const oid = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  signedData: '1.2.840.113549.1.7.2',
  timeStampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.47',
  /** Under the number that RFC 5612 keeps for examples. */
  testPolicy: '1.3.6.1.4.1.32473.1.1',
} as const;

const digestNames: Readonly<Record<string, string>> = {
  [oid.sha256]: 'sha256',
  [oid.sha384]: 'sha384',
  [oid.sha512]: 'sha512',
};

const toBuffer = (bytes: ArrayBuffer | Uint8Array): Buffer => Buffer.from(new Uint8Array(bytes));
const toArrayBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;
const octets = (bytes: Uint8Array): asn1js.OctetString =>
  new asn1js.OctetString({ valueHex: toArrayBuffer(bytes) });
/** A positive integer that DER writes as it is. */
const randomInteger = (): asn1js.Integer => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return new asn1js.Integer({ valueHex: toArrayBuffer(bytes) });
};

const imprintOf = (data: Buffer): pkijs.MessageImprint =>
  new pkijs.MessageImprint({
    hashAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: oid.sha256 }),
    hashedMessage: octets(hash('sha256', data, 'buffer')),
  });

/** A request to stamp data (RFC 3161, 2.4.1), DER, with a fresh nonce. */
export function makeTimeStampRequest(data: Buffer): { readonly der: Buffer; readonly nonce: Buffer } {
  const nonce = randomInteger();
  const request = new pkijs.TimeStampReq({
    version: 1,
    messageImprint: imprintOf(data),
    nonce,
    certReq: true,
  });
  return { der: toBuffer(request.toSchema().toBER()), nonce: toBuffer(nonce.valueBlock.valueHexView) };
}

/** Attributes are a set: DER puts them in the order of their encodings, and others encode them anew. */
const inOrder = (attributes: readonly pkijs.Attribute[]): pkijs.Attribute[] =>
  attributes
    .map((one) => ({ one, der: toBuffer(one.toSchema().toBER()) }))
    .sort((a, b) => Buffer.compare(a.der, b.der))
    .map(({ one }) => one);

/** Answers a request as a time-stamping authority. Undefined: not a request that is understood. */
export async function answerTimeStampRequest(
  der: Buffer,
  authority: { readonly certificate: ReadCertificate; readonly der: Buffer; readonly key: KeyObject },
  now: Date,
): Promise<Buffer | undefined> {
  let request: pkijs.TimeStampReq;
  try {
    request = pkijs.TimeStampReq.fromBER(toArrayBuffer(der));
  } catch {
    return undefined;
  }
  if (digestNames[request.messageImprint.hashAlgorithm.algorithmId] === undefined) return undefined;
  const info = new pkijs.TSTInfo({
    version: 1,
    policy: oid.testPolicy,
    messageImprint: request.messageImprint,
    serialNumber: randomInteger(),
    genTime: now,
    accuracy: new pkijs.Accuracy({ seconds: 1 }),
    ...(request.nonce ? { nonce: request.nonce } : {}),
  });
  const content = toBuffer(info.toSchema().toBER());
  const attribute = (type: string, value: unknown): pkijs.Attribute =>
    new pkijs.Attribute({ type, values: [value] });
  const signingCertificate = new asn1js.Sequence({
    value: [
      new asn1js.Sequence({
        value: [new asn1js.Sequence({ value: [octets(hash('sha256', authority.der, 'buffer'))] })],
      }),
    ],
  });
  const signed = new pkijs.SignedData({
    version: 3,
    encapContentInfo: new pkijs.EncapsulatedContentInfo({
      eContentType: oid.timeStampInfo,
      eContent: octets(content),
    }),
    signerInfos: [
      new pkijs.SignerInfo({
        version: 1,
        sid: new pkijs.IssuerAndSerialNumber({
          issuer: authority.certificate.certificate.issuer,
          serialNumber: authority.certificate.certificate.serialNumber,
        }),
        signedAttrs: new pkijs.SignedAndUnsignedAttributes({
          type: 0,
          attributes: inOrder([
            attribute(oid.contentType, new asn1js.ObjectIdentifier({ value: oid.timeStampInfo })),
            attribute(oid.messageDigest, octets(hash('sha256', content, 'buffer'))),
            attribute(oid.signingCertificate, signingCertificate),
          ]),
        }),
      }),
    ],
    certificates: request.certReq ? [authority.certificate.certificate] : [],
  });
  await signed.sign(toCryptoKey(authority.key) as never, 0, 'SHA-256');
  const response = new pkijs.TimeStampResp({
    status: new pkijs.PKIStatusInfo({ status: 0 }),
    timeStampToken: new pkijs.ContentInfo({ contentType: oid.signedData, content: signed.toSchema(true) }),
  });
  return toBuffer(response.toSchema().toBER());
}

/** What a time stamp states: that data existed then. */
export interface TimeStamp {
  readonly at: Date;
  /** The certificate of the authority that made it, DER. */
  readonly authority: Buffer;
}

class NotATimeStamp extends Error {
  constructor(why: string) {
    super(`the time stamp ${why}`);
    this.name = 'NotATimeStamp';
  }
}

const attributeOf = (attributes: readonly pkijs.Attribute[], type: string): asn1js.BaseBlock | undefined =>
  attributes.find((one) => one.type === type)?.values[0] as asn1js.BaseBlock | undefined;

const isFor = (signer: pkijs.SignerInfo, authority: Buffer): boolean => {
  const certificate = pkijs.Certificate.fromBER(toArrayBuffer(authority));
  return (
    signer.sid instanceof pkijs.IssuerAndSerialNumber &&
    signer.sid.serialNumber.isEqual(certificate.serialNumber) &&
    signer.sid.issuer.isEqual(certificate.issuer)
  );
};

/**
 * Reads a token (RFC 3161, 2.4.2) over data. Throws unless one of these authorities has signed it and it is over these
 * data; with a nonce, unless it is the answer to that request.
 */
export function readTimeStamp(
  token: Buffer,
  data: Buffer,
  authorities: readonly Buffer[],
  nonce?: Buffer,
): TimeStamp {
  const content = pkijs.ContentInfo.fromBER(toArrayBuffer(token));
  if (content.contentType !== oid.signedData) throw new NotATimeStamp('is no signed data');
  const signed = new pkijs.SignedData({ schema: content.content });
  const { eContentType, eContent } = signed.encapContentInfo;
  const signer = signed.signerInfos[0];
  if (eContentType !== oid.timeStampInfo || !eContent || !signer?.signedAttrs)
    throw new NotATimeStamp('states no time');
  const bytes = toBuffer(eContent.getValue());
  const { attributes } = signer.signedAttrs;
  const digest = digestNames[signer.digestAlgorithm.algorithmId];
  const stated = attributeOf(attributes, oid.messageDigest) as asn1js.OctetString | undefined;
  const type = attributeOf(attributes, oid.contentType) as asn1js.ObjectIdentifier | undefined;
  if (
    digest === undefined ||
    type?.valueBlock.toString() !== oid.timeStampInfo ||
    !stated ||
    !toBuffer(stated.getValue()).equals(hash(digest, bytes, 'buffer'))
  )
    throw new NotATimeStamp('does not belong to its signature');
  const authority = authorities.find((one) => isFor(signer, one));
  if (!authority) throw new NotATimeStamp('is of an authority that is not approved');
  // Signed as a SET, whatever tag they carry inside the token (RFC 5652, 5.4).
  const signedBytes = toBuffer(signer.signedAttrs.encodedValue);
  signedBytes[0] = 0x31;
  const key = new X509Certificate(authority).publicKey;
  if (!verify(digest, signedBytes, key, toBuffer(signer.signature.valueBlock.valueHexView)))
    throw new NotATimeStamp('is not signed by its authority');
  const info = pkijs.TSTInfo.fromBER(toArrayBuffer(bytes));
  const imprint = digestNames[info.messageImprint.hashAlgorithm.algorithmId];
  if (
    imprint === undefined ||
    !toBuffer(info.messageImprint.hashedMessage.getValue()).equals(hash(imprint, data, 'buffer'))
  )
    throw new NotATimeStamp('is over other data');
  if (nonce && !(info.nonce && toBuffer(info.nonce.valueBlock.valueHexView).equals(nonce)))
    throw new NotATimeStamp('is not the answer to this request');
  return { at: info.genTime, authority };
}

/** The token in an authority's answer. Throws when it refused. */
export function tokenIn(answer: Buffer): Buffer {
  const { status, timeStampToken } = pkijs.TimeStampResp.fromBER(toArrayBuffer(answer));
  if (status.status > 1 || !timeStampToken) throw new NotATimeStamp('was refused');
  return toBuffer(timeStampToken.toSchema().toBER());
}
