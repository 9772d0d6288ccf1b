/** Whether a text is a UUID as it is written everywhere here, in either case. */
export const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** A UUID as banks carry it: 32 characters without its dashes, where their fields hold 35. */
export const shortUuid = (uuid: string): string => uuid.replaceAll('-', '');

/** The UUID that a text is, with or without dashes, in small letters; undefined when it is none. */
export function uuidIn(text: string): string | undefined {
  const small = text.toLowerCase();
  if (isUuid(small)) return small;
  return /^[0-9a-f]{32}$/.test(small)
    ? small.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    : undefined;
}
