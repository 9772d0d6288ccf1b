import { type PartyOptions, readOptions } from './options.ts';

/** A party that serves: its addresses, as its first line of output tells them, and how to end it. */
export interface RunningParty {
  readonly addresses: Readonly<Record<string, string | number>>;
  stop(): Promise<void>;
}

export interface PartyProgram {
  readonly name: string;
  /** Options beside those of every party. */
  readonly options?: readonly string[];
  start(options: PartyOptions): Promise<RunningParty>;
}

/**
 * Runs a party as a program of its own: prints `{"ready":true,…}` on one line when it serves, ends on SIGTERM,
 * SIGINT and, when asked to, when its standard input closes.
 */
export async function runParty(program: PartyProgram): Promise<void> {
  let party: RunningParty;
  let options: PartyOptions;
  try {
    options = readOptions(process.argv.slice(2), program.options ?? []);
    party = await program.start(options);
  } catch (error) {
    process.stderr.write(`${program.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    party.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${program.name}: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (options.endWithStdin) {
    process.stdin.on('end', stop);
    process.stdin.on('error', stop);
    process.stdin.resume();
  }
  process.stderr.write(
    `${program.name}: a simulator of an outside party of the fictional Republic of Lumora\n`,
  );
  process.stdout.write(`${JSON.stringify({ ready: true, ...party.addresses })}\n`);
}
