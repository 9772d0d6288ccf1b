type Json = Readonly<Record<string, unknown>>;

const position = {
  type: 'array',
  minItems: 2,
  maxItems: 3,
  prefixItems: [
    { type: 'number', minimum: -180, maximum: 180 },
    { type: 'number', minimum: -90, maximum: 90 },
    { type: 'number' },
  ],
};
const listOf = (items: Json, minItems: number): Json => ({
  type: 'array',
  items,
  minItems,
  maxItems: 10_000,
});
const line = listOf(position, 2);
/** A ring ends where it begins: four positions at least. */
const polygon = listOf(listOf(position, 4), 1);

const coordinates = {
  Point: position,
  MultiPoint: listOf(position, 1),
  LineString: line,
  MultiLineString: listOf(line, 1),
  Polygon: polygon,
  MultiPolygon: listOf(polygon, 1),
} as const;

const shaped = (type: string, schema: Json): Json => ({
  type: 'object',
  required: ['type', 'coordinates'],
  properties: { type: { const: type }, coordinates: schema },
  additionalProperties: false,
});

/** GeoJSON geometries (RFC 7946) as JSON schema: longitude, latitude, in WGS 84 degrees. */
export const geometries: Readonly<Record<'GeoPoint' | 'GeoShape', Record<string, unknown>>> = {
  GeoPoint: { ...shaped('Point', { ...position, maxItems: 2 }) },
  GeoShape: {
    type: 'object',
    required: ['type', 'coordinates'],
    properties: { type: { enum: Object.keys(coordinates) } },
    allOf: Object.entries(coordinates).map(([type, schema]) => ({
      if: { required: ['type'], properties: { type: { const: type } } },
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON schema
      then: shaped(type, schema),
    })),
  },
};

/** The kind of geometry a property asks for. */
export const geometryOf = ({ type }: Json): 'GeoPoint' | 'GeoShape' | undefined =>
  type === 'GeoPoint' || type === 'GeoShape' ? type : undefined;

/** What JSON schema cannot say: that rings are closed. The value is valid otherwise. */
export function openRings(value: unknown): string | undefined {
  const { type, coordinates: found } = value as { type: string; coordinates: unknown };
  const rings =
    type === 'Polygon'
      ? (found as number[][][])
      : type === 'MultiPolygon'
        ? (found as number[][][][]).flat()
        : [];
  const open = rings.some((ring) => JSON.stringify(ring[0]) !== JSON.stringify(ring.at(-1)));
  return open ? 'has a ring that does not end where it begins' : undefined;
}
