import type { SurveyAnswers } from './household.ts';
import type { Member } from './members.ts';
import { probability, type Random } from './random.ts';

export interface Livelihood {
  readonly employment: SurveyAnswers['headEmployment'];
  /** What the household really earns in a month, in minor units of the currency. */
  readonly monthlyIncome: number;
  /** What it really owns, in tenths of a hectare. */
  readonly landTenths: number;
}

/** Work of the head, income and land of the household. */
export function drawLivelihood(random: Random, welfare: number, urban: boolean, head: Member): Livelihood {
  const tooOld = head.age >= 68 || (head.disabled && random.chance(0.5));
  const employment: Livelihood['employment'] = tooOld
    ? 'none'
    : random.weighted({
        formal: (urban ? 34 : 10) * probability(1.5 * welfare),
        'self-employed': 22,
        farmer: urban ? 4 : 45,
        casual: (urban ? 34 : 26) * probability(-1.5 * welfare),
        none: 8 * probability(-1.2 * welfare) + 2,
      });
  const base = { formal: 900, 'self-employed': 520, farmer: 330, casual: 240, none: 60 }[employment];
  const growth = Math.max(0.25, 1 + 0.4 * welfare + 0.15 * random.normal());
  // Whole dinars: nobody tells a survey about centimes.
  const monthlyIncome = Math.round(base * growth) * 100;
  const owns = random.chance(urban ? 0.12 : 0.58);
  const landTenths = owns
    ? Math.max(1, Math.round((urban ? 1 : 9) + (urban ? 1 : 5) * welfare + (urban ? 1 : 4) * random.normal()))
    : 0;
  return { employment, monthlyIncome, landTenths };
}
