import { createHash, hash, verify } from 'node:crypto';
import { rootOf } from '../evidence/hash-tree.ts';
import { messageHash } from '../evidence/message.ts';
import { signatureValue, signedInfo, treeResult, treeResultName } from '../evidence/signed-info.ts';
import { manifestName, stampedManifest, stampedTreeName, tokenName } from '../time-stamps/manifest.ts';
import { readTimeStamp } from '../time-stamps/rfc3161.ts';
import { readOcspAnswer } from '../trust/ocsp.ts';
import { type ReadCertificate, readCertificate } from '../trust/x509.ts';
import {
  bytesIn,
  chainXml,
  containerType,
  entry,
  partIn,
  type SignatureDocument,
  signaturesXml,
  stampedChainXml,
  textOf,
} from './documents.ts';
import { readZip } from './zip.ts';

/** Whom a verifier believes; certificates as base64 DER. */
export interface VerificationConfiguration {
  /** Each is believed about members of its instance only. */
  readonly certificationAuthorities: readonly {
    readonly instance: string;
    readonly name: string;
    readonly certificate: string;
  }[];
  readonly timeStampingAuthorities: readonly { readonly name: string; readonly certificate: string }[];
  /** An OCSP answer older than this when the message was signed does not count, in seconds. */
  readonly ocspFreshness: number;
}

/** What a container proves. */
export interface VerifiedContainer {
  /** `INSTANCE/CLASS/MEMBER` */
  readonly signer: string;
  /** Name of the authority that issued the signer's certificate. */
  readonly certifiedBy: string;
  readonly signedAt: Date;
  /** When the authority said that the certificate was good. */
  readonly goodAt: Date;
  /** The message existed then, by whose word. */
  readonly stampedAt: Date;
  readonly stampedBy: string;
  readonly head: Buffer;
  /** Empty when there is none, or it was too large to be kept and has not been given. */
  readonly body: Buffer;
}

/** A container that proves nothing, and why. */
export class ContainerRefused extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'ContainerRefused';
  }
}

const largestContainer = 1_073_741_824;
const mostEntries = 16;
/** Clocks of signer and authorities may differ by this much, in milliseconds. */
const drift = 60_000;

const der = (base64: string): Buffer => Buffer.from(base64, 'base64');

function refuse(why: string): never {
  throw new ContainerRefused(why);
}

/** What is written in one way only is read by writing it again: nothing else can hide in it. */
function exactly(found: string, written: string, name: string): void {
  if (found !== written) refuse(`${name} is not written as it must be`);
}

function rootIn(xml: string, name: string): Buffer {
  const root = bytesIn(xml, 'Root') ?? refuse(`${name} states no root`);
  exactly(xml, treeResult(root), name);
  return root;
}

function signatureIn(xml: string, root: Buffer): SignatureDocument & { readonly certificateDigest: Buffer } {
  const part = (element: string): Buffer =>
    bytesIn(xml, element) ?? refuse(`${entry.signatures} has no ${element}`);
  const signedAt = new Date(textOf(xml, 'xades:SigningTime') ?? Number.NaN);
  if (Number.isNaN(signedAt.getTime())) refuse(`${entry.signatures} has no xades:SigningTime`);
  const certificate = part('ds:X509Certificate');
  const document = {
    root,
    signedAt,
    certificateDigest: hash('sha256', certificate, 'buffer'),
    value: part('ds:SignatureValue'),
    certificate,
    issuer: part('xades:EncapsulatedX509Certificate'),
    ocspAnswer: part('xades:EncapsulatedOCSPValue'),
  };
  exactly(xml, signaturesXml(document), entry.signatures);
  return document;
}

function certificateIn(bytes: Buffer, use: 'signing' | 'authority'): ReadCertificate {
  const read = readCertificate(bytes);
  if (!read?.uses.has(use)) return refuse(`the ${use} certificate is not one`);
  return read;
}

/** Head and body as the signature states them. */
function messageIn(file: (name: string) => Buffer, body: Buffer, root: Buffer): void {
  const xml = file(entry.chain).toString('utf8');
  const stated = {
    head: partIn(xml, entry.head) ?? refuse(`${entry.chain} states no head`),
    body: partIn(xml, entry.body),
    chain: bytesIn(xml, 'Steps') ?? refuse(`${entry.chain} has no steps`),
  };
  exactly(xml, chainXml(stated), entry.chain);
  const digest = (bytes: Buffer): Buffer => createHash('sha512').update(bytes).digest();
  if (!digest(file(entry.head)).equals(stated.head)) refuse('the head is not the one that was signed');
  if (stated.body && body.length === 0)
    refuse('the body is not in the container: give it to the verifier beside it');
  if (body.length > 0 && !stated.body) refuse('the message that was signed has no body');
  if (stated.body && !digest(body).equals(stated.body)) refuse('the body is not the one that was signed');
  if (!rootOf(messageHash(stated), stated.chain)?.equals(root))
    refuse('the message is not under the signature');
}

/**
 * Checks a container of `containerOf`, with nothing but whom to believe. `body`: of a message whose body was too large
 * to be kept. Throws `ContainerRefused` with the reason.
 */
export async function verifyContainer(
  container: Buffer,
  believed: VerificationConfiguration,
  body?: Buffer,
): Promise<VerifiedContainer> {
  const files = await readZip(container, { entries: mostEntries, bytes: largestContainer }).catch(
    (error: Error) => refuse(`this is not a container: ${error.message}`),
  );
  const taken = new Set<string>();
  const file = (name: string): Buffer => {
    taken.add(name);
    return files.get(name) ?? refuse(`${name} is missing`);
  };
  const text = (name: string): string => file(name).toString('utf8');
  exactly(text(entry.mimetype), containerType, entry.mimetype);

  const root = rootIn(text(treeResultName), treeResultName);
  const kept = files.has(entry.body) ? file(entry.body) : (body ?? Buffer.alloc(0));
  messageIn(file, kept, root);

  const signature = signatureIn(text(entry.signatures), root);
  const { signedAt, value } = signature;
  const signer = certificateIn(signature.certificate, 'signing');
  if (
    !verify(
      'sha256',
      Buffer.from(signedInfo(signature)),
      { key: signer.publicKey, dsaEncoding: 'ieee-p1363' },
      value,
    )
  )
    refuse('the signature does not hold');

  const stampedRoot = rootIn(text(stampedTreeName), stampedTreeName);
  const steps = bytesIn(text(entry.stampedChain), 'Steps') ?? refuse(`${entry.stampedChain} has no steps`);
  exactly(text(entry.stampedChain), stampedChainXml(steps), entry.stampedChain);
  exactly(text(manifestName), stampedManifest(stampedRoot).toString('utf8'), manifestName);
  if (!rootOf(Buffer.from(signatureValue(value)), steps)?.equals(stampedRoot))
    refuse('the signature is not under the time stamp');
  const authorities = believed.timeStampingAuthorities.map(({ certificate }) => der(certificate));
  const stamp = (() => {
    try {
      return readTimeStamp(file(tokenName), stampedManifest(stampedRoot), authorities);
    } catch (error) {
      return refuse((error as Error).message);
    }
  })();
  if (stamp.at.getTime() < signedAt.getTime() - drift) refuse('the message was stamped before it was signed');

  const authority = believed.certificationAuthorities.find(
    ({ instance, certificate }) =>
      der(certificate).equals(signature.issuer) && signer.owner.startsWith(`${instance}/`),
  );
  if (!authority) return refuse('the signer’s certificate is of an authority that is not believed');
  const issuer = certificateIn(signature.issuer, 'authority');
  if (!(await signer.certificate.verify(issuer.certificate).catch(() => false)))
    refuse('the signer’s certificate is not signed by its authority');
  if (signedAt < signer.notBefore || signedAt > signer.notAfter)
    refuse('the signer’s certificate was not valid when the message was signed');
  const ocsp = await readOcspAnswer(signature.ocspAnswer, signer, issuer, undefined).catch((error: Error) =>
    refuse(`the state of the signer’s certificate: ${error.message}`),
  );
  if (ocsp.status !== 'good') refuse(`the signer’s certificate was ${ocsp.status}`);
  if (
    ocsp.thisUpdate.getTime() < signedAt.getTime() - believed.ocspFreshness * 1000 - drift ||
    ocsp.thisUpdate.getTime() > stamp.at.getTime() + drift
  )
    refuse('the state of the signer’s certificate is of another time');
  const other = [...files.keys()].find((name) => !taken.has(name));
  if (other !== undefined) refuse(`${other} does not belong to a container`);
  return {
    signer: signer.owner,
    certifiedBy: authority.name,
    signedAt,
    goodAt: ocsp.thisUpdate,
    stampedAt: stamp.at,
    stampedBy:
      believed.timeStampingAuthorities.find(({ certificate }) => der(certificate).equals(stamp.authority))
        ?.name ?? '',
    head: file(entry.head),
    body: kept,
  };
}
