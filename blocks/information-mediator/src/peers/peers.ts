import type { Signature } from '../evidence/signature.ts';
import type { Refusal } from '../exchange/errors.ts';
import type { HeaderList } from '../exchange/headers.ts';
import type { ExchangeFacts, ExchangeRequest, ExchangeResponse } from '../exchange/request.ts';
import type { SecurityServer } from '../global-configuration/configuration.ts';
import type { PeerTrust } from './peer-trust.ts';

/** A signature with what another server needs to check it. */
export interface CarriedSignature extends Signature {
  /** The signer's certificate, DER. */
  readonly certificate: Buffer;
}

/** A signed request on its way to the provider's security server. */
export interface Forwarded {
  readonly request: ExchangeRequest;
  readonly facts: ExchangeFacts;
  /** As they were signed. */
  readonly headers: HeaderList;
  readonly signature: Signature;
}

/** The provider's server's answer, not yet checked. */
export interface PeerAnswer {
  readonly server: string;
  readonly response: ExchangeResponse;
  readonly signature: CarriedSignature;
}

export interface PeerRefusal {
  readonly refusal: Refusal;
  readonly server: string | undefined;
}

/** The other security servers (x-road.md 6). */
export interface Peers {
  /** Where an application is served; undefined: here, or nowhere that is known. */
  route(application: string): readonly SecurityServer[] | undefined;
  /** Sends a request to one of the servers, once. */
  call(servers: readonly SecurityServer[], forwarded: Forwarded): Promise<PeerAnswer | PeerRefusal>;
  /** Why the certificate of a signature cannot be believed; undefined: it can. */
  signerFault: PeerTrust['signerFault'];
  close(): Promise<void>;
}
