import { currentContext } from '@govstack/platform';
import { bodyOf } from '../../exchange/body.ts';
import type { CarryOut } from '../../exchange/exchange.ts';
import { fromRecord, type HeaderList, headerValue, toRecord } from '../../exchange/headers.ts';

export interface Trial {
  readonly client: string;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

export interface TrialAnswer {
  readonly exchangeId: string | null;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly bodySize: number;
  readonly body: string | null;
}

/** Bytes of an answer that are shown. */
const largestShown = 262_144;
const readable = /^(text\/|application\/([a-z0-9.-]+\+)?(json|xml|yaml)\b)/i;

/** One exchange like any other, made for `client` by somebody who may speak for it. */
export async function tryOut(exchange: CarryOut, trial: Trial): Promise<TrialAnswer> {
  const context = currentContext();
  const given = fromRecord(trial.headers);
  const unless = (name: string, value: string): HeaderList =>
    headerValue(given, name) === undefined ? [[name, value]] : [];
  const { status, headers, body } = await exchange({
    ...trial,
    operator: undefined,
    headers: [
      ...unless('accept', '*/*'),
      ...(trial.body === undefined ? [] : unless('content-type', 'application/json')),
      ...(context ? unless('x-correlation-id', context.correlationId) : []),
      ...given,
    ],
    body: bodyOf(Buffer.from(trial.body ?? '')),
  });
  const shown =
    body.bytes && body.size <= largestShown && readable.test(headerValue(headers, 'content-type') ?? '');
  body.release();
  return {
    exchangeId: headerValue(headers, 'x-road-request-id') ?? null,
    status,
    headers: toRecord(headers),
    bodySize: body.size,
    body: shown ? (body.bytes as Buffer).toString('utf8') : null,
  };
}
