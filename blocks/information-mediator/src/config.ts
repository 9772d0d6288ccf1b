import { type Static, Type } from '@govstack/platform/operation';
import { maskingSettings } from './evidence/masking.ts';
import { monitoringSettings } from './monitoring/settings.ts';

const Anchor = Type.Object(
  {
    instance: Type.String(),
    urls: Type.Array(Type.String({ pattern: '^https?://' }), { minItems: 1 }),
    keys: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1 }),
  },
  { additionalProperties: false },
);

/** Settings; each can be given as `GOVSTACK_INFORMATION_MEDIATOR_<SETTING>`, objects and lists as JSON. */
export const config = Type.Object({
  /** The first entries of an empty directory; what is registered later stays as it is. */
  bootstrap: Type.Object(
    {
      /** Code of this instance; the mediator's own when left out. */
      instance: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9'()+,\\-.=?_]{1,100}$" })),
      /** Application that governs the instance; the mediator's own when left out. */
      governance: Type.Optional(Type.String()),
      /** Its public P-256 JWK; left out: it lives in the mediator's process. */
      governanceKey: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    },
    { additionalProperties: false, default: {} },
  ),
  /** Applications that may read the whole message log, besides governance: the "behind the scenes" page, say. */
  logReaders: Type.Array(Type.String(), { default: [] }),
  /**
   * Open the configuration management API on the node's own listener under `/api/v1`, for people with an access token.
   * Through the mediator it can be reached in any case.
   */
  configurationApi: Type.Boolean({ default: false }),
  /**
   * Let administrators call services as applications of their own agency, from the console for instance. What they are
   * answered they see: where real data is behind the services, leave it off.
   */
  tryOut: Type.Boolean({ default: false }),
  /** Answer 401, 403, 404, 503, 504 instead of X-Road's 400 and 500; the error type is the same. */
  strictHttp: Type.Boolean({ default: true }),
  /** Names of error types: X-Road's up to 7.7 (`Server.ServerProxy.AccessDenied`), or since 7.8 (`server.serverproxy.access_denied`). */
  errorCodes: Type.Union([Type.Literal('camel-case'), Type.Literal('snake-case')], { default: 'camel-case' }),
  /** Base URLs under which clients in other processes know this mediator: their assertions must name one. */
  audiences: Type.Array(Type.String(), { default: [] }),
  /** A listener of its own for applications that prove themselves by TLS certificate; left out: none. */
  clientListener: Type.Optional(
    Type.Object(
      {
        host: Type.String({ default: '127.0.0.1' }),
        port: Type.Integer({ minimum: 1, maximum: 65_535 }),
        /** PEM files of the listener's certificate and key. */
        certificateFile: Type.String(),
        keyFile: Type.String(),
      },
      { additionalProperties: false },
    ),
  ),
  /** Base URL under which this mediator publishes its configuration and test authority; the first audience when left out. */
  publicUrl: Type.Optional(Type.String({ pattern: '^https?://[^/]+$' })),
  /** Makes this mediator a security server of the instance: its code, and where other servers reach it. */
  server: Type.Optional(
    Type.Object(
      {
        code: Type.String({ pattern: "^[A-Za-z0-9'()+,\\-.=?_]{1,100}$" }),
        host: Type.String({ default: '127.0.0.1' }),
        port: Type.Integer({ minimum: 1, maximum: 65_535 }),
        /** Milliseconds that another server has to answer. */
        timeoutMs: Type.Integer({ default: 120_000, minimum: 100 }),
      },
      { additionalProperties: false },
    ),
  ),
  /** Anchor of the instance's centre, when that is elsewhere; left out: this mediator is its own centre. */
  anchor: Type.Optional(Anchor),
  /** Anchors of partner instances with which this server exchanges. */
  partners: Type.Array(Anchor, { default: [] }),
  /** A certification authority for demonstrations, in this process. Off in production. */
  testTrustServices: Type.Boolean({ default: true }),
  /** Authorities approved by this centre: certificate as base64 DER, address of the OCSP responder. */
  certificationAuthorities: Type.Array(
    Type.Object({ name: Type.String(), certificate: Type.String(), ocspUrl: Type.String() }),
    { default: [] },
  ),
  /** Authorities whose time stamps this centre approves: certificate as base64 DER, address (RFC 3161 over HTTP). */
  timeStampingAuthorities: Type.Array(
    Type.Object({ name: Type.String(), certificate: Type.String(), url: Type.String() }),
    { default: [] },
  ),
  /** Time stamps over the message log; see `src/time-stamps/stamping.ts`. */
  timeStamps: Type.Object(
    {
      /** How often one is fetched, in seconds; the centre says it for servers that belong to it. */
      seconds: Type.Integer({ default: 60, minimum: 1 }),
      /** Records under one, at most. */
      records: Type.Integer({ default: 10_000, minimum: 1, maximum: 100_000 }),
      /** When records wait for longer, exchanges are refused, in seconds. */
      patienceSeconds: Type.Integer({ default: 14_400, minimum: 1 }),
      /** Services whose messages are stamped before they go on. */
      atOnce: Type.Array(Type.String(), { default: [] }),
    },
    { additionalProperties: false, default: {} },
  ),
  /** Archives of the message log; left out: none are written. */
  archive: Type.Optional(
    Type.Object(
      {
        /** Folder for the files. They hold messages as they were: put it where only auditors reach. */
        folder: Type.String({ minLength: 1 }),
        /** Largest file, in bytes. */
        largest: Type.Integer({ default: 33_554_432, minimum: 1024 }),
        /** Days after which archived records leave the log; left out: they stay. */
        eraseDays: Type.Optional(Type.Integer({ minimum: 1 })),
      },
      { additionalProperties: false },
    ),
  ),
  /** For how long a signed configuration is good, in seconds. */
  configurationLifetimeSeconds: Type.Integer({ default: 600, minimum: 1 }),
  /** How often a configuration is fetched, in seconds. */
  configurationRefreshSeconds: Type.Integer({ default: 60, minimum: 1 }),
  /** For how long an OCSP answer is believed, and after how long a newer one is asked for, in seconds. */
  ocspFreshnessSeconds: Type.Integer({ default: 3600, minimum: 1 }),
  ocspRefreshSeconds: Type.Integer({ default: 60, minimum: 0 }),
  /** Largest body carried, in bytes, either way. */
  bodyLimit: Type.Integer({ default: 1_073_741_824, minimum: 1024, maximum: 2_147_483_647 }),
  /** Keep messages, sealed, beside the log. Without: digests and signatures only. */
  keepContents: Type.Boolean({ default: true }),
  /** Larger bodies are kept as digest only, in bytes. */
  keepBodyLimit: Type.Integer({ default: 10_485_760, minimum: 0 }),
  /** Days after which kept messages and delivered events are erased; digests, signatures and the chain stay. */
  contentRetentionDays: Type.Integer({ default: 30, minimum: 1 }),
  /** Delivery of events: attempts, and how the wait between them grows (IM-5.2-c). */
  delivery: Type.Object(
    {
      attempts: Type.Integer({ default: 20, minimum: 1, maximum: 1000 }),
      delayMs: Type.Integer({ default: 1000, minimum: 1 }),
      multiplier: Type.Number({ default: 2, minimum: 1, maximum: 10 }),
      maxDelayMs: Type.Integer({ default: 3_600_000, minimum: 1 }),
      leaseMs: Type.Integer({ default: 60_000, minimum: 100 }),
    },
    { additionalProperties: false, default: {} },
  ),
  /** What nobody sees of kept messages; see `src/evidence/masking.ts`. */
  masking: maskingSettings,
  /** Operational, health and environmental data; see `src/monitoring/settings.ts`. */
  monitoring: monitoringSettings,
});
export type MediatorConfig = Static<typeof config>;
