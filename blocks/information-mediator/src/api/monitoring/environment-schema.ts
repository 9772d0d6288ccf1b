import { Type } from '@govstack/platform/operation';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);
const bytes = () => Type.Integer();

/** Parts of what is sampled. Null: this system does not say. */
const sampled = {
  os: Type.Object({
    platform: Type.String(),
    name: Type.String(),
    kernel: Type.String(),
    architecture: Type.String(),
    uptimeSeconds: Type.Integer(),
  }),
  versions: Type.Object({
    mediator: Type.String(),
    node: Type.String(),
    openssl: Type.String(),
    postgresql: Type.String(),
  }),
  cpu: Type.Object({
    processors: Type.Integer(),
    model: Type.String(),
    busyPercent: nullable(Type.Number({ description: 'Of all processors, since the sample before' })),
    mediatorPercent: Type.Number({ description: 'Of one processor' }),
    load: Type.Array(Type.Number(), { description: 'Over 1, 5 and 15 minutes' }),
  }),
  memory: Type.Object({
    totalBytes: bytes(),
    availableBytes: bytes(),
    mediatorBytes: bytes(),
    mediatorHeapBytes: bytes(),
  }),
  disks: Type.Array(Type.Object({ path: Type.String(), totalBytes: bytes(), freeBytes: bytes() })),
  database: Type.Object({ bytes: bytes() }),
  network: nullable(
    Type.Array(
      Type.Object({
        name: Type.String(),
        receivedBytes: Type.Integer({ description: 'Since the interface came up' }),
        sentBytes: bytes(),
      }),
    ),
  ),
  fileDescriptors: nullable(Type.Object({ open: Type.Integer(), limit: nullable(Type.Integer()) })),
  processCount: nullable(Type.Integer()),
  certificates: Type.Array(
    Type.Object({
      use: Type.String(),
      holder: Type.String(),
      subject: Type.String(),
      notAfter: Type.String({ format: 'date-time' }),
      daysLeft: Type.Integer(),
    }),
  ),
};

export type SampledPart = keyof typeof sampled;
export const sampledParts = Object.keys(sampled) as readonly SampledPart[];
/** What is looked at as a whole, now and then. */
export const snapshotParts = ['processes', 'packages'] as const;
export type SnapshotPart = (typeof snapshotParts)[number];
export type EnvironmentPart = SampledPart | SnapshotPart;

export const EnvironmentSample = Type.Object({
  node: Type.String(),
  at: Type.String({ format: 'date-time' }),
  ...(Type.Partial(Type.Object(sampled)).properties as {
    [K in SampledPart]: ReturnType<typeof Type.Optional<(typeof sampled)[K]>>;
  }),
});

export const EnvironmentSnapshot = Type.Object({
  node: Type.String(),
  at: Type.String({ format: 'date-time' }),
  processes: Type.Optional(
    Type.Array(
      Type.Object({
        pid: Type.Integer(),
        name: Type.String(),
        state: Type.String(),
        residentBytes: Type.Integer(),
        cpuSeconds: Type.Number(),
      }),
    ),
  ),
  packages: Type.Optional(Type.Array(Type.Object({ name: Type.String(), version: Type.String() }))),
});
