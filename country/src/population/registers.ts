import { taxpayerNumber } from '../lumora/national-number.ts';
import { daysBefore } from './calendar.ts';
import type { CivilRecord, LandParcel, MaritalStatus, TaxRecord } from './household.ts';
import type { Livelihood } from './livelihood.ts';
import type { Family, LateSpouse, Member } from './members.ts';
import type { Random } from './random.ts';
import { householdSerial } from './serials.ts';

const decimal = (minor: number): string =>
  `${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, '0')}`;

const employers = [
  'Solenne Port Company',
  'Tessaly Mills',
  'Brenna Quarries',
  'Orrin Cooperative',
  'Amare Fisheries',
  'Lumora City Council',
  'Marvane Textiles',
  'Dahla Salt Works',
];

interface Place {
  readonly household: number;
  readonly district: string;
  readonly day: string;
}

const birthRegistration = (person: { birthDate: string; nationalNumber: string }, district: string): string =>
  `B-${person.birthDate.slice(0, 4)}-${district}-${person.nationalNumber.slice(0, 8)}`;

function civilRecord(
  person: Member | LateSpouse,
  district: string,
  maritalStatus: MaritalStatus,
  spouse: { readonly nationalNumber: string } | undefined,
  mother: { readonly nationalNumber: string } | undefined,
  deathDate: string | undefined,
): CivilRecord {
  return {
    nationalNumber: person.nationalNumber,
    birthRegistration: birthRegistration(person, district),
    givenName: person.givenName,
    familyName: person.familyName,
    sex: person.sex,
    birthDate: person.birthDate,
    birthDistrict: district,
    maritalStatus,
    ...(spouse ? { spouseNationalNumber: spouse.nationalNumber } : {}),
    ...(mother ? { motherNationalNumber: mother.nationalNumber } : {}),
    vitalStatus: deathDate === undefined ? 'alive' : 'deceased',
    ...(deathDate === undefined ? {} : { deathDate }),
  };
}

/** One record for each member and for a late spouse. A deceased head died within the last two years. */
export function civilRecords(
  random: Random,
  place: Place,
  family: Family,
  headDeceased: boolean,
): CivilRecord[] {
  const [head] = family.members;
  const spouse = family.members.find((member) => member.relationship === 'spouse');
  const mother = [head, spouse].find((parent) => parent?.sex === 'female');
  const headDeath = daysBefore(place.day, random.integer(60, 730));
  const lateDeath = daysBefore(place.day, random.integer(200, 3_000));
  const records = family.members.map((member) =>
    civilRecord(
      member,
      place.district,
      headDeceased && member === spouse ? 'widowed' : member.maritalStatus,
      member === head ? spouse : member === spouse ? head : undefined,
      member.relationship === 'child' ? mother : undefined,
      headDeceased && member === head ? headDeath : undefined,
    ),
  );
  if (family.lateSpouse) {
    records.push(civilRecord(family.lateSpouse, place.district, 'married', head, undefined, lateDeath));
  }
  return records;
}

/** The parcels that make up the land of the head: one, or two when there is more than a hectare. */
export function landParcels(
  random: Random,
  place: Place,
  owner: Member,
  tenths: number,
  urban: boolean,
): LandParcel[] {
  if (tenths === 0) return [];
  const first = tenths > 10 && random.chance(0.4) ? random.integer(3, tenths - 3) : tenths;
  const parts = first === tenths ? [tenths] : [first, tenths - first];
  return parts.map((part, at) => ({
    parcelNumber: `P-${place.district}-${String(place.household).padStart(8, '0')}-${at + 1}`,
    ownerNationalNumber: owner.nationalNumber,
    district: place.district,
    hectares: part / 10,
    use: urban ? 'building' : random.chance(0.75) ? 'crops' : 'pasture',
  }));
}

/** The head's tax record of the last year: all who are employed formally, some who work for themselves. */
export function taxRecords(
  random: Random,
  place: Place,
  head: Member,
  work: Livelihood,
  hidden: boolean,
): TaxRecord[] {
  const registered = random.chance(
    work.employment === 'formal' ? 1 : work.employment === 'self-employed' ? 0.35 : 0.02,
  );
  const employed = work.employment === 'formal' || (hidden && random.chance(0.7));
  const employer = random.pick(employers);
  if (!registered && !hidden) return [];
  return [
    {
      taxpayerNumber: taxpayerNumber(householdSerial(place.household, 'tax')),
      nationalNumber: head.nationalNumber,
      taxYear: Number(place.day.slice(0, 4)) - 1,
      declaredAnnualIncome: decimal(work.monthlyIncome * 12),
      ...(employed ? { employer } : {}),
    },
  ];
}
