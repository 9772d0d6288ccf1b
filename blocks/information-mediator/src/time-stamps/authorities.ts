import { httpPost } from '../trust/http-post.ts';

/** An authority whose time stamps are believed, and how it is asked. */
export interface StampingAuthority {
  readonly name: string;
  /** DER. */
  readonly certificate: Buffer;
  /** Sends a request (RFC 3161), answers its response. */
  readonly ask: (request: Buffer) => Promise<Buffer>;
}

const largestAnswer = 65_536;

/** An authority over HTTP (RFC 3161, 3.4). */
export const httpStampingAuthority = (name: string, certificate: Buffer, url: string): StampingAuthority => ({
  name,
  certificate,
  ask: (body) => httpPost(url, 'application/timestamp-query', body, largestAnswer),
});
