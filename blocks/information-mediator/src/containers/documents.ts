import {
  namespaces,
  type Signed,
  signatureValue,
  signedInfo,
  signedProperties,
  treeNamespace,
} from '../evidence/signed-info.ts';

/** Entries of a container (ASiC-E, ETSI EN 319 162-1) for one message. */
export const entry = {
  mimetype: 'mimetype',
  /** Start line and headers as they were signed. */
  head: 'message.txt',
  body: 'body.bin',
  signatures: 'META-INF/signatures.xml',
  chain: 'META-INF/sig-hashchain.xml',
  stampedChain: 'META-INF/ts-hashchain.xml',
} as const;

export const containerType = 'application/vnd.etsi.asic-e+zip';

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const base64 = (bytes: Buffer): string => bytes.toString('base64');

/** What a member signed of a message, and what was known then of the key: all that `signatures.xml` holds. */
export interface SignatureDocument extends Omit<Signed, 'certificateDigest'> {
  readonly value: Buffer;
  /** DER, like all that follow. */
  readonly certificate: Buffer;
  readonly issuer: Buffer;
  readonly ocspAnswer: Buffer;
}

/** The XAdES signature (ETSI EN 319 132-1) with the values to check it by. */
export const signaturesXml = (document: SignatureDocument & Signed): string =>
  `${declaration}<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"><ds:Signature ${namespaces.ds} Id="signature">${signedInfo(document)}${signatureValue(document.value)}<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${base64(document.certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo><ds:Object><xades:QualifyingProperties ${namespaces.xades} Target="#signature">${signedProperties(document)}<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:CertificateValues><xades:EncapsulatedX509Certificate>${base64(document.issuer)}</xades:EncapsulatedX509Certificate></xades:CertificateValues><xades:RevocationValues><xades:OCSPValues><xades:EncapsulatedOCSPValue>${base64(document.ocspAnswer)}</xades:EncapsulatedOCSPValue></xades:OCSPValues></xades:RevocationValues></xades:UnsignedSignatureProperties></xades:UnsignedProperties></xades:QualifyingProperties></ds:Object></ds:Signature></asic:XAdESSignatures>\n`;

/** SHA-512 of the parts of a message, and the steps from what they make to the root that was signed. */
export interface ChainDocument {
  readonly head: Buffer;
  readonly body: Buffer | undefined;
  readonly chain: Buffer;
}

const part = (name: string, digest: Buffer): string => `<Part name="${name}">${base64(digest)}</Part>`;

export const chainXml = ({ head, body, chain }: ChainDocument): string =>
  `${declaration}<HashChain xmlns="${treeNamespace}"><Leaf>${part(entry.head, head)}${body ? part(entry.body, body) : ''}</Leaf><Steps>${base64(chain)}</Steps></HashChain>\n`;

/** The steps from a signature value, as it stands in `signatures.xml`, to the root that was time-stamped. */
export const stampedChainXml = (chain: Buffer): string =>
  `${declaration}<HashChain xmlns="${treeNamespace}"><Leaf><Part name="${entry.signatures}#signature-value"></Part></Leaf><Steps>${base64(chain)}</Steps></HashChain>\n`;

/** The text of the only element of a name; undefined when there is none or another. */
export function textOf(xml: string, element: string): string | undefined {
  const found = [...xml.matchAll(new RegExp(`<${element}(?: [^>]*)?>([^<]*)</${element}>`, 'g'))];
  return found.length === 1 ? found[0]?.[1] : undefined;
}

/** Bytes in an element of base64, which has to be written the one way. */
export function bytesIn(xml: string, element: string): Buffer | undefined {
  const text = textOf(xml, element);
  const bytes = text === undefined ? undefined : Buffer.from(text, 'base64');
  return bytes && base64(bytes) === text ? bytes : undefined;
}

/** What stands in a part of a chain document. */
export function partIn(xml: string, name: string): Buffer | undefined {
  const text = xml.match(new RegExp(`<Part name="${name.replaceAll('.', '\\.')}">([^<]*)</Part>`))?.[1];
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}
