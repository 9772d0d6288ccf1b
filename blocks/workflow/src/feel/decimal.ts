import { Decimal as Base } from 'decimal.js';

/**
 * Arithmetic of numbers as FEEL has it, in decimals (DMN 10.3.1.3): of 0.1 and 0.2 comes 0.3. What comes is the number
 * that is nearest to the exact result among those that a variable can hold. Whole numbers keep to the short way.
 */
export const Decimal = Base.clone({ precision: 34, rounding: Base.ROUND_HALF_EVEN });

type Operation = (left: number, right: number) => number;

const whole = (left: number, right: number, result: number): boolean =>
  Number.isSafeInteger(result) && Number.isInteger(left) && Number.isInteger(right);

/** Infinity and NaN stay what they are, for the end of the evaluation to refuse them. */
const exact =
  (
    quick: Operation,
    /** The result from both numbers in hundredths or millionths (`unit`), as long as those are exact. */
    scaled: (left: number, right: number, unit: number) => number,
    work: (left: Base, right: Base) => Base,
  ): Operation =>
  (left, right) => {
    const result = quick(left, right);
    if (whole(left, right, result) || !Number.isFinite(result)) return result;
    for (const unit of units) {
      const [l, r] = [Math.round(left * unit), Math.round(right * unit)];
      // A quotient of two whole numbers that are exact is the number that is nearest to it.
      if (l / unit !== left || r / unit !== right || !Number.isSafeInteger(l) || !Number.isSafeInteger(r))
        continue;
      const found = scaled(l, r, unit);
      if (!Number.isNaN(found)) return found;
    }
    return work(new Decimal(left), new Decimal(right)).toNumber();
  };

const units = [100, 1_000_000];
const per = (count: number, unit: number): number =>
  Number.isSafeInteger(count) ? count / unit : Number.NaN;

export const plus = exact(
  (left, right) => left + right,
  (left, right, unit) => per(left + right, unit),
  (left, right) => left.plus(right),
);
export const minus = exact(
  (left, right) => left - right,
  (left, right, unit) => per(left - right, unit),
  (left, right) => left.minus(right),
);
export const times = exact(
  (left, right) => left * right,
  (left, right, unit) => per(left * right, unit * unit),
  (left, right) => left.times(right),
);
/** Of a number that is not zero. */
export const dividedBy = exact(
  (left, right) => left / right,
  (left, right) => left / right,
  (left, right) => left.div(right),
);
const exactPower = exact(
  (left, right) => left ** right,
  () => Number.NaN,
  (left, right) => left.pow(right),
);
/** Roots are no decimals anyway. */
export const power: Operation = (left, right) =>
  Number.isInteger(right) && Math.abs(right) <= 10_000 ? exactPower(left, right) : left ** right;

const sumOf = (numbers: readonly number[], unit: number): number => {
  let total = 0;
  for (const one of numbers) {
    const count = Math.round(one * unit);
    total += count;
    if (count / unit !== one || !Number.isSafeInteger(total) || !Number.isSafeInteger(count))
      return Number.NaN;
  }
  return total / unit;
};

/** The sum of numbers; none: 0. */
export function sum(numbers: readonly number[]): number {
  for (const unit of [1, ...units]) {
    const total = sumOf(numbers, unit);
    if (!Number.isNaN(total)) return total;
  }
  return numbers.reduce((all, one) => all.plus(one), new Decimal(0)).toNumber();
}

/** Ways of rounding, by the name of the function. */
export const roundings = {
  decimal: Base.ROUND_HALF_EVEN,
  'round up': Base.ROUND_UP,
  'round down': Base.ROUND_DOWN,
  'round half up': Base.ROUND_HALF_UP,
  'round half down': Base.ROUND_HALF_DOWN,
  floor: Base.ROUND_FLOOR,
  ceiling: Base.ROUND_CEIL,
} as const;

/** A number rounded to so many places after the point; before it, where `scale` is negative. */
export function round(value: number, scale: number, how: keyof typeof roundings): number {
  if (scale >= 0) {
    return Number.isInteger(value) || scale > 400
      ? value
      : new Decimal(value).toDecimalPlaces(scale, roundings[how]).toNumber();
  }
  const unit = new Decimal(10).pow(-scale);
  return new Decimal(value).div(unit).toDecimalPlaces(0, roundings[how]).times(unit).toNumber();
}
