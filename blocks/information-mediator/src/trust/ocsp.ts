import { type KeyObject, randomBytes } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { type ReadCertificate, toCryptoKey } from './x509.ts';

/** What an OCSP responder says of a certificate (RFC 6960). */
export type OcspStatus = 'good' | 'revoked' | 'unknown';

const oid = {
  basicResponse: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
} as const;

const toBuffer = (bytes: ArrayBuffer): Buffer => Buffer.from(new Uint8Array(bytes));
const toArrayBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

/** A request for the status of one certificate with a fresh nonce, DER. */
export async function makeOcspRequest(
  subject: ReadCertificate,
  issuer: ReadCertificate,
): Promise<{ readonly der: Buffer; readonly nonce: Buffer }> {
  const request = new pkijs.OCSPRequest();
  await request.createForCertificate(subject.certificate, {
    hashAlgorithm: 'SHA-1',
    issuerCertificate: issuer.certificate,
  });
  const nonce = randomBytes(16);
  request.tbsRequest.requestExtensions = [
    new pkijs.Extension({
      extnID: oid.nonce,
      extnValue: new asn1js.OctetString({ valueHex: toArrayBuffer(nonce) }).toBER(),
    }),
  ];
  return { der: toBuffer(request.toSchema(true).toBER()), nonce };
}

/** Answers a request for certificates of one authority, signed with its key. Undefined: not a request. */
export async function answerOcsp(
  der: Buffer,
  authority: { readonly certificate: ReadCertificate; readonly key: KeyObject },
  statusOf: (serial: string) => Promise<{ readonly status: OcspStatus; readonly since?: Date }>,
  now: Date,
  lifetimeMs: number,
): Promise<Buffer | undefined> {
  let request: pkijs.OCSPRequest;
  try {
    request = pkijs.OCSPRequest.fromBER(toArrayBuffer(der));
  } catch {
    return undefined;
  }
  const asked = request.tbsRequest.requestList.slice(0, 10);
  const basic = new pkijs.BasicOCSPResponse();
  basic.tbsResponseData.responderID = authority.certificate.certificate.subject;
  const moment = new Date(Math.floor(now.getTime() / 1000) * 1000);
  basic.tbsResponseData.producedAt = moment;
  for (const { reqCert } of asked) {
    const own = new pkijs.CertID();
    await own.createForCertificate(authority.certificate.certificate, {
      hashAlgorithm: 'SHA-1',
      issuerCertificate: authority.certificate.certificate,
    });
    const ours = own.issuerKeyHash.isEqual(reqCert.issuerKeyHash);
    const { status, since } = ours
      ? await statusOf(toBuffer(reqCert.serialNumber.valueBlock.valueHexView.slice().buffer).toString('hex'))
      : { status: 'unknown' as const, since: undefined };
    const single = new pkijs.SingleResponse({ certID: reqCert });
    single.certStatus =
      status === 'revoked'
        ? new asn1js.Constructed({
            idBlock: { tagClass: 3, tagNumber: 1 },
            value: [new asn1js.GeneralizedTime({ valueDate: since ?? now })],
          })
        : new asn1js.Primitive({
            idBlock: { tagClass: 3, tagNumber: status === 'good' ? 0 : 2 },
            lenBlock: { length: 1 },
          } as never);
    single.thisUpdate = moment;
    single.nextUpdate = new Date(moment.getTime() + lifetimeMs);
    basic.tbsResponseData.responses.push(single);
  }
  const nonce = request.tbsRequest.requestExtensions?.find(({ extnID }) => extnID === oid.nonce);
  if (nonce) basic.tbsResponseData.responseExtensions = [nonce];
  await basic.sign(toCryptoKey(authority.key) as never, 'SHA-256');
  basic.certs = [authority.certificate.certificate];
  const response = new pkijs.OCSPResponse({
    responseStatus: new asn1js.Enumerated({ value: 0 }),
    responseBytes: new pkijs.ResponseBytes({
      responseType: oid.basicResponse,
      response: new asn1js.OctetString({ valueHex: basic.toSchema().toBER() }),
    }),
  });
  return toBuffer(response.toSchema().toBER());
}

export interface OcspAnswer {
  readonly status: OcspStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly der: Buffer;
}

/**
 * Reads an answer about one certificate. Throws unless the authority that issued it has signed the answer, and, when
 * one is given, it carries the nonce.
 */
export async function readOcspAnswer(
  der: Buffer,
  subject: ReadCertificate,
  issuer: ReadCertificate,
  nonce: Buffer | undefined,
): Promise<OcspAnswer> {
  const response = pkijs.OCSPResponse.fromBER(toArrayBuffer(der));
  if (response.responseStatus.valueBlock.valueDec !== 0 || !response.responseBytes)
    throw new Error('the responder refused');
  const basic = pkijs.BasicOCSPResponse.fromBER(
    response.responseBytes.response.valueBlock.valueHexView.slice().buffer,
  );
  const signedByIssuer = await pkijs
    .getCrypto(true)
    .verifyWithPublicKey(
      toArrayBuffer(new Uint8Array(basic.tbsResponseData.tbsView)),
      basic.signature,
      issuer.certificate.subjectPublicKeyInfo,
      basic.signatureAlgorithm,
      'SHA-256',
    );
  if (!signedByIssuer) throw new Error('the answer is not signed by the authority');
  if (nonce) {
    const echoed = basic.tbsResponseData.responseExtensions?.find(({ extnID }) => extnID === oid.nonce);
    if (
      !echoed ||
      !toBuffer(echoed.extnValue.valueBlock.valueHexView.slice().buffer).subarray(-16).equals(nonce)
    )
      throw new Error('the answer is not to this question');
  }
  const serial = toBuffer(subject.certificate.serialNumber.valueBlock.valueHexView.slice().buffer);
  const single = basic.tbsResponseData.responses.find(({ certID }) =>
    toBuffer(certID.serialNumber.valueBlock.valueHexView.slice().buffer).equals(serial),
  );
  if (!single) throw new Error('the answer is about another certificate');
  const tag = (single.certStatus as asn1js.BaseBlock).idBlock.tagNumber;
  return {
    status: tag === 0 ? 'good' : tag === 1 ? 'revoked' : 'unknown',
    thisUpdate: single.thisUpdate,
    nextUpdate: single.nextUpdate,
    der,
  };
}
