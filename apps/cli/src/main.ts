import { runRequirements, runTests } from '@govstack/conformance';

/** The launcher starts us in the project's folder. */
const root = process.cwd();

interface Command {
  readonly usage: string;
  readonly summary: string;
  readonly run: (argv: readonly string[]) => Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  test: {
    usage: 'test [VITEST ARGUMENTS]',
    summary: 'check types, lint and boundaries, then run every test',
    run: (argv) => runTests(argv, root),
  },
  requirements: {
    usage: 'requirements [--block NAME] [--json]',
    summary: 'which requirement is proven by which test',
    run: async (argv) => runRequirements(argv, root),
  },
};

const help = (): string =>
  [
    'The GovStack building blocks and services.',
    '',
    ...Object.values(commands).map(({ usage, summary }) => `  ./govstack ${usage}\n      ${summary}`),
    '',
  ].join('\n');

const [name, ...argv] = process.argv.slice(2);
const command = name === undefined ? undefined : commands[name];
if (!command || argv.includes('--help')) {
  process.stdout.write(command ? `./govstack ${command.usage}\n    ${command.summary}\n` : help());
  process.exitCode = command || name === undefined || name === '--help' || name === 'help' ? 0 : 2;
} else {
  process.exitCode = await command.run(argv);
}
