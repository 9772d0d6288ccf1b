/** Why an exchange ended without an answer of its provider. */
export type Impatience = 'timeout' | 'aborted';

export class NotAnswered extends Error {
  readonly why: Impatience;
  constructor(why: Impatience) {
    super(why === 'timeout' ? 'the provider did not answer in time' : 'the client gave up');
    this.name = 'NotAnswered';
    this.why = why;
  }
}

const whyAborted = (signal: AbortSignal): NotAnswered =>
  new NotAnswered((signal.reason as Error | undefined)?.name === 'TimeoutError' ? 'timeout' : 'aborted');

/**
 * Runs `work` for at most `milliseconds` and as long as the client waits; then tells it to stop by its signal and
 * rejects with `NotAnswered` without waiting for it to obey.
 */
export async function withPatience<T>(
  milliseconds: number,
  client: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (client?.aborted) throw whyAborted(client);
  const controller = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const stop = (reason: NotAnswered): void => {
      controller.abort(reason);
      reject(reason);
    };
    const clientGone = (): void => stop(whyAborted(client as AbortSignal));
    const timer = setTimeout(() => stop(new NotAnswered('timeout')), milliseconds);
    client?.addEventListener('abort', clientGone, { once: true });
    work(controller.signal)
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        client?.removeEventListener('abort', clientGone);
      });
  });
}
