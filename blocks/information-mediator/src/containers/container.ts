import { hash, type KeyObject } from 'node:crypto';
import { notFound } from '@govstack/platform';
import type { Kysely } from 'kysely';
import { openContents, readParts } from '../evidence/contents.ts';
import { type Scope, signatureOf, within } from '../evidence/exchanges.ts';
import { buildHashTree, type HashTree, rootOf } from '../evidence/hash-tree.ts';
import { messageHash } from '../evidence/message.ts';
import { type Reading, recordReading } from '../evidence/read-contents.ts';
import { treeResult, treeResultName } from '../evidence/signed-info.ts';
import type { MediatorTables, MessageLogTable } from '../tables.ts';
import { manifestName, stampedManifest, stampedTreeName, tokenName } from '../time-stamps/manifest.ts';
import { leafOf, recordsBetween, type Stamping } from '../time-stamps/stamping.ts';
import type { Trust } from '../trust/trust.ts';
import { chainXml, containerType, entry, signaturesXml, stampedChainXml } from './documents.ts';
import { writeZip } from './zip.ts';

export interface ContainerSources {
  readonly db: Kysely<MediatorTables>;
  readonly trust: Pick<Trust, 'certificateOf' | 'issuerOf' | 'ocspAnswerAt'>;
  readonly stamping: Pick<Stamping, 'stamp'>;
  /** Opens kept messages. */
  readonly key: KeyObject;
}

/** Why there is no container for a message that is on record. */
export class NoContainer extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'NoContainer';
  }
}

async function messageOf(
  { db, key }: ContainerSources,
  row: MessageLogTable,
  sealed: Buffer,
): Promise<{ readonly head: Buffer; readonly body: Buffer }> {
  const { head, body } = openContents(key, sealed, row.exchange_id, row.kind);
  if (body.length > 0 || row.body_size === 0) return { head: Buffer.from(head), body };
  const parts: Buffer[] = [];
  for await (const part of readParts(db, key, row.exchange_id, row.kind)) parts.push(part as Buffer);
  return { head: Buffer.from(head), body: Buffer.concat(parts) };
}

/** The signature of a record with all by which it can be checked. */
async function signatureDocument({ trust }: ContainerSources, row: MessageLogTable) {
  const signature = signatureOf(row);
  if (!signature) throw new NoContainer('The message is not signed: its sender was not known');
  const { keyId, signedAt, value, hashChain } = signature;
  const certificate = signedAt && (await trust.certificateOf(keyId));
  if (!signedAt || !certificate) throw new NoContainer('The message is signed by a key without certificate');
  const issuer = await trust.issuerOf(certificate);
  const ocspAnswer = await trust.ocspAnswerAt(keyId, new Date(row.at));
  if (!issuer || !ocspAnswer)
    throw new NoContainer('Nothing is on record of the certificate under the signature');
  const root = rootOf(messageHash({ head: row.head_digest, body: row.body_digest ?? undefined }), hashChain);
  if (!root) throw new NoContainer('The signature of the message is damaged');
  const certificateDigest = hash('sha256', certificate, 'buffer');
  return { root, signedAt, certificateDigest, value, certificate, issuer, ocspAnswer, hashChain };
}

/** The tree under the time stamp that was looked at last: those who want one record often want its neighbours. */
let held: { readonly root: Buffer; readonly tree: HashTree } | undefined;

async function treeOf(
  db: Kysely<MediatorTables>,
  { from_seq, to_seq, root }: { readonly from_seq: string; readonly to_seq: string; readonly root: Buffer },
): Promise<HashTree> {
  if (held?.root.equals(root)) return held.tree;
  const tree = buildHashTree((await recordsBetween(db, from_seq, to_seq)).map(leafOf));
  if (!tree.root.equals(root))
    throw new NoContainer('The records under the time stamp are not what they were');
  held = { root, tree };
  return tree;
}

const stampOver = (db: Kysely<MediatorTables>, seq: string) =>
  db
    .selectFrom('time_stamp')
    .select(['from_seq', 'to_seq', 'root', 'token'])
    .where('to_seq', '>=', seq)
    .orderBy('to_seq')
    .limit(1)
    .executeTakeFirst();

/** The time stamp over a record and where in it the record stands; fetched now if there is none. */
async function stampOf({ db, stamping }: ContainerSources, { seq }: MessageLogTable) {
  let stamp = await stampOver(db, seq);
  if (!stamp) {
    await stamping.stamp();
    stamp = await stampOver(db, seq);
  }
  if (!stamp) throw new NoContainer('There is no time-stamping authority');
  const tree = await treeOf(db, stamp);
  return {
    root: stamp.root,
    token: stamp.token,
    chain: tree.chainOf(Number(BigInt(seq) - BigInt(stamp.from_seq))),
  };
}

/**
 * One message of an exchange as a container that proves to anybody, offline, who said it and when (IM-6.6-c): ASiC-E
 * with an XAdES signature and a time stamp. A body that was too large to be kept is not in it; whoever has the body
 * gives it to the verifier. Throws 404 outside the scope or when nothing is kept, `NoContainer`, `NotStamped`.
 */
export async function containerOf(
  sources: ContainerSources,
  scope: Scope,
  reading: Reading,
): Promise<Buffer> {
  const row = await sources.db
    .selectFrom('message_log')
    .leftJoin('message_content', 'message_content.seq', 'message_log.seq')
    .selectAll('message_log')
    .select('message_content.contents')
    .where('exchange_id', '=', reading.exchangeId)
    .where('kind', '=', reading.kind)
    .where(within(scope))
    .executeTakeFirst();
  if (!row) throw notFound('This message');
  if (!row.contents) throw notFound('The contents of this message: they were not kept, or are erased, and');
  await recordReading(sources.db, reading);
  return containerOfRow(sources, row, row.contents);
}

/** The same of a record that has been read, with its sealed contents. */
export async function containerOfRow(
  sources: ContainerSources,
  row: MessageLogTable,
  sealed: Buffer,
): Promise<Buffer> {
  const { head, body } = await messageOf(sources, row, sealed);
  const { hashChain, ...signature } = await signatureDocument(sources, row);
  const stamp = await stampOf(sources, row);
  const text = (xml: string): Buffer => Buffer.from(xml);
  return writeZip(
    new Map([
      [entry.mimetype, text(containerType)],
      [entry.head, head],
      ...(body.length > 0 ? ([[entry.body, body]] as const) : []),
      [treeResultName, text(treeResult(signature.root))],
      [
        entry.chain,
        text(chainXml({ head: row.head_digest, body: row.body_digest ?? undefined, chain: hashChain })),
      ],
      [entry.signatures, text(signaturesXml(signature))],
      [stampedTreeName, text(treeResult(stamp.root))],
      [entry.stampedChain, text(stampedChainXml(stamp.chain))],
      [manifestName, stampedManifest(stamp.root)],
      [tokenName, stamp.token],
    ]),
  );
}
