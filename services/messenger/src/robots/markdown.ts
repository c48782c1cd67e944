/** A message as the robots' kinds of Markdown have it. */
import { cutToBytes, type Message, type Part, shorter } from "../alerts/message.ts";

const isAddress = (text: string) => /^https?:\/\//.test(text);

export interface Marks {
  readonly strong: (text: string) => string;
  readonly quiet: (text: string) => string;
  /** Between two lines that shall stand below each other. */
  readonly newline: string;
}

function partLines({ summary, description, facts }: Part, { strong, quiet }: Marks): string[] {
  return [...summary.map(strong), ...description, quiet(facts)];
}

/** Everything but the title. */
export function bodyOf({ parts, more, steps, runbook, words }: Message, marks: Marks): string {
  const { strong, newline } = marks;
  const blocks = parts.map((part) => partLines(part, marks).join(newline));
  if (more > 0) blocks.push(words.more(more));
  if (steps.length > 0) blocks.push([strong(words.todo), ...steps].join(newline));
  if (runbook !== undefined) {
    const { label, at } = runbook;
    blocks.push(isAddress(at) ? `[${label}](${at})` : `${label}: ${at}`);
  }
  return blocks.join("\n\n");
}

/** The longest form of a message whose request has at most so many bytes; where none has, the shortest is cut. */
export function fit(
  message: Message,
  most: number,
  write: (message: Message, mostText: number) => string,
): string {
  for (const form of shorter(message)) {
    const written = write(form, Number.POSITIVE_INFINITY);
    if (Buffer.byteLength(written) <= most) return written;
    message = form;
  }
  // JSON may write one byte as six: cut far enough.
  return write(message, Math.floor(most / 8));
}

export const cut = (text: string, most: number): string =>
  most === Number.POSITIVE_INFINITY ? text : cutToBytes(text, most);
