import { input, type SignedInVisit } from '../site/visit.ts';
import { logFrame } from './log.ts';
import { designerRoles } from './roles.ts';
import { openRegistry, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };
const checkpointsShown = 10;

/** Whether what was changed still says what it said: the chain of changes, and what is signed over it (REG-4.1-h). */
export function chainPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  async function show(visit: SignedInVisit, verify = false) {
    const registry = await openRegistry(parts, visit);
    const { owner } = registry.place;
    const insight = clients.insight(owner);
    const [newest, verified] = await Promise.all([
      insight.listCheckpoints({ query: { newest: true, limit: checkpointsShown } }),
      verify ? insight.verifyChain({ body: {} }) : undefined,
    ]);
    return visit.show('registries/chain.njk', {
      ...logFrame(visit, registry, 'chain'),
      checkpoints: newest.body.checkpoints,
      verified: verified?.body,
    });
  }

  site.page('/registries/:registry/log/chain', access, (visit) => show(visit));

  site.action('/registries/:registry/log/chain', access, async (visit) => {
    if (input(visit, '_action') !== 'sign') return show(visit, true);
    const { place } = await openRegistry(parts, visit);
    await clients.insight(place.owner).makeCheckpoint({});
    visit.leaveNotice('registrySaved');
    return visit.goTo(`${place.base}/log/chain`);
  });
}
