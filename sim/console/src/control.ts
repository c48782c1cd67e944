import express, { type ErrorRequestHandler, type Express } from "express";
import { z } from "zod";
import { nowMs } from "./clock.ts";
import { faultsPatch, machinesNamed } from "./faults.ts";
import { machineState } from "./machine-spec.ts";
import type { World } from "./world.ts";

const switchBody = z.strictObject({
  state: machineState,
  /** True: it boots or shuts down on its way, to Running or Stopped; false: it is there at once. */
  transition: z.boolean().default(false),
});

/** Our own side of the stand-in: look at it, turn its knobs. Not part of what the provider has. */
export function controlApp(world: World): Express {
  const { fleet, sessions, desk } = world;
  const app = express();
  app.disable("x-powered-by");
  app.use(express.json());

  app.get("/state", (_request, response) => {
    response.json(stateOf(world));
  });

  app.post("/machines/:id/state", (request, response) => {
    const { id } = request.params;
    const wish = switchBody.parse(request.body);
    const machine = fleet.get(id);
    if (machine === undefined) {
      response.status(404).json({ error: `There is no machine ${id}; GET /state lists them.` });
      return;
    }
    if (!fleet.switchByHand(id, wish.state, wish.transition)) {
      response.status(409).json({
        error: `No transition leads from ${machine.state} to ${wish.state}; leave "transition" out to set it at once.`,
      });
      return;
    }
    response.json({ uHostId: id, state: fleet.get(id)?.state });
  });

  app.get("/faults", (_request, response) => {
    response.json(fleet.faults);
  });

  app.post("/faults", (request, response) => {
    const patch = faultsPatch.parse(request.body);
    const stranger = machinesNamed(patch).find((id) => fleet.get(id) === undefined);
    if (stranger !== undefined) {
      response.status(404).json({ error: `There is no machine ${stranger}; GET /state lists them.` });
      return;
    }
    fleet.turn(patch);
    response.json(fleet.faults);
  });

  app.post("/faults/reset", (_request, response) => {
    fleet.resetFaults();
    response.json(fleet.faults);
  });

  app.post("/expire-session", (_request, response) => {
    response.json({ expired: sessions.expireAll() });
  });

  app.post("/login-by-hand", (_request, response) => {
    response.json({ waiting: desk.passAll() });
  });

  app.use((_request, response) => {
    response.status(404).json({ error: "No such path; see the README of sim/console for the control API." });
  });
  app.use(onError);
  return app;
}

/** Everything the stand-in knows about what happened to it. */
export function stateOf(world: World) {
  const { fleet, ledger, sessions, desk } = world;
  return {
    nowMs: nowMs(),
    machines: fleet.all().map(({ spec, state, sinceMs, boots }) => ({
      ...spec,
      State: state,
      sinceMs,
      boots,
    })),
    tallies: ledger.tallies(),
    actions: ledger.actions,
    describes: { ...ledger.describes },
    pageLoads: ledger.pageLoads,
    loginPageLoads: ledger.loginPageLoads,
    logins: ledger.logins,
    sessions: sessions.count,
    loginPagesWaiting: desk.waiting,
    slides: [...ledger.slides],
    phones: [...ledger.phones],
  };
}
export type ConsoleState = ReturnType<typeof stateOf>;

const onError: ErrorRequestHandler = (error, _request, response, _next) => {
  if (error instanceof z.ZodError) {
    response.status(400).json({ error: z.prettifyError(error) });
    return;
  }
  const status = z.object({ status: z.int().min(400).max(499) }).safeParse(error);
  response.status(status.success ? status.data.status : 500).json({ error: String(error) });
};
