import type { Page } from 'playwright-core';
import { button, type Country, link } from './country.ts';

/** Makes a registry from a schema, through the designer's text view, and publishes it. */
export async function publishRegistry(
  { url }: Country,
  page: Page,
  code: string,
  name: string,
  schema: object,
): Promise<void> {
  await page.goto(`${url}/registries/new`);
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Short code').fill(code);
  await button(page, 'Design its fields').click();
  await link(page, 'The design as text').click();
  await page.getByLabel('Schema, JSON or YAML').fill(JSON.stringify(schema));
  await button(page, 'Keep in the draft').click();
  await button(page, 'Publish').click();
  await page.getByText('Published. People and applications can use it now.').waitFor();
}

/** Enters a record on its form. */
export async function enterRecord(
  { url }: Country,
  page: Page,
  code: string,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  await page.goto(`${url}/registries/${code}/records/new`);
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label).fill(value);
  await button(page, 'Save').click();
  await page.getByText('The record is made.').waitFor();
}
