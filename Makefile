# Everything a person does here, by name. `make run` and `make test` are each enough alone on a
# machine that has git, make and Python >= 3.11.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
FLOOR_VENV := .venv-floor
FLOOR := 3.11
PY := $(VENV)/bin/python

# The suite ends with pytest's closing line; tools/ holds the plugin that refuses skips under CI=true.
# Many tests wait for other processes: two workers more than there are cores, and who is done takes
# over from who is not.
PYTEST := PYTHONPATH=tools $(PY) -m pytest -p nothing_skipped --dist worksteal
JOBS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 2 )))

# What also runs on the oldest Python we promise: the pure parts and the stores, and a few files that start the
# service, the bot and the tool there as a house does. What else starts processes takes minutes and runs once.
STARTS_PROCESSES := tests/actions tests/addon tests/bot tests/e2e tests/links tests/packaging tests/page tests/tool
FLOOR_TESTS := $(filter-out $(STARTS_PROCESSES) %__pycache__,$(patsubst %/,%,$(wildcard tests/*/))) \
               $(wildcard tests/test_*.py) \
               tests/e2e/test_run.py tests/e2e/test_pair.py tests/e2e/test_service.py::test_simulated_house_lives \
               tests/e2e/test_bot.py::test_battery_shows_what_the_poller_reads tests/bot/test_program.py \
               tests/links/test_ble.py tests/actions/test_apprise_send.py

# bench/peer_*.py are the other programs we measure against; they run in environments of their own.
MEASUREMENTS := $(filter-out bench/peer_%,$(wildcard bench/*.py))

# Days on which something turns: an hour that is missing, one that comes twice, a year, a leap day; in zones that
# are two, minus three and a half, and thirteen hours from UTC. In the future: a clock that is behind the release is
# told to be wrong.
DATES := 2031-03-30T02:57@Europe/Kyiv 2031-10-26T03:57@Europe/Kyiv 2031-12-31T23:57@America/St_Johns \
         2032-02-29T23:57@Pacific/Auckland
# Not what installs from the network, whose certificates are of today.
DATED_TESTS := tests --ignore=tests/packaging

.PHONY: help setup run test check dates bench dashboards addon digests soak clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## .venv with everything, on the newest working Python >= 3.11 (PYTHON=... names another)
	@tools/venv $(VENV) dev
	@$(KEEP_OUT_OF_GIT)
	@echo "setup: ready: try make run, make test"

# The batteries of this house are no change of the project: a scan must not dirty a clone, nor bring a PIN
# near a commit. Undo: git update-index --no-skip-worktree jk_devices.yaml
KEEP_OUT_OF_GIT := git update-index --skip-worktree jk_devices.yaml 2>/dev/null || true

# 75 and 78: the program said itself what is wrong. To a person make's own word on it would only be noise.
SAID := code=$$?; [ -t 1 ] && case $$code in 75|78) exit 0 ;; esac; exit $$code

run: ## the poller, the page, and the bot if it has a token: your .env, or a simulated battery (ARGS=... are passed on)
	@tools/venv $(VENV) runtime
	@[ "$$($(PY) jk_bms_service.py --packages $(ARGS) 2>/dev/null)" != bot ] || tools/venv $(VENV) bot
	@$(KEEP_OUT_OF_GIT)
	@$(PY) jk_bms_service.py --interactive $(ARGS) || { $(SAID); }

test: ## the whole suite, and much of it on Python 3.11 in .venv-floor (NO_APT=1: install no Debian package)
	@tools/venv $(VENV) dev
	@tools/debian-packages
	@tools/floor-tests $(PY) $(FLOOR_VENV) $(FLOOR) "$(JOBS)" $(FLOOR_TESTS)
	@echo "test: the whole suite on $$($(PY) -V)"
	@$(PYTEST) -q -n $(JOBS) $(ARGS)

check: ## lint, format, types, import direction, lock files
	@tools/venv $(VENV) dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	tools/check-locks

dates: ## the suite on other days in other time zones (DATED_TESTS=tests/bot: a part of it)
	@tools/venv $(VENV) dev
	@tools/debian-packages
	@status=0; for each in $(DATES); do \
		echo "dates: $$each"; \
		PYTHONPATH=tools tools/at-date $$each $(PY) -m pytest -q -p nothing_skipped --dist worksteal -n $(JOBS) \
			$(ARGS) $(DATED_TESTS) || status=1; \
	done; exit $$status

bench: ## every measurement of bench/ (docs/benchmarks.md explains them)
	@tools/venv $(VENV) dev
	@status=0; for each in $(MEASUREMENTS); do \
		grep -q '__main__' "$$each" || continue; \
		echo "bench: $$each"; PYTHONPATH=. $(PY) "$$each" || status=1; \
	done; exit $$status

dashboards: ## deploy/grafana/dashboards and the rules of Prometheus, from tools/dashboards.py
	@tools/venv $(VENV) dev
	$(PY) tools/dashboards.py

addon: ## build/easun_jkbms: the add-on of Home Assistant, whole, for the folder /addons of that machine
	@rm -rf build/easun_jkbms && mkdir -p build/easun_jkbms/addon
	@cp -r addon/{config.yaml,Dockerfile,apparmor.txt,translations,DOCS.md,README.md,CHANGELOG.md,icon.png,logo.png} \
		build/easun_jkbms/
	@cp addon/run.py build/easun_jkbms/addon/
	@git ls-files -z jk_bms jk_bms_service.py telegram_bot.py requirements-bot.txt LICENSE | \
		xargs -0 cp --parents -t build/easun_jkbms/
	@echo "addon: copy build/easun_jkbms to /addons of Home Assistant, then: Settings, Add-ons, Store, Check for updates"

digests: ## pin the images of deploy/grafana/docker-compose.yml to what their tags mean now (asks the registry)
	tools/digests deploy/grafana/docker-compose.yml

soak: ## everything that needs long counts, whole (SOAK=20; `make test` runs a twentieth)
	@tools/venv $(VENV) dev
	@tools/debian-packages
	@SOAK=$${SOAK:-20} $(PYTEST) -q -n $(JOBS) -o timeout=3600 $(ARGS)

clean: ## remove the environments, caches and demo/ (never .env, the registry or a database of yours)
	rm -rf $(VENV) $(VENV).lock $(FLOOR_VENV) $(FLOOR_VENV).lock demo build *.egg-info .coverage* \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
