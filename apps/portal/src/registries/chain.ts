import { input, type SignedInVisit } from '../site/visit.ts';
import { logFrame } from './log.ts';
import { designerRoles } from './roles.ts';
import { openRegistry, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };
const checkpointsShown = 10;
const checkpointsAsked = 1000;

/** Whether what was changed still says what it said: the chain of changes, and what is signed over it (REG-4.1-h). */
export function chainPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  /** The newest checkpoints, newest first, and how many there are. */
  async function newestCheckpoints(owner: string) {
    const insight = clients.insight(owner);
    let after = 0;
    for (let newest: { number: number; from: string; to: string; at: string }[] = []; ; ) {
      const { checkpoints } = (await insight.listCheckpoints({ query: { after, limit: checkpointsAsked } }))
        .body;
      newest = [...newest, ...checkpoints].slice(-checkpointsShown);
      if (checkpoints.length < checkpointsAsked) return newest.reverse();
      after = checkpoints.at(-1)?.number ?? after;
    }
  }

  async function show(visit: SignedInVisit, verify = false) {
    const registry = await openRegistry(parts, visit);
    const { owner } = registry.place;
    const verified = verify ? (await clients.insight(owner).verifyChain({ body: {} })).body : undefined;
    return visit.show('registries/chain.njk', {
      ...logFrame(visit, registry, 'chain'),
      checkpoints: await newestCheckpoints(owner),
      verified,
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
