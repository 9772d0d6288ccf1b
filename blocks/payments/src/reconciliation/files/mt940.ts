import type { CurrencyTable } from '../../money/currency.ts';
import {
  badFile,
  type Direction,
  type EntryCode,
  exponentOf,
  type ParsedEntry,
  type ParsedStatement,
  readAmount,
  readBalance,
  readDay,
  readInstant,
  readReference,
} from './parsed.ts';

interface Field {
  readonly tag: string;
  readonly text: string;
}

/** Fields of the text block, each with its continuation lines; the envelope around it is left out. */
function fieldsOf(text: string): Field[] {
  const fields: { tag: string; text: string }[] = [];
  for (const line of text.replaceAll('\r', '').split('\n')) {
    const start = /^:(\d\d[A-Z]?):(.*)$/.exec(line);
    if (start) fields.push({ tag: start[1] as string, text: start[2] as string });
    else if (line.startsWith('-') || line.startsWith('{')) continue;
    else {
      const last = fields.at(-1);
      if (last && line !== '') last.text += `\n${line}`;
    }
  }
  return fields;
}

const dayOf = (text: string): string => `20${text.slice(0, 2)}-${text.slice(2, 4)}-${text.slice(4, 6)}`;
const decimal = (text: string): string => text.replace(',', '.').replace(/\.$/, '');
/** A message reference and its number say which statement of a year it is. */
const longestId = 35;

function balanceOf(text: string, currencies: CurrencyTable, place: string) {
  const match = /^([CD])(\d{6})([A-Z]{3})(\d+,\d*)$/.exec(text.trim());
  if (!match) throw badFile('a balance cannot be read', place);
  const [, side, day, currency, amount] = match as unknown as [string, string, string, string, string];
  const exponent = exponentOf(currencies, currency, place);
  const direction: Direction = side === 'C' ? 'credit' : 'debit';
  return {
    day: dayOf(day),
    currency,
    exponent,
    amount: readBalance(decimal(amount), exponent, direction, place),
  };
}

/**
 * The end-to-end id that banks write into the information for the owner, as SEPA and SWIFT have it: up to a space or the
 * next code word. A slash may be part of it; one that does not end is none.
 */
const endToEnd = (information: string): string | undefined =>
  /(?:EREF\+|\/EREF\/|\/ROC\/)([^+\s?]{1,36}?)(?=[\s?]|[A-Z]{4}\+|\/+(?:[A-Z]{2,8}\/|\s|$)|$)/.exec(
    information.replaceAll('\n', ''),
  )?.[1];

function entryOf(line: string, information: string, exponent: number, place: string): ParsedEntry {
  const [first = ''] = line.split('\n');
  const match =
    /^(\d{6})(\d{4})?(R?[CD])[A-Z]?(\d+,\d*)([NFS][A-Z0-9]{3})((?:(?!\/\/).){0,36})(?:\/\/(.{0,34}))?$/.exec(
      first,
    );
  if (!match) throw badFile('a movement (:61:) cannot be read', place);
  const [, value = '', booked, mark = '', amount = '', type = '', own, bank] = match;
  const valueOn = dayOf(value);
  // The booking day has no year: it is the one nearest to the value day.
  const near = [-1, 0, 1]
    .map(
      (years) =>
        `${Number(valueOn.slice(0, 4)) + years}-${(booked ?? '').slice(0, 2)}-${(booked ?? '').slice(2)}`,
    )
    .sort(
      (a, b) => Math.abs(Date.parse(a) - Date.parse(valueOn)) - Math.abs(Date.parse(b) - Date.parse(valueOn)),
    );
  const bookedOn = booked === undefined ? valueOn : (near[0] as string);
  // A reversed credit takes money away, a reversed debit gives it back.
  const direction: Direction = mark === 'C' || mark === 'RD' ? 'credit' : 'debit';
  const code: EntryCode | undefined = /^.(CHG|COM)$/.test(type)
    ? 'charge'
    : mark.startsWith('R') || /^.RTI$/.test(type)
      ? 'return'
      : undefined;
  return {
    entryReference: undefined,
    bookedOn: readDay(bookedOn, place),
    valueOn: readDay(valueOn, place),
    direction,
    amount: readAmount(decimal(amount), exponent, place),
    endToEndId: readReference(endToEnd(information)) ?? readReference(own),
    railReference: readReference(bank),
    code,
    description: readReference(information.replaceAll('\n', ' ')),
  };
}

/** Reads customer statements as SWIFT MT940 text; messages that follow each other are one statement each. */
export function readMt940(text: string, currencies: CurrencyTable, most: number): ParsedStatement[] {
  const messages: Field[][] = [];
  for (const field of fieldsOf(text)) {
    if (field.tag === '20') messages.push([]);
    messages.at(-1)?.push(field);
  }
  let count = 0;
  return messages.map((fields, index) => {
    const place = `message[${index + 1}]`;
    const one = (...tags: string[]): string => {
      const found = fields.find((field) => tags.includes(field.tag));
      if (!found) throw badFile(`field :${tags[0]}: is missing`, place);
      return found.text;
    };
    const opening = balanceOf(one('60F', '60M'), currencies, place);
    const closing = balanceOf(one('62F', '62M'), currencies, place);
    if (opening.currency !== closing.currency)
      throw badFile('the balances are in different currencies', place);
    const entries = fields.flatMap((field, position) => {
      if (field.tag !== '61') return [];
      count += 1;
      if (count > most) throw badFile(`a file has at most ${most} entries`);
      const next = fields[position + 1];
      return [
        entryOf(field.text, next?.tag === '86' ? next.text : '', opening.exponent, `${place}/61[${count}]`),
      ];
    });
    // Numbers begin anew each year.
    const number = `${closing.day.slice(0, 4)}-${one('28C', '28').trim().replaceAll('/', '.')}`;
    const statementId = `${one('20').trim()}-${number}`;
    if (statementId.length > longestId) throw badFile('the reference and number are too long', place);
    return {
      kind: 'statement',
      statementId,
      account: one('25', '25P').split('\n')[0]?.trim() ?? '',
      currency: opening.currency,
      opening: opening.amount,
      closing: closing.amount,
      from: readInstant(opening.day, 'start', place),
      to: readInstant(closing.day, 'end', place),
      entries,
    };
  });
}
