import { createHash, createPublicKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';

pkijs.setEngine('node', new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as never }));

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** What a certificate is for. */
export type CertificateUse = 'authority' | 'signing' | 'authentication' | 'time-stamping';

/** Who a certificate speaks for: a name for people and the identifier of a member or server. */
export interface Subject {
  readonly name: string;
  /** `INSTANCE/CLASS/MEMBER` or `INSTANCE/CLASS/MEMBER/SERVER`. */
  readonly id: string;
}

const oid = {
  commonName: '2.5.4.3',
  serialNumber: '2.5.4.5',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  timeStamping: '1.3.6.1.5.5.7.3.8',
} as const;

/** For the library, which works with Web Crypto's keys. */
export const toCryptoKey = (key: KeyObject): webcrypto.CryptoKey =>
  key.toCryptoKey(ecdsa, true, [key.type === 'private' ? 'sign' : 'verify']);

const attribute = (type: string, text: string): pkijs.AttributeTypeAndValue =>
  new pkijs.AttributeTypeAndValue({ type, value: new asn1js.Utf8String({ value: text }) });

const nameOf = ({ name, id }: Subject): pkijs.RelativeDistinguishedNames =>
  new pkijs.RelativeDistinguishedNames({
    typesAndValues: [
      attribute(oid.organization, name),
      attribute(oid.commonName, id.split('/').at(-1) ?? id),
      attribute(oid.serialNumber, id),
    ],
  });

const extension = (extnID: string, critical: boolean, value: { toBER(): ArrayBuffer }): pkijs.Extension =>
  new pkijs.Extension({ extnID, critical, extnValue: value.toBER() });

/** Bits of the key usage extension: digitalSignature 0, nonRepudiation 1, keyCertSign 5, cRLSign 6. */
const keyUsages: Readonly<Record<CertificateUse, number>> = {
  authority: 0b0000_0110,
  signing: 0b1100_0000,
  authentication: 0b1000_0000,
  'time-stamping': 0b1000_0000,
};

/** RFC 3161, 2.3 wants the one for time stamps alone and critical. */
const extendedKeyUsages: Readonly<Partial<Record<CertificateUse, readonly string[]>>> = {
  authentication: [oid.serverAuth, oid.clientAuth],
  'time-stamping': [oid.timeStamping],
};

/** SHA-1 over the bits of the key, as RFC 5280, 4.2.1.2 has it: a name, not a protection. */
const keyIdentifier = (publicKey: KeyObject): Buffer => {
  const info = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha1')
    .update(info.subarray(info.length - 65))
    .digest();
};

export interface NewCertificate {
  readonly use: CertificateUse;
  readonly subject: Subject;
  readonly publicKey: KeyObject;
  readonly issuer: Subject;
  readonly issuerKey: KeyObject;
  readonly issuerPublicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Makes a certificate (RFC 5280, version 3, ECDSA P-256 with SHA-256), DER. */
export async function makeCertificate(wanted: NewCertificate): Promise<Buffer> {
  const certificate = new pkijs.Certificate();
  certificate.version = 2;
  const serial = randomBytes(16);
  // Positive, and with no byte that DER would leave out.
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  certificate.serialNumber = new asn1js.Integer({ valueHex: new Uint8Array(serial).buffer });
  certificate.subject = nameOf(wanted.subject);
  certificate.issuer = nameOf(wanted.issuer);
  certificate.notBefore.value = wanted.notBefore;
  certificate.notAfter.value = wanted.notAfter;
  await certificate.subjectPublicKeyInfo.importKey(toCryptoKey(wanted.publicKey));
  const usage = new Uint8Array([keyUsages[wanted.use]]).buffer;
  const keyPurposes = extendedKeyUsages[wanted.use];
  certificate.extensions = [
    extension(
      oid.basicConstraints,
      true,
      new pkijs.BasicConstraints({ cA: wanted.use === 'authority' }).toSchema(),
    ),
    extension(oid.keyUsage, true, new asn1js.BitString({ valueHex: usage })),
    extension(
      oid.subjectKeyIdentifier,
      false,
      new asn1js.OctetString({ valueHex: new Uint8Array(keyIdentifier(wanted.publicKey)).buffer }),
    ),
    extension(
      oid.authorityKeyIdentifier,
      false,
      new pkijs.AuthorityKeyIdentifier({
        keyIdentifier: new asn1js.OctetString({
          valueHex: new Uint8Array(keyIdentifier(wanted.issuerPublicKey)).buffer,
        }),
      }).toSchema(),
    ),
    ...(keyPurposes
      ? [
          extension(
            oid.extendedKeyUsage,
            wanted.use === 'time-stamping',
            new pkijs.ExtKeyUsage({ keyPurposes: [...keyPurposes] }).toSchema(),
          ),
        ]
      : []),
  ];
  await certificate.sign(toCryptoKey(wanted.issuerKey), 'SHA-256');
  return Buffer.from(certificate.toSchema(true).toBER());
}

/** A certificate as it is used here. */
export interface ReadCertificate {
  readonly certificate: pkijs.Certificate;
  /** `INSTANCE/CLASS/MEMBER[/SERVER]`, from its subject; empty when it names none. */
  readonly owner: string;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly uses: ReadonlySet<CertificateUse>;
}

function usesOf(certificate: pkijs.Certificate): Set<CertificateUse> {
  const find = (id: string) => certificate.extensions?.find(({ extnID }) => extnID === id);
  const usage = find(oid.keyUsage)?.parsedValue as asn1js.BitString | undefined;
  const bits = usage ? (new Uint8Array(usage.valueBlock.valueHexView)[0] ?? 0) : 0;
  const extended = find(oid.extendedKeyUsage)?.parsedValue as pkijs.ExtKeyUsage | undefined;
  const constraints = find(oid.basicConstraints)?.parsedValue as pkijs.BasicConstraints | undefined;
  const uses = new Set<CertificateUse>();
  if (constraints?.cA === true && (bits & 0b0000_0100) !== 0) uses.add('authority');
  // The roles are strictly apart (x-road.md 5): who signs for a member cannot open connections, nor the other way.
  if ((bits & 0b0100_0000) !== 0 && !extended) uses.add('signing');
  if (extended?.keyPurposes.includes(oid.clientAuth) && extended.keyPurposes.includes(oid.serverAuth))
    uses.add('authentication');
  if (extended?.keyPurposes.length === 1 && extended.keyPurposes[0] === oid.timeStamping)
    uses.add('time-stamping');
  return uses;
}

const textOf = (names: pkijs.RelativeDistinguishedNames, type: string): string =>
  String(names.typesAndValues.find((one) => one.type === type)?.value.valueBlock.value ?? '');

/** Reads a certificate; undefined when it is none. */
export function readCertificate(der: Buffer): ReadCertificate | undefined {
  try {
    const certificate = pkijs.Certificate.fromBER(new Uint8Array(der).buffer);
    return {
      certificate,
      owner: textOf(certificate.subject, oid.serialNumber),
      publicKey: createPublicKey({
        key: Buffer.from(certificate.subjectPublicKeyInfo.toSchema().toBER()),
        format: 'der',
        type: 'spki',
      }),
      notBefore: certificate.notBefore.value,
      notAfter: certificate.notAfter.value,
      uses: usesOf(certificate),
    };
  } catch {
    return undefined;
  }
}

/** A signing request (PKCS #10) for a key, DER. */
export async function makeRequest(subject: Subject, privateKey: KeyObject): Promise<Buffer> {
  const request = new pkijs.CertificationRequest();
  request.version = 0;
  request.subject = nameOf(subject);
  request.attributes = [];
  await request.subjectPublicKeyInfo.importKey(toCryptoKey(createPublicKey(privateKey)));
  await request.sign(toCryptoKey(privateKey), 'SHA-256');
  return Buffer.from(request.toSchema().toBER());
}

/** Who asks for a certificate of which key; undefined when the request is not well-formed or not signed with the key. */
export async function readRequest(
  der: Buffer,
): Promise<{ readonly subject: Subject; readonly publicKey: KeyObject } | undefined> {
  try {
    const request = pkijs.CertificationRequest.fromBER(new Uint8Array(der).buffer);
    if (!(await request.verify())) return undefined;
    return {
      subject: {
        name: textOf(request.subject, oid.organization),
        id: textOf(request.subject, oid.serialNumber),
      },
      publicKey: createPublicKey({
        key: Buffer.from(request.subjectPublicKeyInfo.toSchema().toBER()),
        format: 'der',
        type: 'spki',
      }),
    };
  } catch {
    return undefined;
  }
}
