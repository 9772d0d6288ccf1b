import { hash } from 'node:crypto';

/**
 * What a member's key signs: the canonical `SignedInfo` of an XAdES baseline signature (ETSI EN 319 132-1) over the
 * document that states the root of a hash tree. All of it follows from these, so nothing else has to be kept.
 */
export interface Signed {
  readonly root: Buffer;
  readonly signedAt: Date;
  /** SHA-256 of the signer's certificate (DER). */
  readonly certificateDigest: Buffer;
}

/** Names inside a container; X-Road's. */
export const treeResultName = 'META-INF/sig-hashchainresult.xml';

export const algorithm = {
  exclusive: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  ecdsa: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
  sha256: 'http://www.w3.org/2001/04/xmlenc#sha256',
  sha512: 'http://www.w3.org/2001/04/xmlenc#sha512',
} as const;

const ds = 'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"';
const xades = 'xmlns:xades="http://uri.etsi.org/01903/v1.3.2#"';
export const namespaces = { ds, xades } as const;
export const treeNamespace = 'urn:govstack:information-mediator:hash-tree:1';

const sha256 = (text: string): string => hash('sha256', text, 'base64');

/** States the root of a hash tree and how its leaves and nodes are made. */
export const treeResult = (root: Buffer): string =>
  `<HashTreeResult xmlns="${treeNamespace}"><Leaf prefix="00"><DigestMethod Algorithm="${algorithm.sha256}"></DigestMethod></Leaf><Node prefix="01"><DigestMethod Algorithm="${algorithm.sha256}"></DigestMethod></Node><Root>${root.toString('base64')}</Root></HashTreeResult>`;

// Both are written in their canonical form (exclusive C14N): namespaces where they are first used, attributes in
// order, no empty-element tags. They must stand in a document exactly so.
export const signedProperties = ({ signedAt, certificateDigest }: Omit<Signed, 'root'>): string =>
  `<xades:SignedProperties ${xades} Id="signed-properties"><xades:SignedSignatureProperties><xades:SigningTime>${signedAt.toISOString()}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod ${ds} Algorithm="${algorithm.sha256}"></ds:DigestMethod><ds:DigestValue ${ds}>${certificateDigest.toString('base64')}</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties><xades:SignedDataObjectProperties><xades:DataObjectFormat ObjectReference="#tree"><xades:MimeType>text/xml</xades:MimeType></xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>`;

export const signedInfo = (signed: Signed): string =>
  `<ds:SignedInfo ${ds}><ds:CanonicalizationMethod Algorithm="${algorithm.exclusive}"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="${algorithm.ecdsa}"></ds:SignatureMethod><ds:Reference Id="tree" URI="${treeResultName}"><ds:DigestMethod Algorithm="${algorithm.sha256}"></ds:DigestMethod><ds:DigestValue>${sha256(treeResult(signed.root))}</ds:DigestValue></ds:Reference><ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#signed-properties"><ds:Transforms><ds:Transform Algorithm="${algorithm.exclusive}"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="${algorithm.sha256}"></ds:DigestMethod><ds:DigestValue>${sha256(signedProperties(signed))}</ds:DigestValue></ds:Reference></ds:SignedInfo>`;

/** The signature value as it stands in the document, canonical: what is time-stamped of a signature (XAdES-T). */
export const signatureValue = (value: Buffer): string =>
  `<ds:SignatureValue ${ds} Id="signature-value">${value.toString('base64')}</ds:SignatureValue>`;
