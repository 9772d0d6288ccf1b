import { type Static, Type } from '@govstack/platform/operation';

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
  },
  { additionalProperties: false, default: {} },
);
export type MonitoringSettings = Static<typeof monitoringSettings>;
