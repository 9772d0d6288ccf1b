import type { SurveyAnswers } from './household.ts';
import type { Random } from './random.ts';

export type Dwelling = Pick<
  SurveyAnswers,
  'roof' | 'walls' | 'floor' | 'water' | 'toilet' | 'lighting' | 'rooms' | 'transport' | 'livestockUnits'
>;

/** Choices from the best to the worst, each with the welfare from which a household usually has it. */
type Ladder<T> = readonly (readonly [value: T, from: number])[];

const roofs: Ladder<Dwelling['roof']> = [
  ['concrete', 1.3],
  ['tiles', 0.7],
  ['iron-sheets', -0.75],
  ['thatch', -1.7],
  ['plastic', -Infinity],
];
const walls: Ladder<Dwelling['walls']> = [
  ['cement-blocks', 0.9],
  ['bricks', 0],
  ['wood', -0.4],
  ['mud', -1.5],
  ['straw', -Infinity],
];
const floors: Ladder<Dwelling['floor']> = [
  ['tiles', 1.2],
  ['cement', -0.15],
  ['wood', -0.4],
  ['earth', -Infinity],
];
const waters: Ladder<Dwelling['water']> = [
  ['piped-home', 0.7],
  ['public-tap', -0.1],
  ['protected-well', -0.7],
  ['unprotected-well', -1.3],
  ['surface-water', -Infinity],
];
const toilets: Ladder<Dwelling['toilet']> = [
  ['flush', 0.9],
  ['improved-latrine', 0],
  ['pit-latrine', -1.2],
  ['none', -Infinity],
];
const lights: Ladder<Dwelling['lighting']> = [
  ['grid', 0.1],
  ['solar', -0.5],
  ['lantern', -1.3],
  ['candle-or-fire', -Infinity],
];
const transports: Ladder<Dwelling['transport']> = [
  ['car', 1.5],
  ['motorcycle', 0.5],
  ['bicycle', -0.4],
  ['none', -Infinity],
];

/** The rung for a welfare and some chance of its own: a tiled floor without a latrine happens, but rarely. */
function rung<T>(random: Random, ladder: Ladder<T>, welfare: number): T {
  const reached = welfare + 0.55 * random.normal();
  return (ladder.find(([, from]) => reached >= from) as readonly [T, number])[0];
}

/** House, amenities and goods of a household, given how well off it is and where it lives. */
export function drawDwelling(random: Random, welfare: number, urban: boolean, size: number): Dwelling {
  const amenities = welfare + (urban ? 0.5 : -0.3);
  const transport = rung(random, transports, welfare);
  const cart = random.chance(0.35);
  const keepsAnimals = random.chance(urban ? 0.1 : 0.6);
  const livestock = 1.5 + 1.3 * welfare + random.normal();
  return {
    roof: rung(random, roofs, welfare),
    walls: rung(random, walls, welfare),
    floor: rung(random, floors, welfare),
    water: rung(random, waters, amenities),
    toilet: rung(random, toilets, amenities),
    lighting: rung(random, lights, amenities),
    rooms: Math.max(1, Math.min(9, Math.round(1.4 + 0.25 * size + 0.7 * welfare + 0.5 * random.normal()))),
    transport: transport === 'bicycle' && !urban && cart ? 'animal-cart' : transport,
    livestockUnits: keepsAnimals ? Math.max(1, Math.round(livestock * 10)) / 10 : 0,
  };
}
