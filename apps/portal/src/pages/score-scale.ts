import type { Score } from '../backend.ts';
import type { Voice } from '../rendering/voice.ts';

/** Positions in per cent on a scale from the lowest to the highest score, from the reading side. */
export interface ScoreScale {
  readonly score: number;
  readonly threshold: number;
  readonly qualifyingStart: number;
  readonly qualifyingWidth: number;
  readonly borderStart: number;
  readonly borderWidth: number;
}

/** Where score, threshold and borderline zone lie, mirrored for right-to-left languages. */
export function scoreScale(score: Score, voice: Pick<Voice, 'direction'>): ScoreScale {
  const span = score.highest - score.lowest || 1;
  const share = (value: number): number =>
    Math.round(Math.min(100, Math.max(0, ((value - score.lowest) / span) * 100)) * 10) / 10;
  const mirrored = voice.direction === 'rtl';
  const position = (value: number): number => (mirrored ? 100 - share(value) : share(value));
  const segment = (from: number, to: number): { start: number; width: number } => {
    const [a, b] = [position(from), position(to)];
    return { start: Math.min(a, b), width: Math.round(Math.abs(b - a) * 10) / 10 };
  };
  const qualifying =
    score.qualifies === 'atOrBelow'
      ? segment(score.lowest, score.threshold)
      : segment(score.threshold, score.highest);
  const zone = score.borderline ?? 0;
  const border = segment(score.threshold - zone, score.threshold + zone);
  return {
    score: position(score.total),
    threshold: position(score.threshold),
    qualifyingStart: qualifying.start,
    qualifyingWidth: qualifying.width,
    borderStart: border.start,
    borderWidth: border.width,
  };
}
