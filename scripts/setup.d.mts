export function isInstalled(): boolean;
export function install(): void;
export function isBuilt(): boolean;
export function build(): Promise<void>;
