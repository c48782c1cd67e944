#!/usr/bin/env bash
# Sends one test alert to whoever ALERT_RECEIVER names, by the running stack's own Alertmanager, says whether Prometheus
# reaches it (the whole chain), and shows what each receiver is to see.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
source "$here/compose.sh"

receivers=$(setting ALERT_RECEIVER)
[ "${receivers:-none}" != none ] ||
  fail "ALERT_RECEIVER in .env is none: nobody hears of alerts. docs/operating.md says what each receiver needs; then \`make up\`."
given() { local value; value=$(setting "$1_FILE"); echo "${value:-$1 in .env}"; }
places=()
for each in ${receivers//,/ }; do
  case ${each%%:*} in
    webhook) places+=("at the address in $(given ALERT_WEBHOOK_URL)") ;;
    email) places+=("in the mailbox of $(setting ALERT_EMAIL_TO)") ;;
    wecom) places+=("in the WeCom application $(setting ALERT_WECOM_AGENT_ID)") ;;
    wecom-robot) places+=("in the WeCom group of the robot in $(given ALERT_WECOM_ROBOT_URL)") ;;
    dingtalk) places+=("in the DingTalk group of the robot in $(given ALERT_DINGTALK_URL)") ;;
    feishu) places+=("in the Feishu group of the robot in $(given ALERT_FEISHU_URL)") ;;
    telegram) places+=("in the Telegram chat $(setting ALERT_TELEGRAM_CHAT_ID)") ;;
    slack) places+=("in the Slack channel of the webhook in $(given ALERT_SLACK_URL)") ;;
    *) fail "ALERT_RECEIVER in .env must be none, or some of webhook, email, wecom, wecom-robot, dingtalk, feishu, telegram, slack, separated by commas; not \"$each\"." ;;
  esac
done

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
annotations=(
  summary="This is a test: alerts reach you"
  description="Somebody ran make test-alert at $sent. Nothing is wrong and nothing is to be done; a note that it is resolved follows within 10 minutes."
  summary_zh="这是一条测试：告警可以到达您"
  description_zh="有人在 $sent 运行了 make test-alert。没有故障，无需处理；10 分钟内会再收到一条已恢复的消息。"
  runbook_url=docs/runbooks/Watchdog.md
)
amtool alert add alertname=TestAlert severity=none "sent=$sent" \
  --end="$(date -u -d '+5 minutes' +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -v+5M +%Y-%m-%dT%H:%M:%SZ)" \
  "${annotations[@]/#/--annotation=}" || fail "Alertmanager did not take the test alert; see above."
say "2. A test alert was given to Alertmanager, for \"$receivers\". What each is to see:"
"$here/alertmanager.sh" preview "$sent" "${annotations[@]}" || broken=1
say "3. Within 20 seconds it should arrive:"
printf '   - %s\n' "${places[@]}"
cat <<'TEXT'
   Nothing came? `make logs` holds the receiver's answer in the lines of alertmanager ("Notify for alerts failed") and,
   for WeCom's robot, DingTalk and Feishu, of messenger. Mend the ALERT_ lines of .env and the files they name, run
   `make up`, then `make test-alert` again.
TEXT
[ -z "${broken:-}" ] || exit 1
