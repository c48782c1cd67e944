/** Whether power could reach the provider at all, as it is configured. Pure. */
import type { Profile } from "../console/profile.ts";
import type { PowerConfig } from "./environment.ts";

type Settings = Pick<PowerConfig, "PROVIDER_PUBLIC_KEY" | "PROVIDER_PRIVATE_KEY" | "BROWSER">;

/** What of keys, browser and the profile's lanes does not fit together, a sentence each. */
export function laneProblems(
  { PROVIDER_PUBLIC_KEY: publicKey, PROVIDER_PRIVATE_KEY: privateKey, BROWSER: browser }: Settings,
  { signed, lanes }: Pick<Profile, "signed" | "lanes">,
): string[] {
  if (publicKey !== undefined && privateKey === undefined)
    return ["PROVIDER_PRIVATE_KEY_FILE is missing: set it, because PROVIDER_PUBLIC_KEY is set"];
  if (publicKey === undefined && privateKey !== undefined)
    return ["PROVIDER_PUBLIC_KEY is missing: set it, because PROVIDER_PRIVATE_KEY is set"];
  if (publicKey === undefined) {
    if (browser === "never")
      return ["BROWSER is never, but there are no keys of a signed API: set them, or leave BROWSER out"];
    if (lanes.every((lane) => lane === "signed"))
      return ["The profile's only lane is signed: set PROVIDER_PUBLIC_KEY and PROVIDER_PRIVATE_KEY_FILE"];
    return [];
  }
  if (signed === undefined)
    return [
      "PROVIDER_PUBLIC_KEY is set, but the profile has no section `signed`: add it, or leave the key out",
    ];
  if (browser === "never" && !lanes.includes("signed"))
    return ["BROWSER is never, but the profile's lanes leave signed out: nothing could be seen or done"];
  return [];
}
