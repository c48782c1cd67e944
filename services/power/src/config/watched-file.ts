import { unwatchFile, watchFile } from "node:fs";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";

/** Looked at by its status, not by events of the file system: those do not cross a bind mount. */
const LOOK_EVERY_MS = 1_000;

export interface WatchedFileOptions<T> {
  readonly file: string;
  readonly load: (file: string) => T;
  readonly onChange: (value: T) => void;
  readonly onResult: (ok: boolean) => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Takes a changed file up when it is valid; keeps the one before, and says so, when it is not. */
export function watchConfigFile<T>({
  file,
  load,
  onChange,
  onResult,
  logger,
  signal,
}: WatchedFileOptions<T>): void {
  const changed = () => {
    try {
      onChange(load(file));
      onResult(true);
      logger.info({ file }, "a changed file is in use");
    } catch (error) {
      onResult(false);
      logger.error(
        { file, cause: describeError(error) },
        "A changed file is refused; the one before stays in use. Mend it",
      );
    }
  };
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, (now, before) => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) changed();
  });
  signal.addEventListener("abort", () => unwatchFile(file), { once: true });
}
