/** Keeps "for 3 min" true while nobody loads anything. */
const zh = document.documentElement.lang.startsWith("zh");
/** As the server writes lengths. */
function length(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return zh ? `${seconds} 秒` : `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return zh ? `${minutes} 分钟` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return zh ? `${hours} 小时 ${minutes % 60} 分` : `${hours} h ${minutes % 60} min`;
  return zh
    ? `${Math.floor(hours / 24)} 天 ${hours % 24} 小时`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How far the server's clock is ahead of this one: what it says is compared with its own clock only. */
let aheadMs = 0;

export function serverSays(date: string | null): void {
  if (date !== null) aheadMs = Date.parse(date) - Date.now();
}

export function keepTime(): void {
  const now = Date.now() + aheadMs;
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-since], time[data-until]")) {
    const at = Date.parse(time.dateTime);
    const text = length("since" in time.dataset ? now - at : at - now);
    if (time.textContent !== text) time.textContent = text;
  }
}
