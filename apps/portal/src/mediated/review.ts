import { evaluate } from 'feelin';
import type { ApplicationFile, Score, Verification } from '../backend.ts';
import type { Answers, EForm, Field } from '../forms/eform.ts';
import type { Text } from '../languages.ts';

/**
 * What a service's sheet may say about showing its files to officers (`sheet.review`). Expressions are FEEL over
 * `application` (the answers) and the variables of the task or the facts of the outcome.
 */
export interface ReviewDeclaration {
  readonly verifications?: readonly {
    readonly question: Text;
    readonly registry: Text;
    readonly agency: Text;
    readonly declared?: string;
    readonly found?: string;
    /** Gives confirmed, contradicted, notFound or unavailable. */
    readonly outcome: string;
  }[];
  readonly indicators?: Readonly<Record<string, { readonly label?: Text; readonly highest?: number }>>;
  readonly model?: Text;
  readonly scale?: { readonly lowest: number; readonly highest: number; readonly borderline?: number };
}

export interface Assessment {
  readonly score: number;
  readonly threshold: number;
  readonly points: readonly { readonly indicator: string; readonly points: number }[];
  readonly why?: string;
  readonly entitled?: boolean;
  readonly amount?: string;
  readonly currency?: string;
}

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** The assessment in a task's variables or an outcome's facts, if there is one. */
export function assessmentIn(variables: Readonly<Record<string, unknown>>): Assessment | undefined {
  const found = (variables.assessment ?? variables) as Partial<Assessment>;
  const score = number(found.score);
  const threshold = number(found.threshold);
  if (score === undefined || threshold === undefined) return undefined;
  return { ...found, score, threshold, points: Array.isArray(found.points) ? found.points : [] };
}

function evaluated(expression: string | undefined, context: Answers): string | undefined {
  if (expression === undefined) return undefined;
  try {
    const { value } = evaluate(expression, context);
    return value === null || value === undefined ? undefined : String(value);
  } catch {
    return undefined;
  }
}

const outcomes = ['confirmed', 'contradicted', 'notFound', 'unavailable'] as const;

/** What the registries said beside what the applicant said, as the service declares it. */
export function verificationsOf(review: ReviewDeclaration, context: Answers, at: string): Verification[] {
  return (review.verifications ?? []).map((one, index) => {
    const declared = evaluated(one.declared, context);
    const found = evaluated(one.found, context);
    const outcome = evaluated(one.outcome, context);
    return {
      id: String(index + 1),
      question: one.question,
      registry: one.registry,
      agency: one.agency,
      outcome: outcomes.find((known) => known === outcome) ?? 'unavailable',
      ...(declared === undefined ? {} : { declared }),
      ...(found === undefined ? {} : { found }),
      at,
    };
  });
}

const fieldOf = (form: EForm, id: string): Field | undefined =>
  form.pages.flatMap((page) => page.fields).find((field) => field.id === id);

const answerOf = (field: Field | undefined, answer: unknown): Text | string => {
  if (answer === undefined || answer === null) return '–';
  const options = field && field.type !== 'group' ? field.options : undefined;
  return (
    options?.find((option) => option.value === answer)?.label ??
    (Array.isArray(answer) ? String(answer.length) : String(answer))
  );
};

/** The score, explained indicator by indicator in the words of the form. */
export function scoreOf(
  assessment: Assessment,
  review: ReviewDeclaration,
  form: EForm,
  answers: Answers,
): Score {
  const { score, threshold, points } = assessment;
  const entitled = assessment.entitled ?? score >= threshold;
  const qualifies = entitled === score >= threshold ? 'atOrAbove' : 'atOrBelow';
  const perIndicator = new Map<string, number>();
  for (const one of points)
    perIndicator.set(one.indicator, (perIndicator.get(one.indicator) ?? 0) + one.points);
  const indicators = [...perIndicator].map(([indicator, sum]) => {
    const field = fieldOf(form, indicator);
    const declared = review.indicators?.[indicator];
    return {
      label: declared?.label ?? field?.label ?? indicator,
      answer: answerOf(field, answers[indicator]),
      points: sum,
      ...(declared?.highest === undefined ? {} : { highest: declared.highest }),
    };
  });
  const borderline = review.scale?.borderline;
  return {
    total: score,
    threshold,
    qualifies,
    outcome: assessment.why === 'borderline' ? 'borderline' : entitled ? 'eligible' : 'notEligible',
    lowest: review.scale?.lowest ?? 0,
    highest: review.scale?.highest ?? Math.max(100, score, threshold),
    ...(borderline === undefined ? {} : { borderline }),
    ...(review.model === undefined ? {} : { model: review.model }),
    indicators,
  };
}

/**
 * Score, evidence, benefit and reasons for one file. What the registries said is shown while it is at hand: with the
 * task, or in `evidence` among the facts of the outcome.
 */
export function reviewOf(
  review: ReviewDeclaration,
  form: EForm,
  answers: Answers,
  variables: Readonly<Record<string, unknown>>,
  evidence: Readonly<Record<string, unknown>> | undefined,
  at: string,
): Pick<ApplicationFile, 'verifications' | 'score' | 'benefit' | 'reasons'> {
  const assessment = assessmentIn(variables);
  const contradictions = Array.isArray(variables.contradictions) ? variables.contradictions : [];
  const why = assessment?.why;
  return {
    verifications: evidence
      ? verificationsOf(review, { ...variables, ...evidence, application: answers }, at)
      : [],
    reasons: [
      ...new Set([
        ...(contradictions.length > 0 ? ['contradiction'] : []),
        ...(why === undefined || why === 'score' ? [] : [why]),
      ]),
    ],
    ...(assessment ? { score: scoreOf(assessment, review, form, answers) } : {}),
    ...(assessment?.amount !== undefined && assessment.currency !== undefined
      ? { benefit: { amount: { amount: assessment.amount, currency: assessment.currency } } }
      : {}),
  };
}
