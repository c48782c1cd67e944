/** AutoDL's console: one origin for its page and its API; the page keeps its token itself, and no cookie is needed. */
import express, { type Express } from "express";
import { z } from "zod";
import { consoleFiles, sendPage, settingsOf } from "../pages.ts";
import type { World } from "../world.ts";
import { autodlApi } from "./api.ts";

const LIST = "/console/instance/list";
const loginBody = z.object({ username: z.string(), password: z.string() });

export function autodlApp(world: World): Express {
  const { fleet, ledger, sessions } = world;
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use("/static", consoleFiles());
  app.use("/api/v1", autodlApi(world));
  app.use((_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  app.get("/", (_request, response) => response.redirect(LIST));
  app.get("/login", async (_request, response) => {
    ledger.loginPageLoads += 1;
    await sendPage(world, response, "autodl/login.html", {});
  });
  app.post("/login", express.json(), (request, response) => {
    const given = loginBody.safeParse(request.body);
    const { username, password } = world.credentials;
    if (!given.success || given.data.username !== username || given.data.password !== password) {
      response.status(403).json({ message: "用户名或密码错误" });
      return;
    }
    ledger.logins += 1;
    response.json({ token: sessions.create().csrfToken });
  });
  // Whether a token is good only the API knows.
  app.get(LIST, async (_request, response) => {
    ledger.pageLoads += 1;
    await sendPage(world, response, "autodl/list.html", {});
  });
  // The stand-in's knobs; nothing that the real console has.
  app.get("/standin.json", (_request, response) => {
    response.json({ ...settingsOf(world), soldOut: fleet.faults.soldOut });
  });
  return app;
}
