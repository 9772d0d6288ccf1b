/** Whether a text is an application's identifier in the directory: four parts. */
export const isApplication = (text: string): boolean => /^[^/\s]+(\/[^/\s]+){3}$/.test(text);
