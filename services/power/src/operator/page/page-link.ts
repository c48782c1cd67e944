/** `POST /page-link`: a one-time link, for `gpuctl page`. */
import { type PageLink, PageLinkRequest } from "@gpu-power-manager/shared/api";
import { Router } from "express";
import { roleOf } from "../doorkeeper.ts";
import type { Invitations } from "./invitations.ts";

export interface PageLinkParts {
  readonly invitations: Invitations;
  readonly publicUrl: URL | undefined;
}

export function pageLinkRoutes({ invitations, publicUrl }: PageLinkParts): Router {
  return Router().post("/page-link", (request, response) => {
    const { actor = "" } = PageLinkRequest.parse(request.body);
    const { code, until } = invitations.make(roleOf(request), actor);
    const link: PageLink = {
      url: publicUrl?.href ?? null,
      query: `?code=${code}`,
      until: new Date(until).toISOString(),
    };
    response.json(link);
  });
}
