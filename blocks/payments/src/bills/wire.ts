/**
 * The members of a message under their names without case and separators: the published files spell the same field in
 * several ways (`billId`, `billID`, `Bill ID`).
 */
export function folded(message: unknown): ReadonlyMap<string, unknown> {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return new Map();
  return new Map(Object.entries(message).map(([name, value]) => [foldedName(name), value]));
}

export const foldedName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

export const textIn = (members: ReadonlyMap<string, unknown>, name: string): string | undefined => {
  const value = members.get(name);
  return typeof value === 'string' && value !== ''
    ? value
    : typeof value === 'number'
      ? `${value}`
      : undefined;
};

/** A point in time as seconds since 1970. */
export const epoch = (instant: string): number => Math.floor(Date.parse(instant) / 1000);

/** Headers of the messages that go out, as the published files name them. */
export const outgoing = (row: {
  readonly correlation_id: string;
  readonly tenant_id: string | null;
}): { 'x-correlationid': string } & Record<string, string> => ({
  'x-correlationid': row.correlation_id,
  ...(row.tenant_id === null
    ? {}
    : { 'platform-tenantid': row.tenant_id, 'x-platform-tenantid': row.tenant_id }),
});
