/** What a doubtful moment looked like: kept without secrets, or, where they cannot all be known, not at all. */
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Page } from "playwright";
import type { ApiLane } from "./api-lane.ts";
import { Artifacts } from "./artifacts.ts";
import type { Tab } from "./browser.ts";
import { PageAnswers } from "./page-answers.ts";
import type { Profile } from "./profile.ts";
import type { Secrets } from "./secrets.ts";

/** A cookie that is shorter is a setting, such as a language. */
const SESSION_SECRET_LENGTH = 8;

export interface EvidenceParts {
  readonly profile: () => Profile;
  readonly api: ApiLane;
  readonly secrets: Secrets;
  readonly stateDir: string;
  readonly logger: Logger;
}

export class Evidence {
  private readonly parts: EvidenceParts;
  private readonly artifacts: Artifacts;
  private readonly answers: PageAnswers;

  constructor(parts: EvidenceParts) {
    this.parts = parts;
    this.artifacts = new Artifacts(parts.stateDir, parts.logger);
    this.answers = new PageAnswers((answer) => parts.secrets.learn(answer));
  }

  /** To be called before anything is loaded: what the page was told before is not known. */
  follow(page: Page): void {
    this.answers.follow(page);
  }

  /**
   * Keeps the page's picture and HTML. To be called by whoever has the page's turn. Never throws. @returns the name of
   * both files, without their ends; undefined where nothing is kept.
   */
  async keep({ page, context }: Tab, label: string): Promise<string | undefined> {
    const { profile, api, secrets, logger } = this.parts;
    const cookies = await context.cookies().catch(() => []);
    for (const secret of [...api.secrets, ...cookies.map(({ value }) => value)]) {
      if (secret.length >= SESSION_SECRET_LENGTH) secrets.add(secret);
    }
    if (!(await this.answers.settled())) {
      logger.warn(
        "No screenshot is kept: the page was told something that could not be read, and might show it",
      );
      return undefined;
    }
    const { elements } = profile().secrets;
    return await this.artifacts.keep(page, label, { pattern: secrets.pattern, elements });
  }
}
