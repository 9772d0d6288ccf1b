/** Something that must not stand in a repository, found by how it looks. */
export interface Pattern {
  readonly what: string;
  readonly expression: RegExp;
}

/** Names of files that hold keys, certificates or settings with secrets. */
export const secretFile =
  /(^|\/)(\.env(\.(?!example$)[^/]+)?|id_(rsa|dsa|ecdsa|ed25519)|[^/]+\.(pem|key|crt|cer|der|p12|pfx|jks|keystore))$/;

const keyMaterial = '(?:\\\\n|[\\s\'"`+,])*[A-Za-z0-9+/=]{40}';

/** Material that is recognised wherever it stands; a PEM label alone, without the material, is none. */
export const materials: readonly Pattern[] = [
  {
    what: 'a private key',
    expression: new RegExp(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----${keyMaterial}`, 'g'),
  },
  {
    what: 'a certificate',
    expression: new RegExp(`-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----${keyMaterial}`, 'g'),
  },
  { what: 'a private JSON web key', expression: /["']?\bd["']?\s*:\s*["'][A-Za-z0-9_-]{40,}["']/g },
  {
    what: 'an access token of a known provider',
    expression:
      /\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,}|glpat-[\w-]{20}|npm_[A-Za-z0-9]{36}|xox[abprs]-[\w-]{10,}|sk_live_\w{16,})/g,
  },
];

/** `scheme://user:password@host` with a literal password. */
export const addressWithPassword = /\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/'"`<>${}]*:(?<value>[^\s@/'"`<>${}]+)@/gi;

/** Names of settings that hold secrets: `password`, `clientSecret`, `API_KEY`. */
export const secretName =
  /^(?:.*[a-z0-9_.-])?(?:password|passwd|passphrase|secret|api[_-]?key|private[_-]?key|access[_-]?token)$/i;

/** `name: value` and `NAME=value` of configuration files, and `password 'value'` of SQL. */
export const settings: readonly RegExp[] = [
  /^[\s-]*(?:export\s+)?["']?(?<name>[A-Za-z0-9_.-]+)["']?\s*[:=]\s*(?<quote>["']?)(?<value>[^"'\s,#]+)\k<quote>\s*,?\s*(?:#.*)?$/gm,
  /\b(?<name>password)\s+'(?<value>[^']+)'/gi,
];

/** A value that stands for another one: a variable, a template, an empty word, a type. */
export const isPlaceholder = (value: string): boolean =>
  /^(?:[$<{*%]|\.\.\.|(?:null|true|false|undefined|string|password|secret|changeme)$)/i.test(value);

/** Bits of information per character, after Shannon. */
function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / value.length;
    return sum - share * Math.log2(share);
  }, 0);
}

/** Whether a value looks made by a machine rather than typed for a test. */
export const looksRandom = (value: string): boolean =>
  value.length >= 16 &&
  /^\S+$/.test(value) &&
  /[0-9]/.test(value) &&
  /[A-Za-z]/.test(value) &&
  entropy(value) > 3.3;
