import { request } from 'undici';

const patienceMs = 5_000;

/** One question to a trust service, as RFC 6960 and RFC 3161 put it over HTTP. Throws unless the answer is a 200. */
export async function httpPost(
  url: string,
  contentType: string,
  body: Buffer,
  largestAnswer: number,
): Promise<Buffer> {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
    signal: AbortSignal.timeout(patienceMs),
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += (chunk as Buffer).length;
    if (size > largestAnswer) throw new Error(`${url} answered too much`);
    chunks.push(chunk as Buffer);
  }
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  return Buffer.concat(chunks);
}
