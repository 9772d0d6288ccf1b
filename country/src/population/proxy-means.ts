import type { SurveyAnswers } from './household.ts';

/**
 * A plausible proxy-means test in points of poverty, used to judge the synthetic population. A service decides with its
 * own rules; it may take over this scorecard.
 */
export const scorecard = {
  roof: { concrete: 0, tiles: 1, 'iron-sheets': 4, thatch: 8, plastic: 10 },
  walls: { 'cement-blocks': 0, bricks: 2, wood: 5, mud: 8, straw: 10 },
  floor: { tiles: 0, cement: 3, wood: 6, earth: 10 },
  water: {
    'piped-home': 0,
    'public-tap': 3,
    'protected-well': 5,
    'unprotected-well': 8,
    'surface-water': 10,
  },
  toilet: { flush: 0, 'improved-latrine': 3, 'pit-latrine': 6, none: 10 },
  lighting: { grid: 0, solar: 4, lantern: 7, 'candle-or-fire': 10 },
  transport: { car: 0, motorcycle: 3, bicycle: 6, 'animal-cart': 6, none: 8 },
  headEmployment: { formal: 0, 'self-employed': 3, farmer: 5, casual: 8, none: 8 },
  schoolAttendance: { all: 1, 'no-children': 0, some: 4, none: 6 },
} as const satisfies { [K in keyof SurveyAnswers]?: Record<SurveyAnswers[K] & string, number> };

/** From this score on a household counts as poor: about one third of the households of Lumora. */
export const povertyThreshold = 54;

/** Points of poverty of a household from what it told, 0 to 100. */
export function proxyMeansScore(survey: SurveyAnswers): number {
  const { householdSize, rooms, disabledMembers, pregnantWoman, livestockUnits, landHectares } = survey;
  const dependants = survey.childrenUnder5 + survey.children5to17 + survey.elderly65plus;
  const crowding =
    householdSize > 3 * rooms ? 6 : householdSize > 2 * rooms ? 4 : householdSize > rooms ? 2 : 0;
  let score =
    crowding +
    (2 * dependants > householdSize ? 4 : 0) +
    (disabledMembers > 0 ? 3 : 0) +
    (pregnantWoman ? 2 : 0) +
    (livestockUnits < 1 ? 2 : 0) +
    (landHectares < 1 ? 1 : 0);
  for (const [question, points] of Object.entries(scorecard)) {
    score += (points as Record<string, number>)[survey[question as keyof typeof scorecard]] as number;
  }
  return score;
}
