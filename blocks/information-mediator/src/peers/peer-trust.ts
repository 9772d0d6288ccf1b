import { createHash } from 'node:crypto';
import type { GlobalConfiguration, SecurityServer } from '../global-configuration/configuration.ts';

/** Why a certificate is not believed. */
export type CertificateFault = 'revoked' | 'expired' | 'untrusted' | 'unknown';

/** What security servers must be able to say of certificates; see `src/trust/`. */
export interface Certificates {
  /** Undefined when the certificate of a server may be believed now. */
  authenticationFault(der: Buffer): Promise<CertificateFault | undefined>;
  /** Takes over a signing certificate of any member; its key can be looked up from then on. */
  acceptSigner(
    der: Buffer,
  ): Promise<{ readonly keyId: string; readonly owner: string } | { readonly fault: CertificateFault }>;
  /** The certificate of a key, DER; undefined as long as it has none. */
  certificateOf(keyId: string): Promise<Buffer | undefined>;
}

export const fingerprint = (der: Buffer): string => createHash('sha256').update(der).digest('hex');

/** A peer that did not prove to be the server it should be; nothing was sent to it. */
export class PeerNotAuthenticated extends Error {
  constructor(why: string) {
    super(`the other server could not be authenticated: ${why}`);
    this.name = 'PeerNotAuthenticated';
  }
}

export interface PeerTrust {
  /** The registered server behind a TLS certificate. Throws `PeerNotAuthenticated`. */
  identify(der: Buffer | undefined): Promise<SecurityServer>;
  /** Why a signature's certificate cannot be believed; undefined: it can, and it is the signer's. */
  signerFault(signature: {
    readonly signer: string;
    readonly keyId: string;
    readonly certificate: Buffer;
  }): Promise<CertificateFault | 'not the signer’s' | undefined>;
}

/** Registration and revocation are looked at for every exchange, also on connections that have long been open. */
export const createPeerTrust = (
  configuration: GlobalConfiguration,
  certificates: Certificates,
): PeerTrust => ({
  async identify(der) {
    if (!der || der.length === 0) throw new PeerNotAuthenticated('no certificate');
    const server = configuration.serverWith(fingerprint(der));
    if (!server) throw new PeerNotAuthenticated('its certificate is not registered');
    const fault = await certificates.authenticationFault(der);
    if (fault) throw new PeerNotAuthenticated(`its certificate is ${fault}`);
    return server;
  },
  async signerFault({ signer, keyId, certificate }) {
    const accepted = await certificates.acceptSigner(certificate);
    if ('fault' in accepted) return accepted.fault;
    return accepted.keyId === keyId && accepted.owner === signer ? undefined : 'not the signer’s';
  },
});
