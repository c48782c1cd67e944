#!/usr/bin/env bash
# Sends one test alert to whoever ALERT_RECEIVER names, by the running stack's own Alertmanager, and says whether
# Prometheus reaches it: the whole chain.
set -euo pipefail
source "$(dirname "$0")/compose.sh"

receiver=$(setting ALERT_RECEIVER)
case ${receiver:-none} in
  none) fail "ALERT_RECEIVER in .env is none: nobody hears of alerts. docs/operating.md says what each receiver needs; then \`make up\`." ;;
  webhook) where="at the address in $(setting ALERT_WEBHOOK_URL_FILE)" ;;
  email) where="in the mailbox of $(setting ALERT_EMAIL_TO)" ;;
  wecom) where="in the WeCom application $(setting ALERT_WECOM_AGENT_ID)" ;;
  *) fail "ALERT_RECEIVER in .env must be one of none, webhook, email, wecom, not \"$receiver\"." ;;
esac

id=$(containers_of alertmanager | head -n 1)
[ -n "$id" ] || fail "Alertmanager does not run: start the stack with \`make up\`."
amtool() { docker exec "$id" amtool "$@"; }

watchdog=$(amtool alert query -o simple alertname=Watchdog) || fail "Alertmanager does not answer: \`make logs\` says why."
if grep -q Watchdog <<<"$watchdog"; then
  say "1. Prometheus reaches Alertmanager: its Watchdog alert is there."
else
  say "1. Prometheus does NOT reach Alertmanager: its Watchdog alert is not there. Does Prometheus run (\`make ps\`)? \`make logs\` says more."
  broken=1
fi

# A name and a number of its own: Alertmanager would take the same labels for the alert that it has told already.
sent=$(date -u +%Y-%m-%dT%H:%M:%SZ)
amtool alert add alertname=TestAlert severity=none "sent=$sent" \
  --end="$(date -u -d '+5 minutes' +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -v+5M +%Y-%m-%dT%H:%M:%SZ)" \
  --annotation=summary="This is a test: alerts reach you" \
  --annotation=description="Somebody ran make test-alert at $sent. Nothing is wrong and nothing is to be done; a note that it is resolved follows within 10 minutes." \
  --annotation=summary_zh="这是一条测试：告警可以到达您" \
  --annotation=description_zh="有人在 $sent 运行了 make test-alert。没有故障，无需处理；10 分钟内会再收到一条已恢复的消息。" \
  --annotation=runbook_url=docs/runbooks/Watchdog.md || fail "Alertmanager did not take the test alert; see above."
say "2. A test alert was given to Alertmanager, for the receiver \"$receiver\"."
say "3. Within 20 seconds it should arrive $where."
cat <<'TEXT'
   Nothing came? `make logs` holds the receiver's answer in the lines of alertmanager ("Notify for alerts failed").
   Mend the ALERT_ lines of .env and the file they name, run `make up`, then `make test-alert` again.
TEXT
[ -z "${broken:-}" ] || exit 1
