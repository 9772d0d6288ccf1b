import { Problem } from '@govstack/platform';
import type { PageError } from '../registries/refusals.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import {
  authentications,
  type ConnectionKind,
  type ConnectionSettings,
  connectionKinds,
  type Entered,
  enteredIn,
  enteredOf,
  methods,
  settingsOf,
  tlsChoices,
} from './connection-entry.ts';
import { attempt } from './refusals.ts';
import { frame, operatorAccess, type ProcessParts } from './shell.ts';

const namePattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
const codePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const codeOf = (application: string): string => application.split('/').at(-1) as string;
const placeOf = (settings: ConnectionSettings): string =>
  settings.kind === 'smtp' ? `${settings.host}:${settings.port}` : settings.baseUrl;
const pathOf = (code: string, name: string): string =>
  `/processes/connections/${encodeURIComponent(code)}/${encodeURIComponent(name)}`;

/** Ways out of the mediator: what an agency's processes may reach, with which secret, and who changed it (WF-4.1). */
export function connectionPages({ site, clients: { admin }, names }: ProcessParts): void {
  const path = '/processes/connections';
  const one = `${path}/:application/:name`;

  async function list(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const [{ connections }, { processes }] = await Promise.all([
      admin.listConnections({}).then(({ body }) => body),
      admin.getStatistics({}).then(({ body }) => body),
    ]);
    const within = `${visit.viewer.agency}/`;
    const owners = [
      ...connections.map(({ application }) => application),
      ...processes.map(({ owner }) => owner),
    ];
    return visit.show(
      'processes/connections.njk',
      {
        ...frame(visit, 'connections'),
        here: path,
        connections: connections
          .filter(({ application }) => application.startsWith(within))
          .map((each) => ({
            ...each,
            owner: names.application(each.application),
            place: placeOf(each.settings),
            href: pathOf(codeOf(each.application), each.name),
          })),
        applications: [...new Set(owners.filter((owner) => owner.startsWith(within)).map(codeOf))],
        kinds: connectionKinds,
        entered: { name: input(visit, 'name'), application: input(visit, 'application') },
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(path, operatorAccess, (visit) => list(visit));

  site.action(path, operatorAccess, async (visit) => {
    const { t } = visit.voice;
    const [code, name, kind] = ['application', 'name', 'kind'].map((each) => input(visit, each)) as [
      string,
      string,
      string,
    ];
    const wrong = (field: string): PageError => ({
      text: t(`processes.connections.wrong.${field}`),
      href: `#${field}`,
    });
    const errors = [
      ...(codePattern.test(code) ? [] : [wrong('application')]),
      ...(namePattern.test(name) ? [] : [wrong('name')]),
    ];
    if (errors.length > 0) return list(visit, errors);
    return visit.goTo(`${pathOf(code, name)}?${new URLSearchParams({ kind })}`);
  });

  /** The connection that an address names, when there is one. */
  async function find(visit: SignedInVisit) {
    const { application: code = '', name = '' } = visit.params;
    if (!codePattern.test(code) || !namePattern.test(name)) throw new Problem(404, 'no such thing');
    const application = `${visit.viewer.agency}/${code}`;
    const { connections } = (await admin.listConnections({})).body;
    const known = connections.find((each) => each.application === application && each.name === name);
    const asked = input(visit, 'kind') || visit.query.kind;
    const kind = connectionKinds.find((each) => each === asked) ?? known?.settings.kind;
    if (kind === undefined) throw new Problem(404, 'no such thing');
    return { application, code, name, known, kind };
  }
  type Found = Awaited<ReturnType<typeof find>>;

  async function show(
    visit: SignedInVisit,
    { application, code, name, known, kind }: Found,
    entered?: Entered,
    errors: readonly PageError[] = [],
  ) {
    const log = await admin.getConnectionLog({ params: { name }, query: { application } });
    const fresh = { methods: ['GET', 'POST'], authentication: 'bearer', tls: 'starttls', port: '587' };
    const same = known?.settings.kind === kind ? known.settings : undefined;
    return visit.show(
      'processes/connection.njk',
      {
        ...frame(visit, 'connections'),
        here: pathOf(code, name),
        back: path,
        name,
        owner: names.application(application),
        kind: kind satisfies ConnectionKind,
        known,
        entered: entered ?? (same ? enteredOf(same) : fresh),
        reason: entered === undefined ? '' : input(visit, 'reason'),
        methods,
        authentications,
        tlsChoices,
        log: log.body.entries.map((entry) => ({
          ...entry,
          place: entry.settings === null ? undefined : placeOf(entry.settings),
        })),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(one, operatorAccess, async (visit) => show(visit, await find(visit)));

  site.action(one, operatorAccess, async (visit) => {
    const found = await find(visit);
    const { application, name, kind } = found;
    const { t } = visit.voice;
    const removes = input(visit, 'choice') === 'remove';
    const reason = input(visit, 'reason').slice(0, 1000);
    const unsaid = { text: t('processes.reasonMissing'), href: removes ? '#remove-reason' : '#reason' };
    if (removes) {
      const errors =
        reason === ''
          ? [unsaid]
          : await attempt(visit, unsaid.href, () =>
              admin.removeConnection({ params: { name }, body: { application, reason } }),
            );
      if (errors) return show(visit, found, undefined, errors);
      visit.leaveNotice('connectionRemoved');
      return visit.goTo(path);
    }
    const entered = enteredIn(visit.body);
    const { settings, errors: wrong } = settingsOf(kind, entered, (field) =>
      t(`processes.connections.wrong.${field}`),
    );
    const errors = [...wrong, ...(reason === '' ? [unsaid] : [])];
    if (errors.length > 0) return show(visit, found, entered, errors);
    const secret = [visit.body.secret ?? ''].flat()[0] ?? '';
    const refused = await attempt(visit, '#settings', () =>
      admin.putConnection({
        params: { name },
        body: { application, settings, reason, ...(secret === '' ? {} : { secret }) },
      }),
    );
    if (refused) return show(visit, found, entered, refused);
    visit.leaveNotice('connectionSaved');
    return visit.goTo(pathOf(found.code, name));
  });
}
