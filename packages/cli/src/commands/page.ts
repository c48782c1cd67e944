/** `gpuctl page` and `gpuctl login`: a one-time link to the operator's page, or to the live view of the console in it. */
import { PageLink } from "@gpu-power-manager/shared/api";
import type { Session } from "../session.ts";

export async function printPageLink(session: Session, actor: string, to?: "live"): Promise<void> {
  const link = await session.client.ask("/page-link", PageLink, { method: "POST", body: { actor } });
  // Without PUBLIC_URL the page is where the API is asked.
  const url = new URL(link.query, link.url ?? `${session.connection.power.replace(/\/$/, "")}/`);
  if (to !== undefined) url.searchParams.set("to", to);
  const address = url.href;
  const { json, print, tell, say } = session;
  if (json) return print(JSON.stringify({ address, until: link.until }, null, 2));
  print(address);
  tell(
    say(
      "It signs one browser in, once, within five minutes; whoever has it may do what your token may.",
      "它只能让一个浏览器登录一次，五分钟内有效；持有者的权限与您的令牌相同。",
    ),
  );
}
