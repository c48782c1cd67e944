# Everything a person runs. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
NPM := npm run --silent

.PHONY: help setup demo test test-unit test-e2e lint format check generate check-generate status

help: ## List every target
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing (npm packages; NATS, Redis, Chromium, a CJK font, Prometheus by apt)
	@scripts/setup.sh

demo: setup ## Watch a job start the GPU and idleness stop it; ONCE=1 does it once and exits
	@ONCE=$(ONCE) $(NPM) demo

test: setup lint check-generate test-unit test-e2e ## Everything that must hold: lint, types, unit and end-to-end tests

test-unit: setup ## Tests of single parts, with real Redis, NATS and Chromium where they touch them
	@$(NPM) test:unit

test-e2e: setup ## The way of a job through both services, on real NATS, Redis and Chromium
	@$(NPM) test:e2e

lint: setup ## Biome and the type checker
	@$(NPM) lint
	@$(NPM) typecheck

format: setup ## Format and mend what can be mended by machine
	@$(NPM) format

check: lint check-generate test-unit ## Quick checks before a commit: lint, types, unit tests

generate: setup ## Write what is generated (configuration tables of the READMEs)
	@$(NPM) generate

check-generate: setup ## Say whether something generated is stale
	@$(NPM) generate -- --check

status: setup ## What power and the listener say right now (gpuctl status)
	@$(NPM) gpuctl -- status
