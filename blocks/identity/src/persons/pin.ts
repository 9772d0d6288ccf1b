import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(argon2) as (
  algorithm: 'argon2id',
  parameters: {
    message: string;
    nonce: Buffer;
    parallelism: number;
    tagLength: number;
    memory: number;
    passes: number;
  },
) => Promise<Buffer>;

/** OWASP's smaller argon2id setting: 19 MiB, two passes. */
const cost = { parallelism: 1, tagLength: 32, memory: 19_456, passes: 2 };

/** A verifier that tells nothing of the PIN. */
export async function hashPin(pin: string): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await derive('argon2id', { message: pin, nonce, ...cost });
  return `argon2id$${nonce.toString('base64url')}$${tag.toString('base64url')}`;
}

export async function verifyPin(pin: string, verifier: string): Promise<boolean> {
  const [, nonce = '', expected = ''] = verifier.split('$');
  const tag = await derive('argon2id', { message: pin, nonce: Buffer.from(nonce, 'base64url'), ...cost });
  return timingSafeEqual(tag, Buffer.from(expected, 'base64url'));
}
