import { mobileNumber } from '../lumora/account-number.ts';
import { nationalNumber } from '../lumora/national-number.ts';
import { birthDate } from './calendar.ts';
import type { MaritalStatus, Person, Relationship } from './household.ts';
import { familyName, givenName, mailName, type Sex } from './names.ts';
import { probability, type Random } from './random.ts';
import { householdSerial, mostPersons, personSerial } from './serials.ts';

export interface Member extends Person {
  readonly age: number;
}

/** Late spouse of a widowed head: in the civil register, no longer in the household. */
export interface LateSpouse {
  readonly nationalNumber: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly sex: Sex;
  readonly birthDate: string;
}

export interface Family {
  readonly members: readonly [Member, ...Member[]];
  readonly lateSpouse?: LateSpouse;
}

/** Members in the household, and the one position kept for a late spouse. */
const mostMembers = mostPersons - 1;

const disabilityShare = (age: number): number => (age < 18 ? 0.02 : age < 50 ? 0.04 : age < 65 ? 0.09 : 0.22);

function headMaritalStatus(random: Random, sex: Sex, age: number): MaritalStatus {
  if (sex === 'male') {
    if (random.chance(age < 26 ? 0.45 : 0.1)) return 'never-married';
    return random.weighted({ married: 84, divorced: 6, widowed: age < 40 ? 1 : age < 65 ? 5 : 16 });
  }
  return random.weighted({
    'never-married': age < 30 ? 40 : 12,
    married: 25,
    divorced: 18,
    widowed: age < 40 ? 8 : age < 65 ? 30 : 60,
  });
}

/**
 * Draws the people of a household. `start` is its welfare before the number of mouths is known: poorer households have
 * more children and more often share their roof with relatives.
 */
export function drawFamily(random: Random, household: number, start: number, day: string): Family {
  const headSex: Sex = random.chance(0.29) ? 'female' : 'male';
  const headAge = random.integer(20, 44) + (random.chance(0.45) ? random.integer(1, 40) : 0);
  const marital = headMaritalStatus(random, headSex, headAge);
  const name = familyName(random);
  const members: Member[] = [];
  const add = (
    relationship: Relationship,
    sex: Sex,
    age: number,
    maritalStatus: MaritalStatus,
    ownName?: string,
  ): void => {
    if (members.length >= mostMembers) return;
    members.push({
      nationalNumber: nationalNumber(personSerial(household, members.length)),
      givenName: givenName(random, sex),
      familyName: ownName ?? name,
      sex,
      birthDate: birthDate(random, age, day),
      relationship,
      maritalStatus,
      disabled: random.chance(disabilityShare(age)),
      age,
    });
  };
  const anySex = (): Sex => (random.chance(0.5) ? 'female' : 'male');

  add('head', headSex, headAge, marital);
  const otherSex: Sex = headSex === 'female' ? 'male' : 'female';
  const spouseAge = Math.max(18, headAge + (headSex === 'male' ? -1 : 1) * random.integer(-1, 7));
  if (marital === 'married') {
    add('spouse', otherSex, spouseAge, 'married', random.chance(0.5) ? familyName(random) : name);
  }

  const motherAge = headSex === 'female' ? headAge : marital === 'married' ? spouseAge : headAge - 3;
  const born = Math.max(0, Math.min(motherAge, 45) - 19) / 26;
  const wish = (marital === 'never-married' ? 0.9 : 5.4) * born * (0.75 + 0.5 * probability(-1.2 * start));
  const children = Math.max(0, Math.round(wish + random.normal() * 1.1));
  for (let child = 0; child < children; child++) {
    const oldest = motherAge - 18;
    const age = random.integer(Math.max(0, motherAge - 45), Math.max(0, oldest));
    // Children who grew up mostly live elsewhere.
    if (age >= 18 && !random.chance(age < 25 ? 0.4 : 0.1)) continue;
    add('child', anySex(), age, 'never-married');
  }
  if (headAge >= 48 && random.chance(0.2 + 0.2 * probability(-start))) {
    const grandchildren = random.integer(1, 3);
    for (let child = 0; child < grandchildren; child++) {
      add('grandchild', anySex(), random.integer(0, Math.min(16, headAge - 40)), 'never-married');
    }
  }
  if (headAge < 60 && random.chance(0.08 + 0.08 * probability(-start))) {
    const widowed = random.chance(0.7);
    add(
      'parent',
      random.chance(0.7) ? 'female' : 'male',
      headAge + random.integer(19, 30),
      widowed ? 'widowed' : 'divorced',
    );
  }
  if (headAge < 45 && random.chance(0.08)) {
    add('sibling', anySex(), Math.max(6, headAge - random.integer(1, 12)), 'never-married');
  }
  if (random.chance(0.05))
    add('other-relative', anySex(), random.integer(3, 70), 'never-married', familyName(random));

  const [head, ...others] = members as [Member, ...Member[]];
  return {
    members: [reachable(random, household, start, head), ...others],
    ...(marital === 'widowed'
      ? {
          lateSpouse: {
            nationalNumber: nationalNumber(personSerial(household, mostMembers)),
            givenName: givenName(random, otherSex),
            familyName: name,
            sex: otherSex,
            birthDate: birthDate(random, spouseAge, day),
          },
        }
      : {}),
  };
}

/** Gives the head a telephone and perhaps an e-mail address. */
function reachable(random: Random, household: number, start: number, head: Member): Member {
  const phone = random.chance(0.94);
  const mail = random.chance(0.15 + 0.6 * probability(start - 0.4));
  return {
    ...head,
    ...(phone ? { phone: mobileNumber(householdSerial(household, 'wallet')) } : {}),
    ...(mail
      ? { email: `${mailName(head.givenName)}.${mailName(head.familyName)}.${household}@post.example` }
      : {}),
  };
}
