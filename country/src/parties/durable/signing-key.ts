import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';

export interface SigningKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly privateKey: CryptoKey;
}

/** The party's own ES256 key, made on first start in `signing-key.json` of its folder. Without a folder it is fleeting. */
export async function openSigningKey(folder: string | undefined): Promise<SigningKey> {
  const path = folder === undefined ? undefined : join(folder, 'signing-key.json');
  const stored =
    path !== undefined && existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as JWK) : undefined;
  const privateJwk =
    stored ?? (await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey));
  if (path !== undefined && stored === undefined) await store(path, privateJwk);
  const { d: _, ...publicPart } = privateJwk;
  const kid = await calculateJwkThumbprint(publicPart);
  return {
    kid,
    publicJwk: { ...publicPart, kid, alg: 'ES256', use: 'sig' },
    privateKey: (await importJWK(privateJwk, 'ES256')) as CryptoKey,
  };
}

async function store(path: string, jwk: JWK): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  const file = await open(`${path}.new`, 'w', 0o600);
  await file.writeFile(JSON.stringify(jwk));
  await file.sync();
  await file.close();
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
}
