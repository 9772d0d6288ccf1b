import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  districts,
  generateHouseholds,
  type Household,
  isNationalNumber,
  povertyThreshold,
  proxyMeansScore,
  standingOf,
  villageName,
  villagesPerDistrict,
} from '../src/index.ts';

const seeds = ['lumora-172', 'a', 'b', 'c'];
const people = new Map<string, Household[]>();
const peopleOf = (seed: string): Household[] => {
  const known = people.get(seed) ?? [...generateHouseholds({ seed, count: 3_000 })];
  people.set(seed, known);
  return known;
};
const share = (households: readonly Household[], test: (household: Household) => boolean): number =>
  households.filter(test).length / households.length;

describe('the synthetic population', () => {
  it('is the same for the same seed, whichever part of it is generated', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 20 }),
        fc.nat(70_000_000),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(11),
        (seed, from, count, skipped) => {
          const all = [...generateHouseholds({ seed, from, count })];
          const skip = Math.min(skipped, count);
          const rest = [...generateHouseholds({ seed, from: from + skip, count: count - skip })];
          expect(JSON.stringify(rest)).toBe(JSON.stringify(all.slice(skip)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('stays what it is from release to release', () => {
    const households = [...generateHouseholds({ count: 500 })];
    const digest = (without: readonly string[]) =>
      createHash('sha256')
        .update(JSON.stringify(households, (key, value) => (without.includes(key) ? undefined : value)))
        .digest('hex');
    expect(digest([])).toBe('6aeabb8d6dc32aa43b2c2a310712a92728c1344a8e94054a92d4d6b290f8af88');
    // What came later left everything else as it was.
    expect(digest(['motherNationalNumber', 'farms', 'disabilities'])).toBe(
      'c71c0d28e4e86cdcf36bafbab891dc1e20e02771fa681ed2e834795e59d749e4',
    );
  });

  it('is 2,000 persons in the first 500 households of the demonstration country', () => {
    const households = peopleOf('lumora-172').slice(0, 500);
    expect(households.reduce((sum, { members }) => sum + members.length, 0)).toBe(2_000);
  });

  it('changes with the seed', () => {
    expect(JSON.stringify(peopleOf('a')[0])).not.toBe(JSON.stringify(peopleOf('b')[0]));
  });

  it('never gives two persons one number, nor two households one account, telephone or taxpayer number', () => {
    const households = peopleOf('a');
    const persons = households.flatMap(({ civil }) => civil.map(({ nationalNumber }) => nationalNumber));
    expect(new Set(persons).size).toBe(persons.length);
    expect(persons.every(isNationalNumber)).toBe(true);
    for (const numbers of [
      households.map(({ account }) => account.number),
      households.flatMap(({ members }) => members[0].phone ?? []),
      households.flatMap(({ tax }) => tax.map(({ taxpayerNumber }) => taxpayerNumber)),
      households.flatMap(({ land }) => land.map(({ parcelNumber }) => parcelNumber)),
    ]) {
      expect(new Set(numbers).size).toBe(numbers.length);
    }
  });

  it('keeps what it tells about a household consistent', () => {
    for (const { members, survey, civil, account, truth, district } of peopleOf('b')) {
      const { childrenUnder5, children5to17, adults18to64, elderly65plus, householdSize } = survey;
      expect(childrenUnder5 + children5to17 + adults18to64 + elderly65plus).toBe(householdSize);
      expect(householdSize).toBe(members.length);
      expect(members[0].relationship).toBe('head');
      expect(survey.schoolAttendance === 'no-children').toBe(children5to17 === 0);
      expect(districts.some(({ code }) => code === district)).toBe(true);
      for (const member of members) {
        const record = civil.find(({ nationalNumber }) => nationalNumber === member.nationalNumber);
        expect(record).toMatchObject({
          birthDate: member.birthDate,
          sex: member.sex,
          familyName: member.familyName,
        });
        if (member.email) expect(member.email).toMatch(/^[a-z.-]+[0-9]+@post\.example$/);
      }
      for (const record of civil.filter(({ spouseNationalNumber }) => spouseNationalNumber)) {
        expect(civil.some(({ nationalNumber }) => nationalNumber === record.spouseNationalNumber)).toBe(true);
      }
      expect(standingOf(account.number)).toBe(truth.badAccount ?? 'open');
    }
  });

  it('hides what it says it hides, and nothing else', () => {
    const households = [
      ...generateHouseholds({ seed: 'flaws', count: 2_000, contradictions: 0.5, badAccounts: 0.5 }),
    ];
    for (const { members, survey, civil, land, tax, truth } of households) {
      const hectares = land.reduce((sum, parcel) => sum + Math.round(parcel.hectares * 10), 0) / 10;
      const deceased = civil[0]?.vitalStatus === 'deceased';
      expect(deceased).toBe(truth.contradiction === 'deceased-head');
      if (truth.contradiction === 'hidden-land') {
        expect(survey.landHectares).toBe(0);
        expect(hectares).toBeGreaterThanOrEqual(4);
      } else expect(hectares).toBe(survey.landHectares);
      if (truth.contradiction === 'hidden-income') {
        expect(survey.monthlyIncome).toBe('0.00');
        expect(Number(tax[0]?.declaredAnnualIncome)).toBeGreaterThan(0);
      }
      for (const record of tax) expect(record.nationalNumber).toBe(members[0].nationalNumber);
    }
    expect(share(households, ({ truth }) => truth.contradiction !== undefined)).toBeGreaterThan(0.45);
    expect(share(households, ({ truth }) => truth.badAccount !== undefined)).toBeGreaterThan(0.45);
  });

  it('leaves everything else as it was when the shares of flaws change', () => {
    const honest = [...generateHouseholds({ seed: 'a', count: 300, contradictions: 0, badAccounts: 0 })];
    expect(honest.some(({ truth }) => truth.contradiction || truth.badAccount)).toBe(false);
    for (const [at, household] of peopleOf('a').slice(0, 300).entries()) {
      expect(honest[at]?.members).toEqual(household.members);
      expect(honest[at]?.survey.roof).toBe(household.survey.roof);
      if (!household.truth.badAccount) expect(honest[at]?.account).toEqual(household.account);
    }
  });

  it.each(seeds)('has about one third of its households below the threshold (seed %s)', (seed) => {
    const poor = share(peopleOf(seed), ({ survey }) => proxyMeansScore(survey) >= povertyThreshold);
    expect(poor).toBeGreaterThan(0.28);
    expect(poor).toBeLessThan(0.4);
  });

  it.each(seeds)('lets the score find most of the really poor (seed %s)', (seed) => {
    const byWelfare = [...peopleOf(seed)].sort((a, b) => a.truth.welfare - b.truth.welfare);
    const poorest = byWelfare.slice(0, 1_000);
    const richest = byWelfare.slice(-1_000);
    const found = (households: readonly Household[]): number =>
      share(households, ({ survey }) => proxyMeansScore(survey) >= povertyThreshold);
    expect(found(poorest)).toBeGreaterThan(0.75);
    expect(found(richest)).toBeLessThan(0.05);
  });

  it.each(seeds)('is distributed plausibly (seed %s)', (seed) => {
    const households = peopleOf(seed);
    const persons = households.reduce((sum, { members }) => sum + members.length, 0);
    expect(persons / households.length).toBeGreaterThan(3.8);
    expect(persons / households.length).toBeLessThan(4.3);
    expect(share(households, ({ members }) => members[0].sex === 'female')).toBeCloseTo(0.29, 1);
    expect(share(households, ({ survey }) => survey.roof === 'iron-sheets')).toBeGreaterThan(0.35);
    expect(share(households, ({ survey }) => survey.disabledMembers > 0)).toBeCloseTo(0.155, 1);
    expect(share(households, ({ truth }) => truth.contradiction !== undefined)).toBeLessThan(0.05);
    const piped = (urban: boolean): number =>
      share(
        households.filter((one) => one.urban === urban),
        ({ survey }) => survey.water === 'piped-home',
      );
    expect(piped(true)).toBeGreaterThan(2 * piped(false));
    const east = households.filter(({ district }) => district.startsWith('06'));
    const coast = households.filter(({ district }) => district.startsWith('01'));
    const poor = ({ survey }: Household): boolean => proxyMeansScore(survey) >= povertyThreshold;
    expect(share(east, poor)).toBeGreaterThan(2 * share(coast, poor));
  });

  it('refuses sizes and shares that make no sense', () => {
    expect(() => [...generateHouseholds({ count: -1 })]).toThrow(/count/);
    expect(() => [...generateHouseholds({ count: 1, from: 0.5 })]).toThrow(/from/);
    expect(() => [...generateHouseholds({ count: 1, badAccounts: 2 })]).toThrow(/badAccounts/);
    expect(() => [...generateHouseholds({ count: 1, contradictions: Number.NaN })]).toThrow(/contradictions/);
    expect(() => [...generateHouseholds({ count: 2, from: 79_999_999 })]).toThrow(/at most/);
  });
});

describe('the geography', () => {
  it('has 24 districts in 6 provinces whose shares add up, and villages with names of their own', () => {
    expect(districts).toHaveLength(24);
    expect(new Set(districts.map(({ province }) => province)).size).toBe(6);
    expect(districts.reduce((sum, { weight }) => sum + weight, 0)).toBe(1_000);
    for (const { code } of districts) {
      const names = Array.from({ length: villagesPerDistrict }, (_, number) => villageName(code, number));
      expect(new Set(names).size).toBe(villagesPerDistrict);
    }
  });
});
