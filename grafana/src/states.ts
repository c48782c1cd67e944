/** States as numbers, because Prometheus has nothing else; their words and colours, the same on every panel. */
import { MappingType, type Threshold, type ValueMapping } from "@grafana/grafana-foundation-sdk/dashboard";

export const COLOUR = {
  good: "green",
  busy: "blue",
  warn: "orange",
  bad: "red",
  off: "#8e8e8e",
  unknown: "purple",
} as const;

export interface Word {
  readonly text: string;
  readonly colour: string;
}

/** What a panel of states shows for 0, 1, 2, … */
export function words(all: readonly Word[], first = 0): ValueMapping[] {
  const options = Object.fromEntries(
    all.map(({ text, colour }, index) => [String(first + index), { text, color: colour, index }]),
  );
  return [{ type: MappingType.ValueToText, options }];
}

/** A metric with one series a state, of which one is 1, as one number: the state's place in the list. */
export function stateNumber(metric: string, selector: string, states: readonly string[], by: string): string {
  const terms = states.map((state, index) => `${index} * ${metric}{${selector},state="${state}"}`);
  return `sum by (${by}) (${terms.join(" or ")})`;
}

/** Green, then orange from `warn`, then red from `bad`. */
export function limits(warn: number, bad: number): Threshold[] {
  return [
    { value: null, color: COLOUR.good },
    { value: warn, color: COLOUR.warn },
    { value: bad, color: COLOUR.bad },
  ];
}

/** One is already too many. */
export const NONE_IS_GOOD: Threshold[] = [
  { value: null, color: COLOUR.good },
  { value: 0.5, color: COLOUR.bad },
];
/** A plain figure. */
export const PLAIN: Threshold[] = [{ value: null, color: "text" }];
