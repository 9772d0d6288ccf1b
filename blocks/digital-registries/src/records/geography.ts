import { badRequest } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';
import type { Field } from '../schema/field.ts';
import { latitudeOf, longitudeOf } from '../schema/table.ts';

/** Points in a box [west, south, east, north]; a box that begins east of its end goes across the date line. */
export function withinBox(field: Field, box: unknown): RawBuilder<unknown> {
  if (field.geometry !== 'GeoPoint') throw badRequest(`${field.name} is not a GeoPoint`);
  if (!Array.isArray(box) || box.length !== 4 || !box.every((one) => Number.isFinite(one)))
    throw badRequest(`${field.name} must be within [west, south, east, north], in degrees`);
  const [west, south, east, north] = box as [number, number, number, number];
  const longitude = longitudeOf(field);
  const across =
    west <= east
      ? sql`${longitude} between ${west}::float8 and ${east}::float8`
      : sql`(${longitude} >= ${west}::float8 or ${longitude} <= ${east}::float8)`;
  return sql`(${latitudeOf(field)} between ${south}::float8 and ${north}::float8 and ${across})`;
}
