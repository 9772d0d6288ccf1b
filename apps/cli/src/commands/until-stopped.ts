/** Waits for Ctrl-C or SIGTERM, then stops in order; a second signal ends at once. */
export async function untilStopped(
  stop: () => Promise<void>,
  say: (message: string) => void,
): Promise<number> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  say('stopping');
  await stop();
  say('stopped');
  return 0;
}
