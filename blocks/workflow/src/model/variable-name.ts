/** Words of FEEL, which it does not read as names, and `process`: what is known of the running instance itself. */
const reservedNames = new Set(
  `process true false null not and or if then else for in return some every satisfies between function external
  instance of __proto__`.split(/\s+/),
);

export const isVariableName = (text: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(text) && !reservedNames.has(text);
