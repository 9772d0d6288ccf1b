import { forbidden } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { attempt, orRefused, type PageError } from './refusals.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import { whoDid } from './words.ts';

const here = '/treasury/keys';

/** Keys under which data and numbers of vouchers lie sealed: how much depends on each, and a new one, for custodians who administer nothing else (PAY-6.15, PAY-6.2.5-e). */
export function keyPages(parts: TreasuryParts): void {
  const { site, clients, names } = parts;

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const [vault, vouchers] = await Promise.all([
      orRefused(clients.oversight.listVaultKeys({})),
      orRefused(clients.vouchers.listVoucherKeys({})),
    ]);
    if (!vault && !vouchers) throw forbidden('Keys are seen by those who keep them');
    return visit.show(
      'treasury/keys.njk',
      {
        ...frame(parts, visit, 'keys'),
        vault: vault?.body.items.map((one) => ({
          ...one,
          by: whoDid(visit, names, one.createdBy),
          count: one.sealed.reduce((sum, { count }) => sum + count, 0),
        })),
        voucherKeys: vouchers?.body.items.map((one) => ({ ...one, by: whoDid(visit, names, one.createdBy) })),
        newest: {
          vault: Math.max(...(vault?.body.items ?? []).map((one) => one.number)),
          vouchers: Math.max(...(vouchers?.body.items ?? []).map((one) => one.keyId)),
        },
        reason: input(visit, 'reason'),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(here, access, (visit) => show(visit));

  site.action(here, access, async (visit) => {
    const reason = input(visit, 'reason').slice(0, 500);
    const ofVouchers = input(visit, '_action') === 'vouchers';
    // Sent twice, the form changes a key once.
    const shown = input(visit, 'replaces');
    const replaces = /^\d{1,9}$/.test(shown) ? { replaces: Number(shown) } : {};
    const errors =
      !ofVouchers && reason === ''
        ? [{ text: visit.voice.t('treasury.run.reasonNeeded'), href: '#reason' }]
        : await attempt(visit, '#reason', () =>
            ofVouchers
              ? clients.vouchers.rotateVoucherKey({ query: replaces })
              : clients.oversight.rotateVaultKey({ body: { reason, ...replaces } }),
          );
    if (errors) return show(visit, errors);
    visit.leaveNotice('keyChanged');
    return visit.goTo(here);
  });
}
