import { folder, readOptions, wholeNumber } from '../arguments.ts';
import { onboardBillers } from '../demo/onboard-billers.ts';
import { startStack } from '../stack/start-stack.ts';
import { untilStopped } from './until-stopped.ts';

/** `up`: the demonstration country on this machine, everything in one process. */
export async function up(argv: readonly string[], root: string): Promise<number> {
  const { options } = readOptions(argv, { port: 'value', data: 'value', households: 'value' });
  const began = performance.now();
  const say = (message: string): void =>
    void process.stderr.write(
      `${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${message}\n`,
    );
  const stack = await startStack({
    dataDir: folder(options.data, '.govstack'),
    root,
    port: wholeNumber(options.port, 'port', 8080, 0, 65_535),
    households: wholeNumber(options.households, 'households', 500, 10, 100_000),
    demonstration: true,
    portal: true,
    progress: say,
  });
  const bill = await onboardBillers(stack);
  process.stdout.write(
    [
      '',
      `ready ${stack.url}`,
      '',
      `  citizens and officers   ${stack.url}/`,
      `  letters that were sent  ${stack.parties.smtp.httpUrl}/`,
      `  text messages           ${stack.parties.sms.url}/`,
      `  a tax bill to pay       ${bill}, at ${stack.url}/bills`,
      '',
      '  Ctrl-C stops everything; the data stays.',
      '',
    ].join('\n'),
  );
  return untilStopped(() => stack.stop(), say);
}
