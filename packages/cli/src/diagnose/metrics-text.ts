/** Reads Prometheus' text format as far as gauges and counters go. Pure. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function readMetrics(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, label, said]) => [label, said] as const);
    return { name, labels: Object.fromEntries(pairs), value: Number(value) };
  });
}

/** The samples of one metric. */
export const samplesOf = (samples: readonly Sample[], name: string): Sample[] =>
  samples.filter((sample) => sample.name === name);
