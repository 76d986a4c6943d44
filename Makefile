# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# Shortcuts for the tools: `make help`.

PYTHON ?= python3
HOSTS ?=

# The environment is recreated when its requirements change or the checkout is moved.
READY := .venv/.ready$(subst /,-,$(CURDIR))

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MOLECULE_GLOB := molecule/*/molecule.yml
# Without compiled files, each start of Ansible compiles its own code and takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

PLAY := .venv/bin/ansible-playbook -i .lab/inventory.yml -i demo/inventory.yml
say = printf '\n\033[1m== %s\033[0m\n' '$(1)'

.DEFAULT_GOAL := help
.PHONY: help setup lab lab-down demo docs report test clean

help: ## show this help
	@sed -nE 's/^([a-z%-]+):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do printf '  make %-12s %s\n' "$$target" "$$text"; done

setup: $(READY) ## create .venv with ansible-core and the tools of the gates
	@:

lab: setup ## start the lab; HOSTS=N sets the number of hosts, LAB=vm creates virtual machines
	$(if $(HOSTS),HOSTS=$(HOSTS)) .venv/bin/molecule create -s default

lab-down: setup ## remove the lab; LAB=vm removes the virtual machines
	.venv/bin/molecule destroy -s default

# The demo displays its own steps, and of Ansible's only what changes or fails.
demo: export ANSIBLE_DISPLAY_OK_HOSTS := false
demo: export ANSIBLE_DISPLAY_SKIPPED_HOSTS := false
demo: setup ## run the demo in the lab
	@$(call say,Create or start the hosts of the lab; this takes some minutes the first time)
	@mkdir -p .lab
	@$(MAKE) --no-print-directory lab >.lab/create.txt 2>&1 || { cat .lab/create.txt; exit 1; }
	@$(call say,Start a container without a network on every host, and open the firewall for its bridge)
	@$(PLAY) demo/containers.yml
	@$(call say,Provision the Docker networks and links in demo/inventory.yml)
	@$(PLAY) playbooks/provision.yml
	@$(call say,Provision again: nothing changes)
	@$(PLAY) --diff playbooks/provision.yml | tee .lab/second-run.txt
	@! grep -E 'changed=[1-9]' .lab/second-run.txt
	@$(call say,Verify connections between namespaces and containers of different hosts)
	@$(PLAY) demo/show.yml
	@$(call say,List the namespaces of every host from its snapshot)
	@.venv/bin/python demo/table.py .lab/snapshots/*.json.gz
	@$(call say,Audit the hosts)
	@ANSIBLE_DISPLAY_OK_HOSTS=true $(PLAY) playbooks/audit.yml -e audit_directory='$(CURDIR)/.lab/audit' >.lab/audit.txt || { cat .lab/audit.txt; exit 1; }
	@sed -n '/^TASK .*Show the summary of the findings/,/^$$/p' .lab/audit.txt
	@cat demo/next.txt
	@printf '\nAudit report: %s\n' "$$(ls -d .lab/audit/*/report.html | tail -n 1)"

docs: setup ## build the documentation site in .cache/site/html
	.venv/bin/python docs/site/build.py .cache/site

report: ## build the page of the audit report from report/
	cd report && npm ci --no-audit --no-fund --loglevel=error && node build.mjs

test: setup ## run all gates, several at a time; GATES=vm adds the virtual machines, ALL=1 all versions of ansible-core
	.venv/bin/python tests/gates/run.py

test-quick: setup ## run lint, types and the fast unit tests
	QUICK=1 .venv/bin/python tests/gates/run.py lint types units

test-%: setup ## run one gate: make test-lint, test-units, test-kernel, test-vm ...
	.venv/bin/nox --session $*

clean: ## remove caches and .venv, but not the lab
	rm -rf report/node_modules .venv .nox .cache .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/output

# The links make the checkout available as netfleet.docker to Ansible, and to mypy, which skips site-packages.
$(READY): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) --no-print-directory install-venv
	$(PYTHON) -m venv --clear .venv
	.venv/bin/pip install --quiet --disable-pip-version-check uv
	@# uv is faster, but does not read the settings of pip.
	UV_CACHE_DIR=.cache/uv VIRTUAL_ENV=.venv .venv/bin/uv pip install --quiet --requirement requirements-dev.txt \
	  || .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@for folder in .venv/lib/python3.*/site-packages .venv/collections; do \
	  mkdir -p "$$folder/ansible_collections/netfleet" && ln -sfn '$(CURDIR)' "$$folder/ansible_collections/netfleet/docker"; \
	done
	@touch $@

.PHONY: install-venv
install-venv:
	@test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { echo "Python's venv module is missing: install it (Debian: apt install python3-venv)" >&2; exit 1; }
	apt-get update --quiet
	apt-get install --quiet --yes --no-install-recommends python3-venv
