export { type Static, type TObject, type TSchema, Type } from 'typebox';
export { CloudEvent, defineEvent, type EventSpec } from '../events/cloud-event.ts';
export { Bytes, type FileType, isFileType, isWorkbook, type WorkbookType, workbookType } from './bytes.ts';
export { openApiDocument } from './openapi.ts';
export * from './operation.ts';
export * from './problem.ts';
export * from './surface.ts';
export { preferred, readYaml, writeYaml, YamlText, type YamlType } from './yaml.ts';
