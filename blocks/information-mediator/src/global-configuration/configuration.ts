/** A security server as everybody in the instance knows it (x-road.md 7). */
export interface SecurityServer {
  /** `INSTANCE/CLASS/MEMBER/SERVERCODE`; the member owns the server. */
  readonly id: string;
  /** Where other servers reach it: `https://host:port`. */
  readonly address: string;
  /** SHA-256 of its registered authentication certificates (DER), lower-case hex. */
  readonly certificates: readonly string[];
  /** Applications registered on it. */
  readonly clients: readonly string[];
  /** Said to callers while the server is in maintenance mode. */
  readonly maintenance?: string;
}

export interface CertificationAuthority {
  readonly name: string;
  /** DER, base64. */
  readonly certificate: string;
  readonly ocspUrl: string;
}

export interface TimeStampingAuthority {
  readonly name: string;
  readonly url: string;
  /** DER, base64. */
  readonly certificate: string;
}

export interface GlobalGroup {
  readonly code: string;
  readonly description: string;
  /** Applications that belong to it. */
  readonly members: readonly string[];
}

/** What the centre of an instance signs and everybody obeys until it expires. Times are RFC 3339, UTC. */
export interface InstanceConfiguration {
  readonly instance: string;
  /** Rises with every change. */
  readonly version: number;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly memberClasses: readonly string[];
  readonly members: readonly { readonly id: string; readonly name: string }[];
  readonly applications: readonly { readonly id: string; readonly name: string }[];
  readonly servers: readonly SecurityServer[];
  readonly groups: readonly GlobalGroup[];
  readonly certificationAuthorities: readonly CertificationAuthority[];
  readonly timeStampingAuthorities: readonly TimeStampingAuthority[];
  /** An OCSP answer older than this is not believed, in seconds. */
  readonly ocspFreshness: number;
  /** A time stamp is fetched this often, in seconds. */
  readonly timeStampingInterval: number;
}

/** The configuration as this server holds it. */
export interface GlobalConfiguration {
  /** Id of this security server; undefined while it is not registered anywhere (it then serves its own applications only). */
  readonly server: string | undefined;
  /** What is in force for an instance, the own one or a federated one that this server allows; undefined: unknown or expired. */
  of(instance: string): InstanceConfiguration | undefined;
  /** Whether the own instance's configuration was known and has expired: every exchange is then refused (OutdatedGlobalConf). */
  outdated(): boolean;
  /** Servers on which an application is registered, in any instance in force. */
  serversOf(application: string): readonly SecurityServer[];
  /** The server to which an authentication certificate (SHA-256, hex) is registered. */
  serverWith(certificate: string): SecurityServer | undefined;
  /** Fetches now what is due; resolves when it is in force. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}
