import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { applicationId } from '../lumora/directory.ts';
import type { BillFaults } from './bills/faults.ts';
import type { MailFaults } from './mail/faults.ts';
import type { RailFaults } from './rail/faults.ts';
import type { SmsFaults } from './sms/faults.ts';

/** The outside parties, by the name they have here. */
export type PartyName = 'bank' | 'mobileMoney' | 'smtp' | 'sms' | 'revenue' | 'bankBills';

const programs = {
  bank: 'bank.ts',
  mobileMoney: 'mobile-money.ts',
  smtp: 'smtp.ts',
  sms: 'sms-gateway.ts',
  revenue: 'revenue.ts',
  bankBills: 'bank-bills.ts',
} as const satisfies Record<PartyName, string>;

/** Folders of parties that are not called like them. */
const folders: Partial<Record<PartyName, string>> = { mobileMoney: 'mobile-money', bankBills: 'bank-bills' };

/** Applications under which the parties that send notices are known at the information mediator. */
export const partyApplications = {
  bank: applicationId('FNB', 'rail'),
  mobileMoney: applicationId('LMM', 'rail'),
  sms: applicationId('TEL', 'sms-gateway'),
  bankBills: applicationId('FNB', 'bills'),
} as const;

export interface PartiesOptions {
  /** Everything the parties remember is below it. */
  readonly dataDir: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /**
   * Where notices go, such as `http://127.0.0.1:8080/r1/{service}/transfer-results`; `{service}` stands for the
   * service that the caller named (mobile money only). A party without one keeps its notices until it gets one.
   */
  readonly callbackUrls?: Partial<Record<keyof typeof partyApplications, string>>;
  /** Whether notices carry the party's proof of identity for the information mediator. Default true. */
  readonly identify?: boolean;
  readonly faults?: {
    readonly bank?: RailFaults;
    readonly mobileMoney?: RailFaults;
    readonly smtp?: MailFaults;
    readonly sms?: SmsFaults;
    readonly revenue?: BillFaults;
    readonly bankBills?: BillFaults;
  };
  /** Any free port for those that are not given. `smtpHttp` is the mailboxes' page. */
  readonly ports?: Partial<Record<PartyName | 'smtpHttp', number>>;
  /** Key that senders of text messages show; a random one by default. */
  readonly smsKey?: string;
  /** Told when a party ends without having been asked to. */
  readonly onExit?: (party: PartyName, code: number | null) => void;
}

/** A party that was started: its addresses and its process. */
export interface Party {
  readonly url: string;
  /** Faults, deposits and the like: see `GET /openapi.json` there. */
  readonly controlUrl: string;
  readonly process: ChildProcess;
}

export interface Parties {
  readonly bank: Party;
  readonly mobileMoney: Party;
  readonly smtp: Party & { readonly port: number; readonly httpUrl: string };
  readonly sms: Party & { readonly apiKey: string };
  readonly revenue: Party;
  readonly bankBills: Party;
  /** Ends all of them in order; what they promised is on the disk. */
  stop(): Promise<void>;
}

const readyTimeoutMs = 60_000;
const stopTimeoutMs = 5_000;

/** Starts the outside parties as processes of their own with the Node.js of this one. They end when this process ends. */
export async function startParties(options: PartiesOptions): Promise<Parties> {
  const {
    dataDir,
    host = '127.0.0.1',
    callbackUrls = {},
    faults = {},
    ports = {},
    identify = true,
  } = options;
  const smsKey = options.smsKey ?? randomBytes(24).toString('base64url');
  const children = new Set<ChildProcess>();
  let stopping = false;

  const start = async (
    name: PartyName,
  ): Promise<{ addresses: Record<string, string>; process: ChildProcess }> => {
    const data = join(dataDir, folders[name] ?? name);
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const args = ['--host', host, '--data', data, '--port', String(ports[name] ?? 0), '--end-with-stdin'];
    if (name === 'smtp') args.push('--http-port', String(ports.smtpHttp ?? 0));
    const partyFaults = faults[name];
    if (partyFaults !== undefined) {
      const file = join(data, 'faults.json');
      writeFileSync(file, JSON.stringify(partyFaults));
      args.push('--faults', file);
    }
    if (name !== 'smtp' && name !== 'revenue') {
      const url = callbackUrls[name];
      if (url !== undefined) args.push('--callback-url', url);
      if (identify) args.push('--client', partyApplications[name]);
    }
    const program = fileURLToPath(new URL(programs[name], import.meta.url));
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...(name === 'sms' ? { SMS_GATEWAY_KEY: smsKey } : {}) },
    });
    children.add(child);
    const addresses = await readyLine(name, child);
    child.once('exit', (code) => {
      children.delete(child);
      if (!stopping) options.onExit?.(name, code);
    });
    return { addresses, process: child };
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    await Promise.all([...children].map(end));
  };

  const started = await Promise.allSettled(
    (['bank', 'mobileMoney', 'smtp', 'sms', 'revenue', 'bankBills'] as const).map(start),
  );
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const [bank, mobileMoney, smtp, sms, revenue, bankBills] = started.map((one) => {
    const { addresses, process: child } = (one as PromiseFulfilledResult<Awaited<ReturnType<typeof start>>>)
      .value;
    return { ...addresses, process: child };
  });
  return {
    bank: bank as unknown as Parties['bank'],
    mobileMoney: mobileMoney as unknown as Parties['mobileMoney'],
    smtp: smtp as unknown as Parties['smtp'],
    sms: { ...(sms as unknown as Party), apiKey: smsKey },
    revenue: revenue as unknown as Party,
    bankBills: bankBills as unknown as Party,
    stop,
  };
}

/** The first line of output, in which a party says where it serves. Rejects with what it said when it ended instead. */
function readyLine(name: PartyName, child: ChildProcess): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    let complaint = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${name} did not start within ${readyTimeoutMs / 1000} seconds. ${complaint}`));
    }, readyTimeoutMs);
    child.stderr?.on('data', (data: Buffer) => {
      complaint = (complaint + data.toString()).slice(-2_000);
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('exit', () => {
      clearTimeout(timer);
      reject(new Error(`${name} did not start. ${complaint.trim()}`));
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line) as Record<string, string>);
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await ended;
  clearTimeout(timer);
}
