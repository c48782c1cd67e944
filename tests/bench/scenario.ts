import type { Row, Text } from "./row.ts";

/** How much is measured: all of it for the documentation, or little enough for every test run. */
export interface Effort {
  readonly short: boolean;
  readonly rounds: number;
}

/** One thing that is measured, and what it isolates. */
export interface Scenario {
  readonly name: string;
  readonly isolates: Text;
  /** Not worth the time of the short form, or judged by nothing but absolute figures. */
  readonly fullOnly?: boolean;
  readonly run: (effort: Effort) => Promise<readonly Row[]>;
}
