import { badRequest, type Handlers, memberOf, transaction } from '@govstack/platform';
import { audit } from '../../audit/audit.ts';
import { putDirectory, readDirectory } from '../../mapper/directory/settings.ts';
import { largestTotal } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import { listRails, putRail } from '../../rails/registry.ts';
import { putSigningPolicy, readSigningPolicy, type SigningPolicy } from '../../signatures/policy.ts';
import { actorOf, assertAdministers, assertTreasury, maySee } from '../../sources/access.ts';
import { releaseBudget } from '../../sources/budget.ts';
import {
  availableOf,
  listProgrammes,
  type Programme,
  putProgramme,
  readProgramme,
} from '../../sources/programme.ts';
import { listSources, putSource, readSource } from '../../sources/source.ts';
import { amountIn } from '../amount-in.ts';
import type { paymentsAdmin } from './operations.ts';
import { money, programmeView, railView, sourceView } from './views.ts';

type SettingsHandlers = Pick<
  Handlers<typeof paymentsAdmin.operations>,
  | 'putSource'
  | 'listSources'
  | 'setAutoApproveLimit'
  | 'putRequestSigning'
  | 'getRequestSigning'
  | 'putDirectory'
  | 'getDirectory'
  | 'putProgramme'
  | 'getProgramme'
  | 'listProgrammes'
  | 'releaseBudget'
  | 'putRail'
  | 'listRails'
>;

const signingView = ({ required, keys }: SigningPolicy) => ({
  required,
  keys: keys as readonly Record<string, unknown>[] as Record<string, unknown>[],
});

/** Settings of the treasury: who may pay what from where through whom. */
export function settingsHandlers(payments: Payments): SettingsHandlers {
  const { db } = payments;
  const view = async (programme: Programme) =>
    programmeView(payments, programme, await availableOf(db, programme));

  return {
    async putSource({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const source = await transaction(db, (trx) =>
        putSource(
          trx,
          {
            id: params.sourceId,
            application: body.application,
            name: body.name,
            institutionId: body.institutionId,
            callbackService: body.callbackService,
            callbackPath: body.callbackPath,
            callbackUrls: body.callbackUrls ?? [],
            active: body.active ?? true,
          },
          actorOf(caller, person),
        ),
      );
      return { status: 200, body: sourceView(payments, source) };
    },

    async listSources({ caller, person }) {
      assertTreasury(payments, caller, person);
      return {
        status: 200,
        body: { items: (await listSources(db)).map((source) => sourceView(payments, source)) },
      };
    },

    async putRequestSigning({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      await transaction(db, async (trx) => {
        const { id } = await readSource(trx, params.sourceId);
        await putSigningPolicy(trx, id, body, actorOf(caller, person));
      });
      return { status: 200, body };
    },

    async getRequestSigning({ params, caller, person }) {
      assertTreasury(payments, caller, person);
      const { id } = await readSource(db, params.sourceId);
      return { status: 200, body: signingView(await readSigningPolicy(db, id)) };
    },

    async putDirectory({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const { service } = body;
      const validSeconds = body.validSeconds ?? 3600;
      await transaction(db, async (trx) => {
        const { id } = await readSource(trx, params.sourceId);
        const directory = service === null ? undefined : { service, validSeconds };
        await putDirectory(trx, id, directory, actorOf(caller, person));
      });
      return { status: 200, body: service === null ? { service } : { service, validSeconds } };
    },

    async getDirectory({ params, caller, person }) {
      assertTreasury(payments, caller, person);
      const { id } = await readSource(db, params.sourceId);
      return { status: 200, body: (await readDirectory(db, id)) ?? { service: null } };
    },

    async setAutoApproveLimit({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const limit =
        body.limit === null
          ? null
          : amountIn(payments, body.limit, body.currency, '/limit', largestTotal).toString();
      await transaction(db, async (trx) => {
        await readSource(trx, params.sourceId);
        await trx
          .updateTable('source_system')
          .set({
            auto_approve_limit: limit,
            auto_approve_currency: limit === null ? null : body.currency,
            updated_at: payments.ctx.now(),
          })
          .where('id', '=', params.sourceId)
          .execute();
        await audit(trx, {
          component: 'settings',
          action: 'auto-approve-limit',
          subject: `source/${params.sourceId}`,
          actor: actorOf(caller, person),
          detail: body,
        });
      });
      return { status: 200, body: sourceView(payments, await readSource(db, params.sourceId)) };
    },

    async putProgramme({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const programme = await transaction(db, async (trx) => {
        const source = await readSource(trx, params.sourceId);
        const limit = (text: string | undefined, field: string): bigint | undefined =>
          text === undefined ? undefined : amountIn(payments, text, body.currency, `/${field}`, largestTotal);
        return putProgramme(
          payments,
          trx,
          {
            sourceId: source.id,
            id: params.programmeId,
            name: body.name,
            agency: body.agency ?? memberOf(source.application),
            currency: body.currency,
            fundingAccount: body.fundingAccount,
            payerRail: body.payerRail,
            maximumInstructionAmount: limit(body.maximumInstructionAmount, 'maximumInstructionAmount'),
            maximumRunAmount: limit(body.maximumRunAmount, 'maximumRunAmount'),
            combinePayments: body.combinePayments,
            stagger: body.stagger,
          },
          actorOf(caller, person),
        );
      });
      return { status: 200, body: await view(programme) };
    },

    async getProgramme({ params, caller, person }) {
      const source = await readSource(db, params.sourceId);
      const programme = await readProgramme(db, params.sourceId, params.programmeId);
      const owner = { application: source.application, agency: programme.agency };
      if (!maySee(payments, owner, caller, person)) assertTreasury(payments, caller, person);
      return { status: 200, body: await view(programme) };
    },

    async listProgrammes({ params, caller, person }) {
      const source = await readSource(db, params.sourceId);
      const programmes = (await listProgrammes(db, params.sourceId)).filter((programme) =>
        maySee(payments, { application: source.application, agency: programme.agency }, caller, person),
      );
      if (programmes.length === 0 && caller.application !== source.application)
        assertTreasury(payments, caller, person);
      return { status: 200, body: { items: await Promise.all(programmes.map(view)) } };
    },

    async releaseBudget({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const programme = await readProgramme(db, params.sourceId, params.programmeId);
      if (body.currency !== programme.currency)
        throw badRequest(`The programme pays in ${programme.currency}, not in ${body.currency}`);
      const amount = amountIn(payments, body.amount, body.currency, '/amount', largestTotal);
      const booked = await transaction(db, (trx) =>
        releaseBudget(trx, programme, { reference: body.reference, amount, actor: actorOf(caller, person) }),
      );
      payments.wake();
      const available = money(payments, await availableOf(db, programme), programme.currency);
      return { status: 200, body: { booked, available, currency: programme.currency } };
    },

    async putRail({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const rail = await transaction(db, (trx) =>
        putRail(
          payments,
          trx,
          {
            id: params.railId,
            adapter: body.adapter,
            settings: body.settings ?? {},
            service: body.service,
            name: body.name,
            modalities: body.modalities,
            institutions: body.institutions ?? [],
            currencies: body.currencies,
            isDefault: body.isDefault ?? false,
            rank: body.rank ?? 100,
            maximumAmounts: Object.fromEntries(
              Object.entries(body.maximumAmounts ?? {}).map(([currency, amount]) => [
                currency,
                amountIn(payments, amount, currency, `/maximumAmounts/${currency}`),
              ]),
            ),
            transfersPerSecond: body.transfersPerSecond,
            calendar: body.calendar,
            answerWithinSeconds: body.answerWithinSeconds,
            batchSize: body.batchSize ?? 500,
            concurrency: body.concurrency ?? 4,
            debtorAccount: body.debtorAccount,
            publicKey: body.publicKey,
            active: body.active ?? true,
          },
          actorOf(caller, person),
        ),
      );
      payments.wake();
      return { status: 200, body: railView(payments, rail) };
    },

    async listRails({ caller, person }) {
      assertTreasury(payments, caller, person);
      return { status: 200, body: { items: (await listRails(db)).map((rail) => railView(payments, rail)) } };
    },
  };
}
