/** One thing observed, as it is shipped. */
export interface Observation {
  readonly kind: 'record' | 'log' | 'indicators';
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of a line of the log. */
  readonly level?: number;
  readonly message?: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface Shipper {
  readonly service: string;
  readonly node: string;
  readonly version: string;
}

type AnyValue =
  | { stringValue: string }
  | { intValue: string }
  | { doubleValue: number }
  | { boolValue: boolean };

function anyValue(value: unknown): AnyValue | undefined {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return undefined;
}

const attributes = (values: Readonly<Record<string, unknown>>) =>
  Object.entries(values).flatMap(([key, one]) => {
    const value = anyValue(one);
    return value ? [{ key, value }] : [];
  });

/** Numbers of OpenTelemetry's logs data model. */
const severity = (level: number): { severityNumber: number; severityText: string } =>
  level >= 60
    ? { severityNumber: 21, severityText: 'FATAL' }
    : level >= 50
      ? { severityNumber: 17, severityText: 'ERROR' }
      : level >= 40
        ? { severityNumber: 13, severityText: 'WARN' }
        : { severityNumber: 9, severityText: 'INFO' };

const nanoseconds = (at: number): string => `${at}000000`;
const scope = { name: 'govstack.information-mediator' };

const resource = ({ service, node, version }: Shipper) => ({
  attributes: attributes({ 'service.name': service, 'service.version': version, 'host.name': node }),
});

export interface Shipment {
  /** Appended to the URL of the collector. */
  readonly path: string;
  readonly document: object;
}

/** Numbers of nested objects, under the names of what they stand in. */
function* gauges(values: Readonly<Record<string, unknown>>, prefix: string): Generator<[string, number]> {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number') yield [`${prefix}.${name}`, value];
    else if (typeof value === 'object' && value !== null && !Array.isArray(value))
      yield* gauges(value as Record<string, unknown>, `${prefix}.${name}`);
  }
}

/** A batch as OTLP/HTTP wants it in JSON: exchanges and lines are log records, indicators gauges. */
function otlp(batch: readonly Observation[], shipper: Shipper): Shipment[] {
  const logs = batch.filter(({ kind }) => kind !== 'indicators');
  const indicators = batch.filter(({ kind }) => kind === 'indicators');
  const logRecords = logs.map(({ kind, at, level = 30, message, values }) => ({
    timeUnixNano: nanoseconds(at),
    ...severity(level),
    body: { stringValue: message ?? 'exchange' },
    attributes: [...attributes({ 'govstack.kind': kind }), ...attributes(values)],
  }));
  const metrics = new Map<string, object[]>();
  for (const { at, values } of indicators)
    for (const [name, asDouble] of gauges(values, 'govstack.mediator'))
      metrics.set(name, [...(metrics.get(name) ?? []), { timeUnixNano: nanoseconds(at), asDouble }]);
  return [
    ...(logs.length === 0
      ? []
      : [
          {
            path: '/v1/logs',
            document: { resourceLogs: [{ resource: resource(shipper), scopeLogs: [{ scope, logRecords }] }] },
          },
        ]),
    ...(indicators.length === 0
      ? []
      : [
          {
            path: '/v1/metrics',
            document: {
              resourceMetrics: [
                {
                  resource: resource(shipper),
                  scopeMetrics: [
                    {
                      scope,
                      metrics: [...metrics].map(([name, dataPoints]) => ({ name, gauge: { dataPoints } })),
                    },
                  ],
                },
              ],
            },
          },
        ]),
  ];
}

const webhook = (batch: readonly Observation[], shipper: Shipper): Shipment[] => [
  {
    path: '',
    document: {
      ...shipper,
      observations: batch.map(({ kind, at, level, message, values }) => ({
        kind,
        at: new Date(at).toISOString(),
        ...(level === undefined ? {} : { level }),
        ...(message === undefined ? {} : { message }),
        values,
      })),
    },
  },
];

export const shipments = (
  format: 'otlp' | 'webhook',
  batch: readonly Observation[],
  shipper: Shipper,
): Shipment[] => (format === 'otlp' ? otlp : webhook)(batch, shipper);
