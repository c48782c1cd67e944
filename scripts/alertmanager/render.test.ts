/** amtool accepts the configuration of each receiver. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { renderAlertmanager } from "./render.ts";

const dir = mkdtempSync(join(tmpdir(), "alertmanager-"));
const file = join(dir, "secret");
writeFileSync(file, "http://127.0.0.1:9/hook\n");

for (const env of [
  {},
  { ALERT_RECEIVER: "webhook", ALERT_WEBHOOK_URL_FILE: file },
  {
    ALERT_RECEIVER: "email",
    ALERT_EMAIL_TO: "a@example.com",
    ALERT_EMAIL_FROM: "b@example.com",
    ALERT_SMTP_HOST: "mail.example.com:587",
    ALERT_SMTP_USER: "b",
    ALERT_SMTP_PASSWORD_FILE: file,
  },
  {
    ALERT_RECEIVER: "wecom",
    ALERT_WECOM_CORP_ID: "c",
    ALERT_WECOM_AGENT_ID: "1",
    ALERT_WECOM_SECRET_FILE: file,
  },
]) {
  test(`amtool accepts the configuration for ${env.ALERT_RECEIVER ?? "no receiver"}`, () => {
    const path = join(dir, "alertmanager.yml");
    writeFileSync(path, renderAlertmanager(env));
    const { status, stdout, stderr } = spawnSync("amtool", ["check-config", path], { encoding: "utf8" });
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
}

test("a receiver without its settings is refused", () => {
  assert.throws(() => renderAlertmanager({ ALERT_RECEIVER: "webhook" }), /ALERT_WEBHOOK_URL_FILE/);
});
