import { isAccountNumber, isMobileNumber } from '../lumora/account-number.ts';
import { districts } from '../lumora/geography.ts';
import { isNationalNumber } from '../lumora/national-number.ts';
import type { Household, PaymentAccount, Person, SurveyAnswers } from './household.ts';
import { scorecard } from './proxy-means.ts';

/** A line of `households.csv`: who the head is, what the household answered, where its money goes. */
export interface HouseholdRow {
  readonly householdId: string;
  readonly head: Pick<
    Person,
    'nationalNumber' | 'givenName' | 'familyName' | 'sex' | 'birthDate' | 'phone' | 'email'
  >;
  readonly district: string;
  readonly village: string;
  readonly survey: SurveyAnswers;
  readonly account: PaymentAccount;
}

export interface Column {
  readonly name: string;
  readonly description: string;
  /** Where the value stands in a row. */
  readonly at: readonly [keyof HouseholdRow, string?];
  readonly optional?: boolean;
  /** The value, or undefined when the text is not one. `expected` says what it should have been. */
  readonly parse: (text: string) => unknown;
  readonly expected: string;
}

type Kind = Pick<Column, 'parse' | 'expected'>;

const matching = (pattern: RegExp, expected: string): Kind => ({
  expected,
  parse: (value) => (pattern.test(value) ? value : undefined),
});
const text = matching(/^\S.{0,98}\S$|^\S$/u, 'text of 1 to 100 characters');
const when = (test: (value: string) => boolean, expected: string): Kind => ({
  expected,
  parse: (value) => (test(value) ? value : undefined),
});
const oneOf = (values: readonly string[]): Kind =>
  when((value) => values.includes(value), `one of ${values.join(', ')}`);
const count = (most: number, least = 0): Kind => ({
  expected: `a whole number from ${least} to ${most}`,
  parse: (value) => {
    const number = /^[0-9]{1,4}$/.test(value) ? Number(value) : Number.NaN;
    return number >= least && number <= most ? number : undefined;
  },
});
const tenths: Kind = {
  expected: 'a number with at most one decimal',
  parse: (value) => (/^[0-9]{1,5}(\.[0-9])?$/.test(value) ? Number(value) : undefined),
};
const yesOrNo: Kind = {
  expected: 'yes or no',
  parse: (value) => (value === 'yes' ? true : value === 'no' ? false : undefined),
};
const money = matching(/^(0|[1-9][0-9]{0,11})\.[0-9]{2}$/, 'an amount such as 125.00');
const date = when(
  (value) =>
    /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value) &&
    !Number.isNaN(Date.parse(value)) &&
    new Date(value).toISOString().startsWith(value),
  'a date YYYY-MM-DD',
);
const choices = (question: keyof typeof scorecard): Kind => oneOf(Object.keys(scorecard[question]));

const column = (
  name: string,
  at: Column['at'],
  kind: Kind,
  description: string,
  optional = false,
): Column => ({
  name,
  at,
  description,
  ...(optional ? { optional } : {}),
  ...kind,
});
const survey = (name: keyof SurveyAnswers, kind: Kind, description: string): Column =>
  column(name, ['survey', name], kind, description);

/** Columns of `households.csv` in their order. */
export const householdColumns: readonly Column[] = [
  column('householdId', ['householdId'], text, 'Number of the household on the list'),
  column(
    'nationalNumber',
    ['head', 'nationalNumber'],
    when(isNationalNumber, 'a national number'),
    'National number of the head',
  ),
  column('givenName', ['head', 'givenName'], text, 'Given name of the head'),
  column('familyName', ['head', 'familyName'], text, 'Family name of the head'),
  column('sex', ['head', 'sex'], oneOf(['female', 'male']), 'Sex of the head'),
  column('birthDate', ['head', 'birthDate'], date, 'Birth date of the head'),
  column(
    'phone',
    ['head', 'phone'],
    when(isMobileNumber, 'a telephone number such as +999712345678'),
    'Telephone of the head',
    true,
  ),
  column(
    'email',
    ['head', 'email'],
    matching(/^[^\s@]{1,64}@[^\s@]{1,190}$/, 'an e-mail address'),
    'E-mail address of the head',
    true,
  ),
  column('district', ['district'], oneOf(districts.map(({ code }) => code)), 'Code of the district'),
  column('village', ['village'], text, 'Village or quarter'),
  survey('householdSize', count(30, 1), 'Members of the household'),
  survey('childrenUnder5', count(30), 'Members below 5 years'),
  survey('children5to17', count(30), 'Members of 5 to 17 years'),
  survey('adults18to64', count(30), 'Members of 18 to 64 years'),
  survey('elderly65plus', count(30), 'Members of 65 years and more'),
  survey('disabledMembers', count(30), 'Members with a disability'),
  survey('pregnantWoman', yesOrNo, 'Whether a member is pregnant'),
  survey('rooms', count(30, 1), 'Rooms of the dwelling'),
  survey('roof', choices('roof'), 'Main material of the roof'),
  survey('walls', choices('walls'), 'Main material of the walls'),
  survey('floor', choices('floor'), 'Main material of the floor'),
  survey('water', choices('water'), 'Main source of drinking water'),
  survey('toilet', choices('toilet'), 'Kind of toilet'),
  survey('lighting', choices('lighting'), 'Main source of light'),
  survey('schoolAttendance', choices('schoolAttendance'), 'Whether the children of 5 to 17 go to school'),
  survey('livestockUnits', tenths, 'Tropical livestock units: a cow 0.7, a goat 0.1'),
  survey('headEmployment', choices('headEmployment'), 'Work of the head'),
  survey('transport', choices('transport'), 'Best means of transport the household owns'),
  survey('landHectares', tenths, 'Land the household says it owns, in hectares'),
  survey('monthlyIncome', money, 'Income the household says it has in a month'),
  column(
    'accountKind',
    ['account', 'kind'],
    oneOf(['bank-account', 'mobile-wallet']),
    'Where the money goes',
  ),
  column(
    'institution',
    ['account', 'institution'],
    matching(/^[A-Z0-9]{3,11}$/, 'a code of 3 to 11 characters'),
    'Bank or mobile-money provider',
  ),
  column(
    'accountNumber',
    ['account', 'number'],
    when(
      (value) => isAccountNumber(value) || isMobileNumber(value),
      'an account number or the number of a wallet',
    ),
    'Account number, or telephone number of the wallet',
  ),
  column('accountHolder', ['account', 'holder'], text, 'Name in which the account is held'),
];

/** What a household puts on its line. */
export function toRow({ id, members, district, village, survey, account }: Household): HouseholdRow {
  const { nationalNumber, givenName, familyName, sex, birthDate, phone, email } = members[0];
  return {
    householdId: id,
    head: {
      nationalNumber,
      givenName,
      familyName,
      sex,
      birthDate,
      ...(phone === undefined ? {} : { phone }),
      ...(email === undefined ? {} : { email }),
    },
    district,
    village,
    survey,
    account,
  };
}

/** Text of a column of a row. */
export function cellOf(row: HouseholdRow, { at: [part, field] }: Column): string {
  const value = field === undefined ? row[part] : (row[part] as unknown as Record<string, unknown>)[field];
  return value === undefined ? '' : value === true ? 'yes' : value === false ? 'no' : String(value);
}
