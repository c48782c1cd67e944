/** How the page speaks to whom: language, time zone, times and lengths. */
import type { Request } from "express";
import { cookieOf } from "./gate.ts";

export const LANGUAGES = ["en", "zh"] as const;
export type Language = (typeof LANGUAGES)[number];
/** Both wordings side by side, so that neither is forgotten. */
export type Say = (en: string, zh: string) => string;

export interface Speech {
  readonly language: Language;
  readonly say: Say;
  /** An IANA zone: the browser's once it has said it, else the server's. */
  readonly zone: string;
}

export const LANGUAGE_COOKIE = "gpu-power-language";
export const ZONE_COOKIE = "gpu-power-zone";

export function speechOf(request: Request): Speech {
  const chosen = cookieOf(request, LANGUAGE_COOKIE);
  const language =
    LANGUAGES.find((each) => each === chosen) ??
    (request.acceptsLanguages("en", "zh", "zh-CN", "zh-Hans", "zh-TW", "zh-HK").toString().startsWith("zh")
      ? "zh"
      : "en");
  return { language, say: (en, zh) => (language === "zh" ? zh : en), zone: zoneOf(request) };
}

function zoneOf(request: Request): string {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  try {
    const zone = decodeURIComponent(cookieOf(request, ZONE_COOKIE) ?? here);
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return here;
  }
}

/** `14:05`, or `Nov 24, 14:05` on another day. */
export function clockTime({ language, zone }: Speech, at: number, now: number): string {
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const day = new Intl.DateTimeFormat(locale, { timeZone: zone, dateStyle: "short" });
  const near = day.format(at) === day.format(now);
  return new Intl.DateTimeFormat(locale, {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    ...(near ? {} : { day: "numeric", month: "short" }),
  }).format(at);
}

/** `3 min`, `2 h 5 min`: to the minute, since it is read at a glance. */
export function length(say: Say, ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return say(`${seconds} s`, `${seconds} 秒`);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return say(`${minutes} min`, `${minutes} 分钟`);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return say(`${hours} h ${minutes % 60} min`, `${hours} 小时 ${minutes % 60} 分`);
  return say(
    `${Math.floor(hours / 24)} d ${hours % 24} h`,
    `${Math.floor(hours / 24)} 天 ${hours % 24} 小时`,
  );
}
