import type { FormBody } from '../forms/entry.ts';
import type { PageError } from '../registries/refusals.ts';
import type { ProcessClients } from './clients.ts';

export type ConnectionSettings = Parameters<ProcessClients['admin']['putConnection']>[0]['body']['settings'];
export type ConnectionKind = ConnectionSettings['kind'];
type HttpSettings = Extract<ConnectionSettings, { kind: 'http' }>;
type SmtpSettings = Extract<ConnectionSettings, { kind: 'smtp' }>;
type Authentication = HttpSettings['authentication'];

export const connectionKinds: readonly ConnectionKind[] = ['http', 'smtp', 'sms'];
export const methods: readonly HttpSettings['methods'][number][] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
];
export const authentications: readonly Authentication['kind'][] = [
  'none',
  'basic',
  'bearer',
  'header',
  'oauth2',
];
export const tlsChoices: readonly SmtpSettings['tls'][] = ['implicit', 'starttls', 'none'];

/** Inputs of the form, besides the secret, which is never shown. */
const names = [
  'baseUrl',
  'authentication',
  'user',
  'headerName',
  'tokenUrl',
  'clientId',
  'scope',
  'headers',
  'host',
  'port',
  'tls',
  'from',
  'perMinute',
  'timeout',
] as const;
type Name = (typeof names)[number];
export type Entered = Readonly<Partial<Record<Name, string>>> & { readonly methods: readonly string[] };

/** The settings as the form shows them. */
export function enteredOf(settings: ConnectionSettings): Entered {
  const limits = {
    perMinute: String(settings.perMinute ?? ''),
    timeout: settings.timeoutMs === undefined ? '' : String(settings.timeoutMs / 1000),
  };
  if (settings.kind === 'smtp') {
    const { host, port, tls, user = '', from } = settings;
    return { ...limits, host, port: String(port), tls, user, from, methods: [] };
  }
  const { authentication: by } = settings;
  const headers = settings.kind === 'http' ? Object.entries(settings.headers ?? {}) : [];
  return {
    ...limits,
    baseUrl: settings.baseUrl,
    authentication: by.kind,
    user: by.kind === 'basic' ? by.user : '',
    headerName: by.kind === 'header' ? by.name : '',
    ...(by.kind === 'oauth2' ? { tokenUrl: by.tokenUrl, clientId: by.clientId, scope: by.scope ?? '' } : {}),
    headers: headers.map(([name, value]) => `${name}: ${value}`).join('\n'),
    methods: settings.kind === 'http' ? settings.methods : [],
  };
}

/** What a sent form says. */
export const enteredIn = (body: FormBody): Entered => ({
  ...Object.fromEntries(names.map((name) => [name, [body[name] ?? ''].flat()[0]?.trim() ?? ''])),
  methods: [body.methods ?? []].flat(),
});

type Say = (name: string) => string;

/** The settings that a form means, and what is missing in it. `say`: the words for an input that is missing or wrong. */
export function settingsOf(
  kind: ConnectionKind,
  entered: Entered,
  say: Say,
): { readonly settings: ConnectionSettings; readonly errors: readonly PageError[] } {
  const errors: PageError[] = [];
  const wrong = (name: string): void => {
    errors.push({ text: say(name), href: `#${name}` });
  };
  const needed = (name: Name): string => {
    const value = entered[name] ?? '';
    if (value === '') wrong(name);
    return value;
  };
  const chosen = <T extends string>(name: Name, among: readonly T[]): T => {
    const value = among.find((one) => one === entered[name]);
    if (value === undefined) wrong(name);
    return value ?? (among[0] as T);
  };
  const whole = (name: Name, text: string): number => {
    if (!/^[1-9]\d{0,5}$/.test(text)) wrong(name);
    return Number(text);
  };
  const optional = <K extends string, T>(key: K, name: Name, read: (text: string) => T) =>
    ((entered[name] ?? '') === '' ? {} : { [key]: read(entered[name] as string) }) as { [P in K]?: T };

  const authentication = (): Authentication => {
    switch (chosen('authentication', authentications)) {
      case 'basic':
        return { kind: 'basic', user: needed('user') };
      case 'bearer':
        return { kind: 'bearer' };
      case 'header':
        return { kind: 'header', name: needed('headerName') };
      case 'oauth2':
        return {
          kind: 'oauth2',
          tokenUrl: needed('tokenUrl'),
          clientId: needed('clientId'),
          ...optional('scope', 'scope', (text) => text),
        };
      default:
        return { kind: 'none' };
    }
  };
  const headersOf = (text: string): Record<string, string> =>
    Object.fromEntries(
      text.split('\n').flatMap((line) => {
        if (line.trim() === '') return [];
        const [, name, value] = /^([A-Za-z0-9-]+):\s*(\S.*)$/.exec(line.trim()) ?? [];
        if (name === undefined || value === undefined) wrong('headers');
        return [[name ?? '', value ?? '']];
      }),
    );
  const limits = () => ({
    ...optional('perMinute', 'perMinute', (text) => whole('perMinute', text)),
    ...optional('timeoutMs', 'timeout', (text) => whole('timeout', text) * 1000),
  });

  if (kind === 'smtp') {
    const settings: SmtpSettings = {
      kind,
      host: needed('host'),
      port: whole('port', entered.port ?? ''),
      tls: chosen('tls', tlsChoices),
      ...optional('user', 'user', (text) => text),
      from: needed('from'),
      ...limits(),
    };
    return { settings, errors };
  }
  const base = { baseUrl: needed('baseUrl'), authentication: authentication() };
  if (kind === 'sms') return { settings: { kind, ...base, ...limits() }, errors };
  const allowed = methods.filter((one) => entered.methods.includes(one));
  if (allowed.length === 0) wrong('methods');
  return {
    settings: { kind, ...base, methods: allowed, ...optional('headers', 'headers', headersOf), ...limits() },
    errors,
  };
}
