/** Minutes that a time zone is ahead of UTC at an instant. */
function aheadMinutes(timeZone: string, at: Date): number {
  const part = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(at)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const [, sign, hours = '0', minutes = '0'] = /GMT([+-])(\d{2}):(\d{2})/.exec(part ?? '') ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** The instant of a day and time in the country, `YYYY-MM-DDTHH:MM[:SS]`; undefined when it is none. */
export function instantOf(local: string, timeZone: string): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/.test(local)) return undefined;
  const asUtc = new Date(`${local}Z`);
  if (Number.isNaN(asUtc.getTime()) || !asUtc.toISOString().startsWith(local.slice(0, 10))) return undefined;
  const first = new Date(asUtc.getTime() - aheadMinutes(timeZone, asUtc) * 60_000);
  // Near a change of the clock the first guess can be on the wrong side of it.
  return new Date(asUtc.getTime() - aheadMinutes(timeZone, first) * 60_000).toISOString();
}

/** An instant as day and time in the country, for an input. */
export function localOf(instant: string, timeZone: string): string {
  const at = new Date(instant);
  return new Date(at.getTime() + aheadMinutes(timeZone, at) * 60_000).toISOString().slice(0, 19);
}
