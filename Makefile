# Everything a person runs. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
NPM := npm run --silent

.PHONY: help setup demo demo-fault test test-unit test-e2e bench bench-short lint format check generate check-generate status why diagnose watch hold resume need test-job test-shutdown \
  up down test-alert amtool logs ps restart-listener restart-power login login-import upgrade rollback backup restore restore-undo restore-forget setup-nats cluster-certs chown images-update images-save images-load test-compose

help: ## List every target
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9 -]+:.*## / {printf "  \033[1m%-22s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing (npm packages; NATS, Redis, Chromium, a CJK font, Prometheus by apt)
	@scripts/setup.sh

demo: setup ## Watch a job start the GPU and idleness stop it; ONCE=1 does it once and exits
	@ONCE=$(ONCE) $(NPM) demo

demo-fault: ## Inject a fault into the running demo and see its alert: FAULT=…; alone it lists them, FAULT=none mends
	@FAULT=$(FAULT) $(NPM) demo-fault

test: setup lint check-generate test-unit test-e2e ## Everything that must hold: lint, types, unit and end-to-end tests

test-unit: setup ## Tests of single parts, with real Redis, NATS and Chromium where they touch them
	@echo "On $$(scripts/nats-server.sh version)"
	@$(NPM) test:unit

test-e2e: setup ## The way of a job through both services, on real NATS, Redis and Chromium
	@echo "On $$(scripts/nats-server.sh version)"
	@$(NPM) test:e2e

bench: setup ## Speed and memory beside the bare floor, all of it (some 25 minutes); SCENARIOS="burst sync" some, FRAMES=1000000 a flood
	@FRAMES=$(FRAMES) $(NPM) bench -- $(SCENARIOS)
	@$(NPM) generate

bench-short: setup ## The same in two minutes or so; fails on a ratio more than twice as bad as its target, three times over
	@$(NPM) bench -- --short $(SCENARIOS)

lint: setup ## Biome and the type checker
	@$(NPM) lint
	@$(NPM) typecheck

format: setup ## Format and mend what can be mended by machine
	@$(NPM) format

check: lint check-generate test-unit ## Quick checks before a commit: lint, types, unit tests

generate: setup ## Write what is generated (configuration tables, reference of metrics, dashboards)
	@$(NPM) generate

check-generate: setup ## Say whether something generated is stale
	@$(NPM) generate -- --check

status why diagnose watch: ## What gpuctl answers: how it stands, why nothing (or just this) is done, where the way of a notice is broken, what happens
	@./gpuctl $@ $(ARGS)

hold resume need: ## Through gpuctl, REASON="…" says why: hold ARGS="--off --for 2h", resume, need ARGS=2h
	@./gpuctl $@ $(ARGS) --reason "$(REASON)"

test-job test-shutdown: ## Try a whole job, or a stop of a machine without work, step by step: ARGS=--wait-worker
	@./gpuctl $@ $(ARGS)

login: setup ## Log in at the console by hand, on a machine with a display; keeps the session for login-import
	@SESSION_KEY_FILE=secrets/session-key PROFILES_DIR=$${PROFILES_DIR:-profiles} PROFILE=$${PROFILE:-compshare} STATE_DIR=login \
	  npx --no-install node services/power/src/console/first-login.ts

login-import: ## Bring the session that `make login` kept (FILE=…) to power on this server
	@scripts/stack/login-import.sh "$(FILE)"

up: ## The whole stack in containers; with no DSP_URL in .env the demo. NO_BUILD=1 takes images as they are
	@scripts/stack/up.sh

down: ## Stop the containers; volumes stay
	@source scripts/stack/compose.sh && every down

test-alert: ## Send one test alert the whole way: Prometheus, Alertmanager, whoever ALERT_RECEIVER names
	@scripts/stack/test-alert.sh

amtool: ## What Alertmanager holds; ARGS="silence add alertname=… --duration=2h --comment=…" says what you do not want to hear
	@scripts/stack/amtool.sh $(ARGS)

logs: ## Follow the logs of the containers
	@source scripts/stack/compose.sh && every logs -f --tail=100

ps: ## What runs, and how it is
	@source scripts/stack/compose.sh && every ps

restart-listener: ## A new listener registers before the old one stops
	@scripts/stack/restart-listener.sh

restart-power: ## Restart power; it looks at the console before it does anything
	@scripts/stack/restart-power.sh

upgrade: ## A new version, checked first, one service after the other; back by itself when one does not work
	@scripts/stack/upgrade.sh

rollback: ## Back to the version before the last upgrade
	@scripts/stack/rollback.sh

backup: ## Everything into one file under backups/ while it goes on; PROMETHEUS=1: the series as well
	@scripts/stack/backup.sh

restore: ## A backup in place of what is here: FILE=backups/….tar
	@scripts/stack/restore.sh "$(FILE)"

restore-undo: ## Back to what was here before the last restore
	@ENV_FILE=.stack/restore/env scripts/stack/restore-step.sh undo && scripts/stack/restore-step.sh start

restore-forget: ## Give up the room that going back would need
	@ENV_FILE=.stack/restore/env scripts/stack/restore-step.sh forget

setup-nats: ## Make NATS' streams and buckets, or mend their settings; make up does it by itself
	@scripts/stack/setup-nats.sh

cluster-certs: ## Certificates for the hosts of a cluster, on the first of them; again: renews them
	@scripts/stack/cluster-certs.sh

chown: ## Make the installation another user's: sudo make chown OWNER=…
	@scripts/stack/chown.sh "$(OWNER)"

images-update: ## Take the registry's present digests into deploy/images.lock and show what changes; IMAGE=… to another tag
	@scripts/stack/update-images.sh "$(IMAGE)"

images-save: ## Every image into one file, for a site without a registry: FILE=…
	@scripts/stack/images.sh save $(FILE)

images-load: ## Read that file: FILE=…
	@scripts/stack/images.sh load $(FILE)

test-compose: setup ## The real stack in containers on stand-in base images: main job, restarts, hardening
	@tests/compose/run.sh
