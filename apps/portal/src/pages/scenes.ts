import { Problem } from '@govstack/platform';
import type { Exchange } from '../backend.ts';
import { exchangesToSvg } from '../diagrams/sequence-diagram.ts';
import type { SignedInVisit, Visit } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

const mostDrawn = 150;

/** Behind the scenes: which building blocks spoke to each other, in order, and under which right. */
export function scenePages({ site, backend, settings }: PageParts): void {
  const show = (
    visit: Visit,
    exchanges: readonly Exchange[],
    model: Readonly<Record<string, unknown>>,
  ): ReturnType<Visit['show']> => {
    const { t } = visit.voice;
    const drawn = exchanges.slice(0, mostDrawn);
    return visit.show('scenes/exchanges.njk', {
      onScenes: true,
      exchanges,
      left: exchanges.length - drawn.length,
      applications: new Set(exchanges.flatMap((one) => [one.client.id, one.provider.id])).size,
      allVerified: exchanges.every((one) => one.verified),
      svg:
        drawn.length === 0
          ? undefined
          : exchangesToSvg(drawn, {
              title: t('scenes.diagramTitle'),
              description: t('scenes.diagramDescription', { count: drawn.length }),
              verified: t('scenes.verified'),
              unverified: t('scenes.unverified'),
              refused: t('scenes.refused'),
              noAnswer: t('scenes.noAnswer'),
              right: (right) => t('scenes.rightUsed', { right }),
              noRight: t('scenes.noRight'),
              milliseconds: (value) => t('scenes.milliseconds', { value: visit.voice.formats.number(value) }),
              onBehalf: (operator) => t('scenes.carriedBy', { operator }),
              text: visit.voice.text,
              direction: visit.voice.direction,
              language: visit.voice.language,
            }),
      ...model,
    });
  };

  site.page('/applications/:application/behind-the-scenes', 'signed-in', async (visit: SignedInVisit) => {
    if (!settings.demonstration) throw new Problem(404, 'only in the demonstration');
    const applicationId = visit.params.application as string;
    const exchanges = await backend.exchanges(visit.viewer, { applicationId });
    const staff = visit.viewer.roles.length > 0;
    return show(visit, exchanges, {
      ofApplication: true,
      section: staff ? 'tasks' : 'applications',
      back: staff ? '/office/tasks' : `/applications/${encodeURIComponent(applicationId)}`,
    });
  });

  site.page('/behind-the-scenes/actions/:correlation', async (visit) => {
    if (!settings.demonstration) throw new Problem(404, 'only in the demonstration');
    const correlationId = visit.params.correlation as string;
    if (!/^[A-Za-z0-9._:-]{1,128}$/.test(correlationId)) throw new Problem(404, 'no such action');
    const viewer = visit.viewer ?? {
      id: '',
      name: '',
      roles: [],
      claims: {},
      language: visit.voice.language,
    };
    const exchanges = await backend.exchanges(viewer, { correlationId });
    return show(visit, exchanges, { ofApplication: false, back: '/' });
  });
}
