/** gpuctl without its commands: the options that each of them knows, and the session that they make. */
import { Command, Option } from "commander";
import { type ConnectionFlags, findConnection } from "../connection.ts";
import { LANGUAGES, type Language, languageOf, speaker } from "../language.ts";
import { openSession, paintFor, type Session } from "../session.ts";

type Flags = ConnectionFlags & { readonly json: boolean; readonly lang?: Language };

/** What a group of commands is added to. */
export interface Program {
  readonly program: Command;
  /** Adds a command, with an example for its help. */
  readonly command: (name: string, description: string, example: string) => Command;
  /** As the options before the command say; to be called by its action. */
  readonly session: () => Session;
  /** The project's folder. */
  readonly root: string;
}

/** @param root the project's folder, whose `.env` and `secrets/` `make up` has made. */
export function newProgram(root: string): Program {
  const program = new Command("gpuctl")
    .description("Looks at the GPU power manager, and acts through it.")
    .option("--url <address>", "where power is (POWER_URL)")
    .option("--listener <address>", "where the listener is (LISTENER_URL)")
    .option("--token-file <path>", "file with the API's token (OPERATOR_TOKEN_FILE)")
    .addOption(
      new Option("--lang <language>", "of the texts for people; else the locale decides").choices(LANGUAGES),
    )
    .option("--json", "print documents for programs instead of text for people", false)
    .addHelpText(
      "after",
      "\nExit codes: 0 fine, 1 something is wrong or refused, 2 usage, 3 cannot be asked.",
    )
    .showHelpAfterError("(gpuctl <command> --help shows an example)")
    .exitOverride();
  return {
    program,
    root,
    command: (name, description, example) =>
      program.command(name).description(description).addHelpText("after", `\nExample:\n  ${example}`),
    session: () => {
      const flags = program.opts<Flags>();
      const language = languageOf(flags.lang, process.env);
      return openSession(findConnection(flags, process.env, root), {
        json: flags.json,
        language,
        say: speaker(language),
        print: (line) => console.log(line),
        tell: (line) => console.error(line),
        paint: paintFor(process.stdout.isTTY, process.env),
      });
    },
  };
}
