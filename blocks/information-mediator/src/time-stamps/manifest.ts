import { hash } from 'node:crypto';
import { algorithm, namespaces, treeResult } from '../evidence/signed-info.ts';

/** Names inside a container; X-Road's for the tree. */
export const stampedTreeName = 'META-INF/ts-hashchainresult.xml';
export const tokenName = 'META-INF/timestamp.tst';
export const manifestName = 'META-INF/ASiCManifest.xml';

/**
 * What is time-stamped: an ASiC manifest (ETSI EN 319 162-1, annex A.4) that names the document with the root of a hash
 * tree over many records.
 */
export const stampedManifest = (root: Buffer): Buffer =>
  Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" ${namespaces.ds}><asic:SigReference URI="${tokenName}" MimeType="application/vnd.etsi.timestamp-token"></asic:SigReference><asic:DataObjectReference URI="${stampedTreeName}" MimeType="text/xml"><ds:DigestMethod Algorithm="${algorithm.sha256}"></ds:DigestMethod><ds:DigestValue>${hash('sha256', treeResult(root), 'base64')}</ds:DigestValue></asic:DataObjectReference></asic:ASiCManifest>\n`,
  );
