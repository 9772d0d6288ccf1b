import { applicationOf, type Handlers } from '@govstack/platform';
import { answerQuestion, askQuestion, listQuestions } from '../../history/questions.ts';
import { logReport } from '../../history/read-log.ts';
import { searchChanges, searchSchemaChanges } from '../../history/search-changes.ts';
import { inWords, searchReads, usageEntries } from '../../history/search-reads.ts';
import { isAnalyst, subjectOfReport } from '../../history/usage-report.ts';
import { readerOf } from '../reader-of.ts';
import type { logOperations } from './log-operations.ts';
import type { InsightParts } from './parts.ts';

const defaultPage = 100;
const paged = <T extends { readonly pageSize?: number; readonly after?: string }>(asked: T) => ({
  ...asked,
  pageSize: asked.pageSize ?? defaultPage,
  after: asked.after,
});
const answered = <T>({
  entries,
  next,
}: {
  readonly entries: readonly T[];
  readonly next: string | undefined;
}) => ({
  status: 200 as const,
  body: { entries: [...entries], ...(next === undefined ? {} : { next }) },
});

export function logHandlers(parts: InsightParts): Handlers<typeof logOperations> {
  const { db, gate, sealing } = parts;
  return {
    async searchChanges({ body, ...who }) {
      return answered(await searchChanges(db, gate.administer(who), paged(body)));
    },
    async searchSchemaChanges({ body, ...who }) {
      return answered(await searchSchemaChanges(db, gate.administer(who), paged(body)));
    },
    async searchReads({ body, caller, person }) {
      const owner = gate.administer({ caller, person });
      const records = body.record === undefined ? [] : [body.record];
      await logReport(db, owner, readerOf(caller, person), 'search-of-log', [], records);
      return answered(await searchReads(db, owner, paged(body)));
    },
    async readUsageReport({ body, caller, person }) {
      const owner = applicationOf(caller.service);
      const subject = await subjectOfReport(parts, owner, readerOf(caller, person), body.identifier);
      const { entries, next } = await usageEntries(db, owner, subject, paged(body));
      return answered({ next, entries: entries.map((entry) => ({ ...entry, inWords: inWords(entry) })) });
    },
    async askAboutUsage({ params, body, caller, person }) {
      const owner = applicationOf(caller.service);
      const subject = parts.hash(await parts.ownIdentifier(person.id));
      const about = { owner, entry: params.id, person: person.id, subject };
      return { status: 201, body: { id: await askQuestion(db, sealing, about, body.question) } };
    },
    async listUsageQuestions({ caller, person }) {
      const owner = applicationOf(caller.service);
      const analyst = isAnalyst(gate, readerOf(caller, person));
      if (!analyst && !person) gate.administer({ caller, person });
      return { status: 200, body: await listQuestions(db, sealing, owner, analyst ? undefined : person?.id) };
    },
    async answerUsageQuestion({ params, body, ...who }) {
      const owner = gate.administer(who);
      const by = who.person?.id ?? who.caller.application;
      await answerQuestion(db, sealing, owner, params.id, body.answer, by);
      return { status: 204 };
    },
  };
}
