/** What a file begins with, from a place on. */
type Magic = readonly (readonly [place: number, bytes: Buffer])[];

interface MediaType {
  readonly extensions: readonly string[];
  /** One of these must hold. */
  readonly begins: readonly Magic[];
  /** Names that must stand in an archive (ZIP). */
  readonly holds?: string;
}

const ascii = (text: string, place = 0): Magic => [[place, Buffer.from(text, 'latin1')]];
const hex = (digits: string, place = 0): Magic => [[place, Buffer.from(digits, 'hex')]];
const zip = hex('504b0304');
const bmp = { extensions: ['bmp'], begins: [ascii('BM')] };
const rtf = { extensions: ['rtf'], begins: [ascii('{\\rtf')] };
const text = (...extensions: string[]): MediaType => ({ extensions, begins: [] });

/** The media types of documents, and how their content is told. Nothing a browser runs is among them. */
const mediaTypes: Readonly<Record<string, MediaType>> = {
  'application/pdf': { extensions: ['pdf'], begins: [ascii('%PDF-')] },
  'image/jpeg': { extensions: ['jpg', 'jpeg'], begins: [hex('ffd8ff')] },
  'image/png': { extensions: ['png'], begins: [hex('89504e470d0a1a0a')] },
  'image/gif': { extensions: ['gif'], begins: [ascii('GIF87a'), ascii('GIF89a')] },
  'image/tiff': { extensions: ['tif', 'tiff'], begins: [hex('49492a00'), hex('4d4d002a')] },
  'image/webp': { extensions: ['webp'], begins: [[...ascii('RIFF'), ...ascii('WEBP', 8)]] },
  'image/bmp': bmp,
  'image/x-ms-bmp': bmp,
  'application/rtf': rtf,
  'text/rtf': rtf,
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': {
    extensions: ['docx'],
    begins: [zip],
    holds: 'word/',
  },
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': {
    extensions: ['xlsx'],
    begins: [zip],
    holds: 'xl/',
  },
  'application/vnd.oasis.opendocument.text': {
    extensions: ['odt'],
    begins: [zip],
    holds: 'mimetypeapplication/vnd.oasis.opendocument.text',
  },
  'text/plain': text('txt'),
  'text/csv': text('csv'),
};

export const knownMediaTypes: readonly string[] = Object.keys(mediaTypes);
/** Endings of the names of files of a type; the first is the usual one. */
export const extensionsOf = (type: string): readonly string[] => mediaTypes[type]?.extensions ?? [];

const isText = (bytes: Buffer): boolean => {
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

/** Whether bytes are what they are said to be. */
export function isOfType(bytes: Buffer, type: string): boolean {
  const known = mediaTypes[type];
  if (!known || bytes.length === 0) return false;
  if (known.begins.length === 0) return isText(bytes);
  const begins = known.begins.some((magic) =>
    magic.every(([place, part]) => bytes.subarray(place, place + part.length).equals(part)),
  );
  return begins && (known.holds === undefined || bytes.includes(known.holds, 0, 'latin1'));
}
