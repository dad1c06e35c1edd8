export const PAGE: URL;
/** The tables of docs/configuration.md. */
export function configurationParts(schema: object, source: string, whenApplied: (key: string) => string): Record<string, string>;
/** The page as it should be, by the code in this directory. */
export function configurationPage(dist: URL): Promise<string>;
export function settingsSource(): string;
