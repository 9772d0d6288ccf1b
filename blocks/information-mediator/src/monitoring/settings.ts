import { type Static, Type } from '@govstack/platform/operation';
import { collectorFormats, collectorShips } from '../api/monitoring/collector-operations.ts';
import { type EnvironmentPart, sampledParts, snapshotParts } from '../api/monitoring/environment-schema.ts';

/** Settings of monitoring, a part of the block's. */
export const monitoringSettings = Type.Object(
  {
    /** Central monitoring clients: applications that see the data of everybody (IM-6.7-d). */
    clients: Type.Array(Type.String(), { default: [] }),
    /**
     * What an operational record keeps of `X-Road-UserId`: a keyed hash, by which the exchanges of one user can be told
     * from others' and nobody be found; the text, as X-Road does; nothing.
     */
    userIds: Type.Union([Type.Literal('hash'), Type.Literal('keep'), Type.Literal('drop')], {
      default: 'hash',
    }),
    /** Records that may wait to be written; the oldest is lost when more come. */
    bufferRecords: Type.Integer({ default: 20_000, minimum: 1, maximum: 1_000_000 }),
    /** Days that operational records are kept. */
    operationalDataDays: Type.Integer({ default: 7, minimum: 1, maximum: 366 }),
    /** The newest seconds of operational records are withheld, so that who collects them misses none. */
    withheldSeconds: Type.Integer({ default: 60, minimum: 0, maximum: 3600 }),
    /** Days that the sums of each hour are kept. */
    statisticsDays: Type.Integer({ default: 400, minimum: 1 }),
    /** Seconds that health data look back. */
    healthWindowSeconds: Type.Integer({ default: 600, minimum: 60, maximum: 86_400 }),
    /** Seconds between two looks at the machine. */
    sampleSeconds: Type.Integer({ default: 60, minimum: 1, maximum: 3600 }),
    /** Days that environmental data are kept. */
    environmentDays: Type.Integer({ default: 30, minimum: 1 }),
    /** Parts of the environmental data that others than the owner may read (IM-6.7-g). */
    environmentVisible: Type.Array(
      Type.Unsafe<EnvironmentPart>({ type: 'string', enum: [...sampledParts, ...snapshotParts] }),
      { default: [...sampledParts] },
    ),
    /** Warnings and errors of the mediator that can be read over the API: lines and days kept at most. */
    systemLogLines: Type.Integer({ default: 100_000, minimum: 0 }),
    systemLogDays: Type.Integer({ default: 30, minimum: 1 }),
    /** External service to which what is observed is shipped, until another is set over the API; left out: none. */
    collector: Type.Optional(
      Type.Object(
        {
          url: Type.String({ minLength: 1, maxLength: 2000 }),
          format: Type.Unsafe<(typeof collectorFormats)[number]>({
            type: 'string',
            enum: [...collectorFormats],
          }),
          ships: Type.Array(
            Type.Unsafe<(typeof collectorShips)[number]>({ type: 'string', enum: [...collectorShips] }),
            { minItems: 1, uniqueItems: true },
          ),
          /** Value of the header `Authorization`. */
          authorization: Type.Optional(Type.String({ minLength: 1, maxLength: 4000 })),
        },
        { additionalProperties: false },
      ),
    ),
    /** Seconds between two shipments of indicators. */
    indicatorSeconds: Type.Integer({ default: 60, minimum: 1, maximum: 3600 }),
  },
  { additionalProperties: false, default: {} },
);
export type MonitoringSettings = Static<typeof monitoringSettings>;
