import { accountNumber, bankCode, mobileMoneyCode, mobileNumber } from '../lumora/account-number.ts';
import { districtOf, districts, villageName, villagesPerDistrict } from '../lumora/geography.ts';
import { censusDay } from '../lumora/republic.ts';
import { drawDwelling } from './dwelling.ts';
import type {
  Contradiction,
  GroundTruth,
  Household,
  PaymentAccount,
  Person,
  SurveyAnswers,
} from './household.ts';
import { drawLivelihood, type Livelihood } from './livelihood.ts';
import { disabilityRecords, farmerRecords } from './livelihood-registers.ts';
import { drawFamily, type Family, type Member } from './members.ts';
import { probability, type Random, randomStream } from './random.ts';
import { civilRecords, landParcels, taxRecords } from './registers.ts';
import { householdSerial, irregularSerial, mostHouseholds } from './serials.ts';

/** Seed of the demonstration country: its first 500 households are exactly 2,000 persons, and a third of them poor. */
export const defaultSeed = 'lumora-172';

export interface PopulationOptions {
  /** Same seed, same people, byte for byte. Default `lumora-172`. */
  readonly seed?: string;
  readonly count: number;
  /** Index of the first household. Default 0. */
  readonly from?: number;
  /** Share of households whose answers contradict a register, 0 to 1. Default 0.03. */
  readonly contradictions?: number;
  /** Share of households whose account cannot be credited, 0 to 1. Default 0.02. */
  readonly badAccounts?: number;
}

const districtWeights = Object.fromEntries(districts.map(({ code, weight }) => [code, weight]));

/**
 * The households of Lumora from index `from` on, one after the other and in constant memory. A household depends on
 * the seed, its index and the two shares alone: it is the same however many are generated.
 */
export function* generateHouseholds(options: PopulationOptions): Generator<Household, void, undefined> {
  const { seed = defaultSeed, count, from = 0, contradictions = 0.03, badAccounts = 0.02 } = options;
  for (const [name, value] of Object.entries({ count, from })) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${name} must be a whole number from 0 on`);
  }
  for (const [name, value] of Object.entries({ contradictions, badAccounts })) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} must be a share between 0 and 1`);
  }
  if (from + count > mostHouseholds) throw new RangeError(`there are at most ${mostHouseholds} households`);
  for (let index = from; index < from + count; index++) {
    yield generateHousehold(seed, index, contradictions, badAccounts);
  }
}

function generateHousehold(
  seed: string,
  index: number,
  contradictions: number,
  badAccounts: number,
): Household {
  const random = randomStream(seed, index);
  // Flaws have a stream of their own: another share of them leaves everything else as it was.
  const flaws = randomStream(seed, index, 'flaws');
  const district = districtOf(random.weighted(districtWeights));
  const village = villageName(district.code, random.integer(0, villagesPerDistrict - 1));
  const urban = random.chance(district.urban);
  const start = 0.75 * random.normal() + district.welfare + (urban ? 0.2 : -0.15);
  const family = drawFamily(random, index, start, censusDay);
  const [head] = family.members;
  const welfare = start - 0.1 * (family.members.length - 4) - (head.disabled ? 0.15 : 0);
  const dwelling = drawDwelling(random, welfare, urban, family.members.length);
  const work = drawLivelihood(random, welfare, urban, head);
  const truth = drawTruth(flaws, welfare, contradictions, badAccounts);
  const owned = truth.contradiction === 'hidden-land' ? 40 + flaws.integer(0, 35) : work.landTenths;
  const place = { household: index, district: district.code, village, day: censusDay };
  const account = drawAccount(random, index, district.code, urban, welfare, head, truth.badAccount);
  const survey = {
    ...composition(random, family, welfare),
    ...dwelling,
    ...declared(work, truth.contradiction),
  };
  const civil = civilRecords(random, place, family, truth.contradiction === 'deceased-head');
  const land = landParcels(random, place, head, owned, urban);
  const tax = taxRecords(random, place, head, work, truth.contradiction === 'hidden-income');
  return {
    index,
    id: `HH-${String(index).padStart(8, '0')}`,
    district: district.code,
    village,
    urban,
    members: family.members.map(withoutAge) as [Person, ...Person[]],
    account,
    survey,
    civil,
    land,
    tax,
    // Streams of their own: what came later leaves everything else as it was.
    farms: farmerRecords(randomStream(seed, index, 'farms'), place, family, land, survey),
    disabilities: disabilityRecords(randomStream(seed, index, 'disabilities'), place, family),
    truth,
  };
}

const withoutAge = ({ age: _, ...person }: Member): Person => person;

function drawTruth(flaws: Random, welfare: number, contradictions: number, badAccounts: number): GroundTruth {
  const contradicts = flaws.next() < contradictions;
  const contradiction: Contradiction = flaws.weighted({
    'hidden-land': 40,
    'deceased-head': 20,
    'hidden-income': 40,
  });
  const bad = flaws.next() < badAccounts;
  const badAccount = flaws.weighted({ closed: 60, unknown: 40 });
  return {
    welfare: Math.round(welfare * 1_000) / 1_000,
    ...(contradicts ? { contradiction } : {}),
    ...(bad ? { badAccount } : {}),
  };
}

function drawAccount(
  random: Random,
  household: number,
  branch: string,
  urban: boolean,
  welfare: number,
  head: Person,
  bad: GroundTruth['badAccount'],
): PaymentAccount {
  const bank = random.chance((urban ? 0.35 : 0.12) + 0.35 * probability(welfare));
  const usual = householdSerial(household, bank ? 'account' : 'wallet');
  const serial = bad ? irregularSerial(usual, bad === 'closed' ? '8' : '9') : usual;
  const holder = `${head.givenName} ${head.familyName}`;
  return bank
    ? { kind: 'bank-account', institution: bankCode, number: accountNumber(branch, serial), holder }
    : { kind: 'mobile-wallet', institution: mobileMoneyCode, number: mobileNumber(serial), holder };
}

function composition(random: Random, family: Family, welfare: number) {
  const { members } = family;
  const aged = (from: number, to: number): number =>
    members.filter((member) => member.age >= from && member.age <= to).length;
  const ofSchoolAge = aged(5, 17);
  let attending = 0;
  for (let child = 0; child < ofSchoolAge; child++) {
    if (random.chance(0.55 + 0.45 * probability(1.5 * welfare + 0.8))) attending++;
  }
  const mayBePregnant = members.some(
    ({ sex, age, relationship }) =>
      sex === 'female' && age >= 18 && age <= 42 && (relationship === 'head' || relationship === 'spouse'),
  );
  const pregnant = random.chance(0.08);
  return {
    householdSize: members.length,
    childrenUnder5: aged(0, 4),
    children5to17: ofSchoolAge,
    adults18to64: aged(18, 64),
    elderly65plus: aged(65, 200),
    disabledMembers: members.filter((member) => member.disabled).length,
    pregnantWoman: mayBePregnant && pregnant,
    schoolAttendance:
      ofSchoolAge === 0
        ? 'no-children'
        : attending === ofSchoolAge
          ? 'all'
          : attending === 0
            ? 'none'
            : 'some',
  } satisfies Partial<SurveyAnswers>;
}

/** What the household tells about work, land and income: the truth, unless it hides something. */
function declared(work: Livelihood, contradiction: Contradiction | undefined) {
  const hidden = contradiction === 'hidden-income';
  return {
    headEmployment: hidden ? 'none' : work.employment,
    landHectares: contradiction === 'hidden-land' ? 0 : work.landTenths / 10,
    monthlyIncome: hidden ? '0.00' : `${work.monthlyIncome / 100}.00`,
  } satisfies Partial<SurveyAnswers>;
}
