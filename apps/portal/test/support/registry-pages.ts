import type { RegistryClients } from '../../src/registries/clients.ts';
import type { RecordList } from '../../src/registries/list-store.ts';
import type { RegistryParts } from '../../src/registries/shell.ts';
import { loadTranslations } from '../../src/rendering/translations.ts';
import { voiceOf } from '../../src/rendering/voice.ts';
import type { SentStream } from '../../src/site/sent-form.ts';
import type { SignedInVisit } from '../../src/site/visit.ts';

const timeZone = 'Africa/Nairobi';
const owner = 'A/GOV/X/one';
const voice = voiceOf(await loadTranslations(true), 'en', timeZone);

/** What the registries answer in a test: the bodies of their operations by name. */
export type Answers = Readonly<Record<string, (input: never) => unknown>>;

export interface Shown {
  readonly template?: string;
  readonly model?: Readonly<Record<string, unknown>>;
  readonly status?: number;
  readonly location?: string;
  readonly sent?: unknown;
}

export interface Asked {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, string | readonly string[]>>;
  readonly file?: SentStream;
}

/** Pages of the registry `wells` without a site and without registries: what they ask of others, and what they would show. */
export function registryPages(
  pages: (parts: RegistryParts) => void,
  properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  answers: Answers,
  kept: Readonly<Record<string, RecordList>> = {},
) {
  const known: Answers = {
    listUsableRegistries: () => ({
      registries: [
        { code: 'wells', name: 'Wells', archived: false, version: '1', records: 2, countIsExact: true },
      ],
    }),
    readSchema: () => ({ type: 'object', properties }),
    ...answers,
  };
  const client = new Proxy(
    {},
    { get: (_, operation: string) => async (input: never) => ({ body: await known[operation]?.(input) }) },
  );
  const handlers = new Map<string, (visit: SignedInVisit, file?: SentStream) => Promise<unknown>>();
  const register =
    (method: string) =>
    (path: string, _access: unknown, handler: (visit: SignedInVisit) => Promise<unknown>) =>
      void handlers.set(`${method} ${path}`, handler);
  pages({
    site: { page: register('GET'), action: register('POST'), upload: register('POST') },
    clients: new Proxy({}, { get: () => () => client }) as RegistryClients,
    owners: () => [owner],
    lists: {
      find: async (_person: string, _registry: string, id: string) => kept[id],
      named: async () => [],
      keep: async () => 'kept',
    },
    timeZone,
  } as unknown as RegistryParts);

  return async (route: string, { params, query = {}, body = {}, file }: Asked = {}): Promise<Shown> => {
    const answer: { -readonly [key in keyof Shown]: Shown[key] } = {};
    const reply = {
      header: () => reply,
      send: (sent: unknown) => {
        answer.sent = sent;
        return reply;
      },
    };
    const visit = {
      voice,
      reply,
      params: { registry: 'wells', ...params },
      query,
      body,
      viewer: { id: 'sana', name: 'Sana', roles: ['registry-analyst'], claims: {}, agency: 'A/GOV/X' },
      show: (template: string, model: Record<string, unknown>, status = 200) =>
        Object.assign(answer, { template, model, status }),
      goTo: (location: string) => Object.assign(answer, { location }),
      leaveNotice: () => undefined,
    };
    await handlers.get(route)?.(visit as unknown as SignedInVisit, file);
    return answer;
  };
}
