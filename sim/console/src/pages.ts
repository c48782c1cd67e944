import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import express, { type Express, type Response } from "express";
import { z } from "zod";
import { heldBack } from "./delay.ts";
import { POLL_HOLD_MS } from "./login-desk.ts";
import type { MachineState } from "./machine-spec.ts";
import { CSRF_COOKIE, SESSION_COOKIE } from "./sessions.ts";
import { notByHand, Slide } from "./slider.ts";
import type { World } from "./world.ts";

const PUBLIC_DIR = fileURLToPath(new URL("../public/", import.meta.url));
const RESOURCES = "/light-gpu/console/resources";

const loginBody = z.object({ username: z.string(), password: z.string() });
/** How long the way of the login page's slider is, as its script draws it. */
const SLIDER_PX = 280;
const slideBody = z.object({ ticket: z.string(), slide: Slide });
const phoneBody = z.object({ ticket: z.string(), phone: z.string().regex(/^1\d{10}$/) });
const codeBody = phoneBody.extend({ code: z.string() });
const pollQuery = z.object({ ticket: z.string() });

/** What the page's script must know before it draws; read again whenever it loads its list or opens a dialog. */
export interface PageSettings {
  readonly apiUrl: string;
  readonly projectId: string;
  readonly user: string;
  readonly refreshMs: number;
  readonly buttonDisabledMs: number;
  readonly buttonDisabledAlways: boolean;
  readonly hiddenTemplateButton: boolean;
  readonly changedSelectors: readonly string[];
  readonly dialogMore: string;
  readonly dialogLess: boolean;
  readonly confirmNames: string | null;
  readonly halfLoaded: string;
  readonly stalePage: boolean;
  /** States that the page shows in place of what the API answered. */
  readonly shownStates: Readonly<Record<string, MachineState>>;
}

export function settingsOf(world: World): PageSettings {
  const { fleet, account, urls } = world;
  const { faults } = fleet;
  const truth = Object.keys(faults.apiDisagrees).flatMap((id) => {
    const machine = fleet.get(id);
    return machine === undefined ? [] : [[id, machine.state] as const];
  });
  return {
    apiUrl: urls.api,
    ...account,
    refreshMs: faults.pageRefreshMs,
    buttonDisabledMs: faults.buttonDisabledMs,
    buttonDisabledAlways: faults.buttonDisabledAlways,
    hiddenTemplateButton: faults.hiddenTemplateButton,
    changedSelectors: faults.changedSelectors,
    dialogMore: faults.dialogMore,
    dialogLess: faults.dialogLess,
    confirmNames: faults.confirmNames,
    halfLoaded: faults.halfLoaded,
    stalePage: faults.stalePage,
    shownStates: { ...Object.fromEntries(truth), ...faults.pageDisagrees },
  };
}

/** Scripts and styles of the pages. */
export function consoleFiles() {
  return express.static(PUBLIC_DIR, { index: false });
}

/** The provider's console origin: the login page, and the resource page with its settings. */
export function consoleApp(world: World): Express {
  const { fleet, ledger, sessions, desk } = world;
  const app = express();
  app.disable("x-powered-by");
  app.use("/static", consoleFiles());
  app.use((_request, response, next) => {
    // The API sees the console page's full address as referer, as at the provider.
    response.set({ "Referrer-Policy": "no-referrer-when-downgrade", "Cache-Control": "no-store" });
    next();
  });

  app.get("/", (_request, response) => response.redirect(RESOURCES));

  app.get("/login", async (_request, response) => {
    ledger.loginPageLoads += 1;
    const file = fleet.faults.loginByHandOnly ? "login-by-hand.html" : "login.html";
    await sendPage(world, response, file, { ticket: desk.issue() });
  });

  app.post("/login", express.json(), (request, response) => {
    const given = loginBody.safeParse(request.body);
    const { username, password } = world.credentials;
    const right = given.success && given.data.username === username && given.data.password === password;
    if (!right || fleet.faults.loginByHandOnly) {
      response.status(403).json({ message: "用户名或密码错误" });
      return;
    }
    logIn(world, response);
  });

  app.post("/login/slide", express.json(), (request, response) => {
    const given = slideBody.safeParse(request.body);
    const wrong = given.success ? notByHand(given.data.slide, SLIDER_PX) : "no slide";
    ledger.slides.push(wrong ?? "by hand");
    if (wrong === undefined && given.success) desk.slid(given.data.ticket);
    response.status(wrong === undefined ? 200 : 403).json({ message: "验证失败，请重试" });
  });

  app.post("/login/send-code", express.json(), (request, response) => {
    const given = phoneBody.safeParse(request.body);
    const code = given.success ? desk.sendCode(given.data.ticket) : undefined;
    if (code !== undefined && given.success) ledger.phones.push({ phone: given.data.phone, code });
    response.status(code === undefined ? 403 : 200).json({ message: "请先完成滑块验证，并填写手机号" });
  });

  app.post("/login/code", express.json(), (request, response) => {
    const given = codeBody.safeParse(request.body);
    if (given.success && desk.takes(given.data.ticket, given.data.code)) logIn(world, response);
    else response.status(403).json({ message: "验证码错误" });
  });

  app.get("/login/poll", async (request, response) => {
    const { ticket } = pollQuery.catch({ ticket: "" }).parse(request.query);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const ended = AbortSignal.any([gone.signal, world.closing, AbortSignal.timeout(POLL_HOLD_MS)]);
    if (await desk.wait(ticket, ended)) logIn(world, response);
    else response.json({ waiting: true });
  });

  app.get(RESOURCES, async (request, response) => {
    if (sessions.of(request.headers.cookie) === undefined) {
      response.redirect(`/login?redirect=${encodeURIComponent(request.originalUrl)}`);
      return;
    }
    ledger.pageLoads += 1;
    await sendPage(world, response, "resources.html", {});
  });

  app.get("/light-gpu/console/settings.json", (request, response) => {
    if (sessions.of(request.headers.cookie) === undefined) {
      response.status(401).json({ message: "登录已失效，请重新登录" });
      return;
    }
    response.json(settingsOf(world));
  });
  return app;
}

function logIn(world: World, response: Response): void {
  const session = world.sessions.create();
  world.ledger.logins += 1;
  const cookie = { maxAge: world.fleet.faults.sessionMs, sameSite: "lax", path: "/" } as const;
  response.cookie(SESSION_COOKIE, session.id, { ...cookie, httpOnly: true });
  response.cookie(CSRF_COOKIE, session.csrfToken, cookie);
  response.json({ csrfToken: session.csrfToken, redirect: RESOURCES });
}

export async function sendPage(
  world: World,
  response: Response,
  file: string,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  if (!(await heldBack(world.fleet.faults.slowPageMs, world.closing))) return;
  let html = await readFile(new URL(file, `file://${PUBLIC_DIR}`), "utf8");
  for (const [name, value] of Object.entries(values)) html = html.replaceAll(`{{${name}}}`, value);
  response.type("html").send(html);
}
