import { type RawBuilder, sql } from 'kysely';
import type { Question, SearchResult } from '../api/dci/shapes.ts';
import { attributesOf } from '../mapping/attribute.ts';
import type { Row } from '../records/content.ts';
import { shownRows } from '../records/read.ts';
import { table } from '../records/statement.ts';
import { conditionSql } from './condition.ts';
import type { Conversation, Dci } from './dci.ts';
import { type Condition, comparisonsOf } from './query.ts';
import { Rejected } from './rejected.ts';
import {
  conditionOf,
  fieldsOf,
  groundOf,
  openView,
  recordTypeOf,
  selected,
  showRecords,
  type View,
} from './search.ts';

const invalid = 'rjct.search_criteria.invalid';
/** Records of one person in an answer. */
const mostRecords = 100;

interface Asked {
  readonly view: View;
  readonly condition: Condition;
}

async function ask(dci: Dci, conversation: Conversation, question: Question): Promise<Asked> {
  const { condition } = conditionOf(
    conversation.mapping,
    { type: question.query_type, query: question.query },
    invalid,
  );
  return { view: await openView(dci, conversation, groundOf(question)), condition };
}

const find = async (
  dci: Dci,
  view: View,
  where: RawBuilder<unknown>,
  limit: number,
): Promise<readonly Row[]> => {
  const { rows } = await sql<Row>`
    select * from ${table(view.granted.registry)}
    where ${selected(view, where)}
    order by uuid
    limit ${limit}`.execute(dci.db);
  return rows;
};

/** What the owner says such records are, in any of its fields, whoever asks. */
const ownerSays = (
  dci: Dci,
  { mapping }: Conversation,
  { granted }: View,
  where: Readonly<Record<string, unknown>>,
): RawBuilder<unknown>[] => {
  const own = [...attributesOf(mapping, granted.registry.current)].map(
    ([name, attribute]) => [name, { ...attribute, searchable: true }] as const,
  );
  const all = Object.entries(where).map(([attribute, value]): Condition => ({ attribute, is: 'eq', value }));
  return all.map((one) => conditionSql(one, new Map(own), dci.now(), invalid));
};

/** Whether a person is enrolled, or disabled: whether a record matches that is as the mapping says such records are. */
export async function isSo(
  dci: Dci,
  conversation: Conversation,
  which: 'enrolled' | 'disabled',
  question: Question,
): Promise<boolean> {
  const answered = conversation.mapping.questions?.[which];
  if (!answered) throw new Rejected(invalid, 'The registry does not answer this question');
  const { view, condition } = await ask(dci, conversation, question);
  const asked = conditionSql(condition, view.attributes, dci.now(), invalid);
  const where = sql.join([asked, ...ownerSays(dci, conversation, view, answered.where)], sql` and `);
  const rows = await find(dci, view, where, 1);
  const names = comparisonsOf(condition).map(({ attribute }) => attribute);
  const fields = fieldsOf(view.attributes, names);
  await shownRows(dci.db, view.granted, view.reader, 'exists', rows, dci.hash, fields);
  return rows.length > 0;
}

/** What a registry knows about a person's disability, or the support they have: records of the type the mapping says. */
export async function detailsOf(
  dci: Dci,
  conversation: Conversation,
  which: 'details' | 'support',
  question: Question,
): Promise<Pick<SearchResult, 'data' | 'pagination'>> {
  const { mapping } = conversation;
  const answered = mapping.questions?.[which];
  if (!answered) throw new Rejected(invalid, 'The registry does not answer this question');
  const type = recordTypeOf(mapping, [answered.recordType], invalid);
  const { view, condition } = await ask(dci, conversation, question);
  const where = conditionSql(condition, view.attributes, dci.now(), invalid);
  const rows = await find(dci, view, where, mostRecords);
  const records = await showRecords(dci, view, type.template, rows, comparisonsOf(condition));
  return {
    data: { version: '1.0.0', reg_record_type: type.name, reg_records: records },
    pagination: { page_size: mostRecords, page_number: 1, total_count: records.length },
  };
}
