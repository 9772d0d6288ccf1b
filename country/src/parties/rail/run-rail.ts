import { readFileSync } from 'node:fs';
import { holdFolder } from '../durable/hold-folder.ts';
import { faultSwitch, readFaults } from '../faults/fault-switch.ts';
import type { ApiInfo } from '../http/openapi.ts';
import type { Operation } from '../http/operation.ts';
import { createServer, mount } from '../http/server.ts';
import { listen } from '../program/listen.ts';
import type { PartyOptions } from '../program/options.ts';
import type { RunningParty } from '../program/run.ts';
import { toMinor } from './amount.ts';
import { railControl } from './control.ts';
import { type FundsSetting, openRail, type Rail, type RailOptions } from './engine.ts';
import { RailFaults } from './faults.ts';

export interface RailProgram {
  readonly info: ApiInfo;
  readonly rail: Pick<RailOptions, 'institution' | 'settles' | 'inOwnWords'>;
  /** Funding accounts when `--funds` names no file. */
  readonly funds: readonly FundsSetting[];
  readonly operations: (rail: Rail) => Operation[];
}

/** Options of a rail beside those of every party. */
export const railOptions = ['funds'] as const;

/** `[{account, currency, holder, balance}]`, the balance as decimal text. */
function readFunds(path: string): FundsSetting[] {
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(value) || value.length === 0)
    throw new Error(`${path} must be a list of funding accounts`);
  return value.map((one: Partial<Record<string, unknown>>, at) => {
    const { account, currency, holder, balance } = one;
    if (typeof account !== 'string' || typeof currency !== 'string' || typeof balance !== 'string') {
      throw new Error(`${path}: entry ${at} needs account, currency and balance as text`);
    }
    const minor = toMinor(balance, currency);
    if (minor === undefined) throw new Error(`${path}: entry ${at} has a bad balance`);
    return { account, currency, holder: typeof holder === 'string' ? holder : account, balance: minor };
  });
}

/** Serves a rail on one port and its control on another. */
export async function startRail(program: RailProgram, options: PartyOptions): Promise<RunningParty> {
  const faults = faultSwitch<RailFaults>(readFaults(RailFaults, options.faults) ?? {});
  const funds = options.more.funds === undefined ? program.funds : readFunds(options.more.funds);
  const release = await holdFolder(options.data);
  const rail = await openRail({
    ...program.rail,
    funds,
    faults,
    data: options.data,
    callbackUrl: options.callbackUrl,
    client: options.client,
  });
  const server = createServer();
  mount(server, program.info, program.operations(rail));
  server.get('/.well-known/jwks.json', async () => ({ keys: [rail.key.publicJwk] }));
  const control = createServer();
  mount(control, { ...program.info, title: `${program.info.title}: control` }, railControl(rail));
  const controlUrl = await listen(control, options.host, options.controlPort);
  const url = await listen(server, options.host, options.port);
  return {
    addresses: { url, controlUrl },
    async stop() {
      await Promise.all([server.close(), control.close()]);
      await rail.close();
      release();
    },
  };
}
