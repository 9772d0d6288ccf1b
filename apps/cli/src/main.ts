/** The launcher starts us in the project's folder. */
const root = process.cwd();

interface Command {
  readonly usage: string;
  readonly summary: string;
  readonly run: (argv: readonly string[]) => Promise<number>;
}

/** Each command loads only what it needs. */
const commands: Readonly<Record<string, Command>> = {
  up: {
    usage: 'up [--port 8080] [--data DIR] [--households 500]',
    summary: 'start the demonstration country: all blocks, the service, the portal',
    run: async (argv) => (await import('./commands/up.ts')).up(argv, root),
  },
  down: {
    usage: 'down [--data DIR]',
    summary: 'stop what `up` started',
    run: async (argv) => (await import('./commands/down.ts')).down(argv),
  },
  serve: {
    usage:
      'serve BLOCK --port N [--profile compliance] [--application I/C/M/A] [--data DIR] [--host H --certificate PEM --key PEM]',
    summary: 'run one building block alone, with its own database',
    run: async (argv) => (await import('./commands/serve.ts')).serve(argv),
  },
  mediator: {
    usage: 'mediator key | call | container | verify …',
    summary: 'keys of applications, calls through an information mediator, evidence and its verification',
    run: async (argv) => (await import('./commands/mediator.ts')).mediator(argv),
  },
  demo: {
    usage: 'demo cash-transfer --households N [--data DIR]',
    summary: 'run the social cash transfer over a list of households and check every invariant',
    run: async (argv) => (await import('./demo/demo.ts')).demo(argv, root),
  },
  openapi: {
    usage: 'openapi BLOCK',
    summary: "print a block's OpenAPI 3.1 documents by service code",
    run: async (argv) => (await import('./commands/openapi.ts')).openapi(argv),
  },
  requirements: {
    usage: 'requirements [--block NAME] [--json]',
    summary: 'which requirement is proven by which test',
    run: async (argv) => (await import('@govstack/conformance')).runRequirements(argv, root),
  },
  test: {
    usage: 'test [VITEST ARGUMENTS]',
    summary: 'check types, lint and boundaries, then run every test',
    run: async (argv) => (await import('@govstack/conformance')).runTests(argv, root),
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
  try {
    process.exitCode = await command.run(argv);
  } catch (error) {
    process.stderr.write(`${process.env.DEBUG ? (error as Error).stack : (error as Error).message}\n`);
    process.exitCode = 1;
  }
}
