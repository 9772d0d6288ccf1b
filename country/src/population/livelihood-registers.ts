import type { DisabilityRecord, FarmerRecord, LandParcel, SurveyAnswers } from './household.ts';
import type { Family } from './members.ts';
import type { Random } from './random.ts';

interface Place {
  readonly household: number;
  readonly district: string;
  readonly village: string;
  readonly day: string;
}

const serial = (place: Place, prefix: string, at: number): string =>
  `${prefix}-${String(place.household).padStart(8, '0')}-${at}`;

/** The farm of a household whose head farms, or that has land under crops; none in other households. */
export function farmerRecords(
  random: Random,
  place: Place,
  { members: [head] }: Family,
  land: readonly LandParcel[],
  survey: Pick<SurveyAnswers, 'headEmployment' | 'livestockUnits'>,
): FarmerRecord[] {
  const mainCrop = random.weighted({ maize: 40, rice: 20, sorghum: 15, vegetables: 15, coffee: 10 });
  const irrigation = random.weighted({ none: 70, canal: 20, drip: 10 });
  const since = 2015 + random.integer(0, 9);
  const crops = land.filter(({ use }) => use === 'crops');
  if (survey.headEmployment !== 'farmer' && crops.length === 0) return [];
  return [
    {
      farmerNumber: serial(place, 'F', 1),
      nationalNumber: head.nationalNumber,
      givenName: head.givenName,
      familyName: head.familyName,
      sex: head.sex,
      birthDate: head.birthDate,
      district: place.district,
      village: place.village,
      farmSize: crops.reduce((sum, { hectares }) => sum + Math.round(hectares * 10), 0) / 10,
      mainCrop,
      irrigation,
      livestockUnits: survey.livestockUnits,
      registeredOn: `${since}-03-01`,
    },
  ];
}

/** One record for each member who lives with a disability. */
export function disabilityRecords(random: Random, place: Place, { members }: Family): DisabilityRecord[] {
  return members
    .filter(({ disabled }) => disabled)
    .map((member, at) => ({
      disabilityNumber: serial(place, 'D', at + 1),
      nationalNumber: member.nationalNumber,
      givenName: member.givenName,
      familyName: member.familyName,
      sex: member.sex,
      birthDate: member.birthDate,
      district: place.district,
      impairment: random.weighted({ mobility: 45, vision: 20, hearing: 15, cognition: 12, communication: 8 }),
      severity: random.weighted({ some: 40, severe: 45, total: 15 }),
      assistance: random.weighted({ none: 45, daily: 35, weekly: 20 }),
      device: random.weighted({ none: 55, wheelchair: 20, 'hearing-aid': 15, 'white-cane': 10 }),
      status: random.chance(0.9) ? ('approved' as const) : ('under-review' as const),
      registeredOn: `${2018 + random.integer(0, 6)}-09-01`,
    }));
}
