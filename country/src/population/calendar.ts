import type { Random } from './random.ts';

const dayMs = 86_400_000;
const text = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** A birth date of someone who is this many completed years old on the day. */
export function birthDate(random: Random, age: number, day: string): string {
  const [year = '', rest = ''] = [day.slice(0, 4), day.slice(4)];
  // 29 February has no anniversary in most years; a population has no need for it.
  const anniversary = `${Number(year) - age}${rest === '-02-29' ? '-02-28' : rest}`;
  return daysBefore(anniversary, random.integer(0, 364));
}

/** The date this many days before a date (`YYYY-MM-DD`). */
export const daysBefore = (day: string, days: number): string => text(Date.parse(day) - days * dayMs);

/** Completed years of age on a day. */
export function ageOn(day: string, birth: string): number {
  const years = Number(day.slice(0, 4)) - Number(birth.slice(0, 4));
  return day.slice(5) < birth.slice(5) ? years - 1 : years;
}
