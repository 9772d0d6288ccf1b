import type { Voice } from '../rendering/voice.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import type { PageError } from './refusals.ts';

export const classifications = ['open', 'restricted', 'confidential'] as const;

/** What its owner says of a registry, as the form has it. */
export const detailNames = [
  'name',
  'description',
  'domain',
  'institution',
  'classification',
  'retentionDays',
  'numberFormat',
] as const;

export type DetailInputs = Readonly<Record<(typeof detailNames)[number], string>>;

export const detailInputs = (visit: SignedInVisit): DetailInputs =>
  Object.fromEntries(detailNames.map((name) => [name, input(visit, name)])) as DetailInputs;

const longest: Partial<Record<keyof DetailInputs, number>> = {
  name: 200,
  description: 2000,
  domain: 100,
  institution: 200,
  numberFormat: 100,
};

/** Reads the form; what is wrong stands in `errors`. */
export function readDetails(inputs: DetailInputs, { t }: Voice) {
  const errors: PageError[] = [];
  const wrong = (name: keyof DetailInputs, text: string): void =>
    void errors.push({ text, href: `#${name}` });
  const label = (name: string): string => t(`registries.details.${name}`);
  if (inputs.name === '') wrong('name', t('errors.required', { label: label('name') }));
  for (const [name, max] of Object.entries(longest) as [keyof DetailInputs, number][])
    if ([...inputs[name]].length > max) wrong(name, t('errors.tooLong', { label: label(name), max }));
  const days = inputs.retentionDays === '' ? null : Number(inputs.retentionDays);
  if (days !== null && !(Number.isInteger(days) && days >= 1 && days <= 40_000))
    wrong('retentionDays', t('errors.integer', { label: label('retentionDays') }));
  if (inputs.numberFormat !== '' && !inputs.numberFormat.includes('{indexNoByCode}'))
    wrong('numberFormat', t('registries.details.numberFormatWrong'));
  const classification = classifications.find((one) => one === inputs.classification);
  return {
    errors,
    details: {
      name: inputs.name,
      description: inputs.description,
      domain: inputs.domain,
      institution: inputs.institution,
      ...(classification === undefined ? {} : { classification }),
      retentionDays: days,
      ...(inputs.numberFormat === '' ? {} : { numberFormat: inputs.numberFormat }),
    },
  };
}
