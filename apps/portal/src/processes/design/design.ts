import type { ProcessParts } from '../shell.ts';
import { deployPages } from './deploy.ts';
import { draftsPages } from './drafts.ts';
import { editorPages } from './editor.ts';
import { elementPages } from './elements.ts';
import { settingsPages } from './settings.ts';
import { tablePages } from './table.ts';
import { trialPages } from './trial.ts';

/** The modeller: processes are drawn, checked, tried and deployed by the people of the agency (WF-4.1, WF-6.1-a). */
export function designPages(parts: ProcessParts): void {
  for (const register of [
    draftsPages,
    editorPages,
    tablePages,
    elementPages,
    trialPages,
    settingsPages,
    deployPages,
  ])
    register(parts);
}
