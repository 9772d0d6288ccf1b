import { conflict } from '@govstack/platform';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';
import type { Payer } from './payer.ts';

export interface Alias {
  /** 00, 01 or 02: name spaces the published files do not explain. */
  readonly type: string;
  readonly id: string;
}

const tokenOf = (payments: Payments, alias: Alias): Buffer =>
  payments.vault.token(alias.id, `alias/${alias.type}`);
const sealedFor = (token: Buffer): string => `alias/${token.toString('hex')}`;

/**
 * A payer institution says that an alias is a customer of its own, with the account to debit; null takes it back.
 * An alias another institution holds is refused until that one lets it go.
 */
export async function putAlias(
  payments: Payments,
  trx: Trx,
  payer: Payer,
  alias: Alias,
  financialAddress: string | null | undefined,
): Promise<void> {
  const token = tokenOf(payments, alias);
  const held = await trx
    .selectFrom('payer_alias')
    .select('payer_id')
    .where('alias_type', '=', alias.type)
    .where('alias_token', '=', token)
    .forUpdate()
    .executeTakeFirst();
  if (held && held.payer_id !== payer.id) throw conflict('Another payer institution holds this alias');
  if (financialAddress === null)
    await trx
      .deleteFrom('payer_alias')
      .where('alias_type', '=', alias.type)
      .where('alias_token', '=', token)
      .where('payer_id', '=', payer.id)
      .execute();
  else {
    const address_cipher =
      financialAddress === undefined ? null : payments.vault.seal(financialAddress, sealedFor(token));
    const stored = await trx
      .insertInto('payer_alias')
      .values({ alias_type: alias.type, alias_token: token, payer_id: payer.id, address_cipher })
      .onConflict((clash) =>
        clash
          .columns(['alias_type', 'alias_token'])
          .doUpdateSet({ address_cipher, updated_at: payments.ctx.now() })
          .where('payer_alias.payer_id', '=', payer.id),
      )
      .returning('payer_id')
      .executeTakeFirst();
    if (!stored) throw conflict('Another payer institution holds this alias');
  }
  await audit(trx, {
    component: 'billers',
    action: financialAddress === null ? 'remove-alias' : 'put-alias',
    subject: `payer-institution/${payer.id}`,
    actor: payer.application,
    detail: { aliasType: alias.type },
  });
}

/** Which institution an alias leads to, and the account to debit there. */
export async function findAlias(
  payments: Payments,
  db: Db | Trx,
  alias: Alias,
): Promise<{ readonly payerId: string; readonly financialAddress: string | undefined } | undefined> {
  const token = tokenOf(payments, alias);
  const row = await db
    .selectFrom('payer_alias')
    .select(['payer_id', 'address_cipher'])
    .where('alias_type', '=', alias.type)
    .where('alias_token', '=', token)
    .executeTakeFirst();
  if (!row) return undefined;
  return {
    payerId: row.payer_id,
    financialAddress:
      row.address_cipher === null ? undefined : payments.vault.open(row.address_cipher, sealedFor(token)),
  };
}
