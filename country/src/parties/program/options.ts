import { parseArgs } from 'node:util';

/** What every party can be told on its command line. */
export interface PartyOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly controlPort: number;
  readonly host: string;
  /** Folder of everything that survives a restart; nothing survives without one. */
  readonly data: string | undefined;
  readonly faults: string | undefined;
  readonly callbackUrl: string | undefined;
  /** INSTANCE/CLASS/MEMBER/APPLICATION of the party at the information mediator. */
  readonly client: string | undefined;
  /** Whether the party ends when its standard input closes, as it does when the one who started it dies. */
  readonly endWithStdin: boolean;
  /** Other options of the party, by name. */
  readonly more: Readonly<Record<string, string>>;
}

const common = ['port', 'control-port', 'host', 'data', 'faults', 'callback-url', 'client'] as const;

function portOf(name: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port > 65_535)
    throw new Error(`--${name} must be a port from 0 to 65535`);
  return port;
}

/** Reads a command line. Throws with what is wrong in it. */
export function readOptions(args: readonly string[], more: readonly string[]): PartyOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries([...common, ...more].map((name) => [name, { type: 'string' as const }])),
      'end-with-stdin': { type: 'boolean' },
    },
  });
  const text = (name: string): string | undefined =>
    (values as Readonly<Record<string, string | undefined>>)[name];
  const callbackUrl = text('callback-url');
  if (callbackUrl !== undefined && !/^https?:\/\/\S+$/.test(callbackUrl)) {
    throw new Error('--callback-url must be an http or https URL');
  }
  return {
    port: portOf('port', text('port')),
    controlPort: portOf('control-port', text('control-port')),
    host: text('host') ?? '127.0.0.1',
    data: text('data'),
    faults: text('faults'),
    callbackUrl,
    client: text('client'),
    endWithStdin: values['end-with-stdin'] === true,
    more: Object.fromEntries(
      more.flatMap((name) => (text(name) === undefined ? [] : [[name, text(name) as string]])),
    ),
  };
}
