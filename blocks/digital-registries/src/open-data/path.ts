export const openDataRoot = '/open-data';

/** Where a view is when it is open data. */
export const openDataPath = (owner: string, view: string): string =>
  `${openDataRoot}/${owner.split('/').map(encodeURIComponent).join('/')}/${view}`;
